"""The game of DCGAN with any part exchanged: what the ablation family (zoo/stabilisers.py) changes.

Radford et al. 2016, arXiv:1511.06434, and the authors' Torch code, as in zoo/dcgan.py.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from torch import nn

from bench.gan import GAN, Average, ImageSpec, Loss, OptimiserFactory, Player, Turn, adam, gaussian
from zoo.losses.objectives import NonSaturating, Objective
from zoo.networks.convolutional import LATENT, Critic, Generator
from zoo.networks.layers import AROUND_ONE, NORMAL, initialise
from zoo.training.two_player import Latents, LatentTurn, sample, two_player

ADAM = adam(2e-4, betas=(0.5, 0.999))
GAUSSIAN = gaussian(LATENT)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What is exchanged in the baseline. Networks come initialised; None means the baseline's own."""

    generator: nn.Module | None = None
    critic: nn.Module | None = None
    generator_optimiser: OptimiserFactory = ADAM
    critic_optimiser: OptimiserFactory = ADAM
    average: Average | None = None
    latents: Latents = GAUSSIAN
    objective: Objective = NonSaturating()  # noqa: RUF009 (it has no state)
    turn: Callable[..., Turn] = LatentTurn
    critic_terms: Mapping[str, Loss] | None = None
    generator_terms: Mapping[str, Loss] | None = None
    after_critic: Sequence[Callable[[Turn], None]] = ()
    after_generator: Sequence[Callable[[Turn], None]] = ()
    memory: Mapping[str, nn.Module] = field(default_factory=dict[str, nn.Module])


def baseline(spec: ImageSpec, parts: Parts = Parts()) -> GAN:
    """DCGAN, with any part exchanged."""
    generator = parts.generator or initialise(Generator(spec), NORMAL, AROUND_ONE)
    critic = parts.critic or initialise(Critic(spec), NORMAL, AROUND_ONE)
    players = {
        "generator": Player(generator, parts.generator_optimiser, parts.average),
        "critic": Player(critic, parts.critic_optimiser),
    }
    stage = two_player(
        parts.objective,
        latents=parts.latents,
        turn=partial(parts.turn, reuse_fakes=True),
        critic_terms=parts.critic_terms,
        generator_terms=parts.generator_terms,
        after_critic=parts.after_critic,
        after_generator=parts.after_generator,
    )
    return GAN(players, [stage], sample, parts.latents, parts.memory, least_batch=2)

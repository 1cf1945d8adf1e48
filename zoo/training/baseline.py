"""The game of DCGAN with any part exchanged: what the ablation family (zoo/stabilisers.py) changes.

Radford et al. 2016, arXiv:1511.06434, and the authors' Torch code, as in zoo/dcgan.py.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypedDict

from torch import nn

from bench.gan import GAN, Average, ImageSpec, Loss, OptimiserFactory, Player, Turn, adam, gaussian
from zoo.losses.objectives import NonSaturating, Objective
from zoo.networks.convolutional import LATENT, Critic, Generator
from zoo.networks.layers import AROUND_ONE, NORMAL, Rule, initialise
from zoo.training.two_player import Latents, LatentTurn, sample, two_player

GAUSSIAN = gaussian(LATENT)


class Common(TypedDict):
    """The parameters that every member of the family has."""

    width: int
    lr: float
    beta1: float
    beta2: float
    critic_steps: int


def common(
    *, width: int = 64, lr: float = 2e-4, beta1: float = 0.5, beta2: float = 0.999, critic_steps: int = 1
) -> Common:
    """DCGAN's, by default."""
    return Common(width=width, lr=lr, beta1=beta1, beta2=beta2, critic_steps=critic_steps)


def optimiser(chosen: Common) -> OptimiserFactory:
    """Adam as chosen."""
    return adam(chosen["lr"], betas=(chosen["beta1"], chosen["beta2"]))


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What is exchanged in the baseline. Networks come initialised, as wide as is chosen; None means the baseline's own."""

    generator: nn.Module | None = None
    critic: nn.Module | None = None
    generator_optimiser: OptimiserFactory | None = None
    critic_optimiser: OptimiserFactory | None = None
    average: Average | None = None
    latents: Latents = GAUSSIAN
    objective: Objective = NonSaturating()  # noqa: RUF009 (it has no state)
    turn: Callable[..., Turn] = LatentTurn
    critic_terms: Mapping[str, Loss] | None = None
    generator_terms: Mapping[str, Loss] | None = None
    after_critic: Sequence[Callable[[Turn], None]] = ()
    after_generator: Sequence[Callable[[Turn], None]] = ()
    memory: Mapping[str, nn.Module] = field(default_factory=dict[str, nn.Module])


def baseline(spec: ImageSpec, chosen: Common, parts: Parts = Parts()) -> GAN:
    """DCGAN, with any part exchanged."""
    generator = parts.generator or initialise(Generator(spec, chosen["width"]), NORMAL, AROUND_ONE)
    critic = parts.critic or initialise(Critic(spec, chosen["width"]), NORMAL, AROUND_ONE)
    players = {
        "generator": Player(generator, parts.generator_optimiser or optimiser(chosen), parts.average),
        "critic": Player(critic, parts.critic_optimiser or optimiser(chosen)),
    }
    stage = two_player(
        parts.objective,
        latents=parts.latents,
        turn=partial(parts.turn, reuse_fakes=True),
        critic_steps=chosen["critic_steps"],
        critic_terms=parts.critic_terms,
        generator_terms=parts.generator_terms,
        after_critic=parts.after_critic,
        after_generator=parts.after_generator,
    )
    return GAN(players, [stage], sample, parts.latents, parts.memory, least_batch=2)


def unnormed(spec: ImageSpec, width: int) -> nn.Module:
    """The baseline's critic without batch norm."""
    return initialise(Critic(spec, width, norm=nn.Identity), NORMAL, AROUND_ONE)


def initialised(spec: ImageSpec, rule: Rule, chosen: Common) -> GAN:
    """The baseline with both players' weights by `rule`."""
    generator, critic = (initialise(net(spec, chosen["width"]), rule, AROUND_ONE) for net in (Generator, Critic))
    return baseline(spec, chosen, Parts(generator=generator, critic=critic))

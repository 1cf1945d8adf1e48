"""LOGAN. Wu, Donahue, Balduzzi, Simonyan, Lillicrap, "LOGAN: Latent Optimisation for Generative Adversarial Networks", 2019,
arXiv:1912.00953.

Before either player moves, latents take one step up the critic's logit, a natural-gradient step with a diagonal of its
empirical Fisher information: dz = alpha g / (beta + ||g||^2), with g the slope of D(G(z)) at z (section 3). Both players are
differentiated through the step. Most of a batch steps, the rest stays; the length of the steps is paid for in the critic's
loss. Sampling takes latents as they are drawn.

Networks: the standard CNN of SNGAN (zoo/networks/standard.py) with spectral normalisation in the critic, hinge loss, as the
paper's smaller experiments have a DCGAN; alpha 0.9, beta 0.1, weight 0.1 of the length and four fifths that step from
StudioGAN (src/configs/CIFAR10/LOGAN.yaml at 5c97595).

Departures: latents are normal and not cut; the length is in the critic's loss alone.

Published: CIFAR-10: FID 20.45, IS 7.89, on a ResNet and latents that step in sampling too (StudioGAN README at 947b35e).
"""

from functools import cached_property, partial

import torch
from torch import Tensor

from bench.gan import GAN, Context, ImageSpec, Player, Turn, adam, gaussian
from zoo.losses.objectives import Hinge
from zoo.losses.weighted import Weighted
from zoo.networks.layers import NORMAL, initialise
from zoo.networks.spectral import spectral
from zoo.networks.standard import LATENT, WIDTH, Critic, Generator
from zoo.training.parameters import checked
from zoo.training.two_player import Latents, LatentTurn, sample, two_player

STEPPING = 0.8  # share of the latents that step


def natural_step(slopes: Tensor, reach: float, damping: float) -> Tensor:
    """alpha g / (beta + ||g||^2) of each latent's slope g, (N, Z): never longer than alpha / (2 sqrt beta)."""
    return reach * slopes / (damping + slopes.square().sum(1, keepdim=True))


class SteppingTurn(LatentTurn):
    """Fakes from latents that have taken a step; the critic's update is differentiated through it too."""

    def __init__(self, context: Context, *, latents: Latents, reach: float, damping: float):
        super().__init__(context, latents=latents)
        self.reach, self.damping = reach, damping

    @cached_property
    def steps(self) -> tuple[Tensor, Tensor]:
        """Latents as drawn, and the step that each would take: (N, Z) both."""
        drawn = self.latents(self.batch.images.shape[0], self.random).requires_grad_()
        with torch.enable_grad():
            logits = self.judge(self.generate(drawn))
            (slopes,) = torch.autograd.grad(logits.sum(), drawn, create_graph=True)
        return drawn.detach(), natural_step(slopes, self.reach, self.damping)

    @cached_property
    def fake(self) -> Tensor:
        """G(z + dz), (N, C, H, W)."""
        return self.make_fake()

    def make_fake(self) -> Tensor:
        """Images of the latents after their step."""
        drawn, steps = self.steps
        chosen = torch.rand(drawn.shape[0], 1, generator=self.random, device=drawn.device) < STEPPING
        return self.generate(drawn + chosen * steps)


def length(turn: Turn) -> Tensor:
    """E ||dz||^2."""
    assert isinstance(turn, SteppingTurn)
    return turn.steps[1].square().sum(1).mean()


@checked()
def logan(
    spec: ImageSpec,
    *,
    width: int = WIDTH,
    lr: float = 2e-4,
    beta1: float = 0.5,
    beta2: float = 0.999,
    critic_steps: int = 1,
    reach: float = 0.9,
    damping: float = 0.1,
    transport: float = 0.1,
) -> GAN:
    """Adam at 2e-4 with betas (0.5, 0.999).

    Args:
        width: Channels next to the image; they double with each halving of the size, up to eight times as many.
    """
    optimiser = adam(lr, betas=(beta1, beta2))
    players = {
        "generator": Player(initialise(Generator(spec, width), NORMAL), optimiser),
        "critic": Player(spectral(initialise(Critic(spec, width), NORMAL)), optimiser),
    }
    game = two_player(
        Hinge(),
        latents=gaussian(LATENT),
        turn=partial(SteppingTurn, reach=reach, damping=damping),
        critic_steps=critic_steps,
        critic_terms={"transport": Weighted(length, transport)},
    )
    return GAN(players, [game], sample, gaussian(LATENT), least_batch=2)

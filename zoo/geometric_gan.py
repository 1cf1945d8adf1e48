"""Geometric GAN. Lim & Ye, "Geometric GAN", 2017, arXiv:1705.02894.

The critic is a support vector machine on its own features: it separates real from generated features with the largest margin,
and the generator moves its features along the normal of the separating plane. This is where the hinge loss of later GANs
comes from. What later ones leave out is the machine's own term, half the squared norm of the normal w: E hinge losses times C
+ 1/2 ||w||^2.

Networks: DCGAN's (zoo/networks/convolutional.py), whose last layer is w.

Departures: the loss is divided by C, so that the norm has the weight 1 / (2 C); C is 1. Adam and one critic step as in DCGAN;
the paper updates features and plane in turn with constants of their own.

Published: no FID in the paper. CIFAR-10: FID 43.16, IS 6.61, other networks (StudioGAN README at 947b35e).
"""

from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn

from bench.gan import GAN, ImageSpec, Player, Turn, adam, gaussian
from zoo.losses.objectives import Hinge
from zoo.networks.convolutional import LATENT, Critic, Generator
from zoo.networks.layers import AROUND_ONE, NORMAL, initialise
from zoo.training.parameters import checked
from zoo.training.two_player import LatentTurn, sample, two_player


@dataclass(frozen=True)
class NormalLength:
    """weight / 2 ||w||^2 of the critic's last layer: the wider the margin, the shorter the normal (equation 17's first term)."""

    weight: float

    def __call__(self, turn: Turn) -> Tensor:
        head = turn.nets["critic"].head
        assert isinstance(head, nn.Conv2d)
        return self.weight / 2 * head.weight.square().sum()


@checked()
def geometric_gan(
    spec: ImageSpec,
    *,
    width: int = 64,
    lr: float = 2e-4,
    beta1: float = 0.5,
    beta2: float = 0.999,
    critic_steps: int = 1,
    normal_length: float = 1.0,
) -> GAN:
    """Adam at 2e-4 with beta1 = 0.5 for both.

    Args:
        width: Channels next to the image; they double with each halving of the size, up to eight times as many.
    """
    optimiser = adam(lr, betas=(beta1, beta2))
    players = {
        "generator": Player(initialise(Generator(spec, width), NORMAL, AROUND_ONE), optimiser),
        "critic": Player(initialise(Critic(spec, width), NORMAL, AROUND_ONE), optimiser),
    }
    game = two_player(
        Hinge(),
        latents=gaussian(LATENT),
        turn=partial(LatentTurn, reuse_fakes=True),
        critic_steps=critic_steps,
        critic_terms={"normal_length": NormalLength(normal_length)},
    )
    return GAN(players, [game], sample, gaussian(LATENT), least_batch=2)

"""Relativistic GANs. Jolicoeur-Martineau, "The relativistic discriminator: a key element missing from standard GAN", ICLR 2019,
arXiv:1807.00734.

The critic says how much more real a real image is than a generated one: than one of its own (RSGAN), or than the average one
(RaSGAN); the generator asks for the opposite, and so learns from the real images too.

Networks: the standard CNN of SNGAN (zoo/networks/standard.py) with spectral normalisation in the critic, one critic step,
Adam at 2e-4 with betas (0.5, 0.999): one of the settings that the paper compares on CIFAR-10.

Departures: the means over a batch stand for the expectations inside the losses, as they do in the author's code. Real and
generated images go through the critic apart.

Published: FID on CIFAR-10 by loss and setting in the paper's tables; none is copied here. StudioGAN has no row for it.
"""

from functools import partial
from typing import TypedDict, Unpack

from torch import Tensor
from torch.nn.functional import softplus

from bench.gan import GAN, ImageSpec, Player, Turn, adam, gaussian
from zoo.losses.objectives import Objective, Relativistic
from zoo.networks.layers import NORMAL, initialise
from zoo.networks.spectral import spectral
from zoo.networks.standard import LATENT, WIDTH, Critic, Generator
from zoo.training.parameters import checked
from zoo.training.two_player import LatentTurn, sample, two_player


class RelativisticAverage:
    """Each image against the average of the other kind (RaSGAN): equations 5 and 6, with D~(a) = sigmoid(C(a) - E C(b))."""

    def critic(self, turn: Turn) -> Tensor:
        """-E log D~(x) - E log(1 - D~(G(z)))."""
        ahead, behind = self.apart(turn)
        return softplus(-ahead).mean() + softplus(behind).mean()

    def generator(self, turn: Turn) -> Tensor:
        """-E log D~(G(z)) - E log(1 - D~(x))."""
        ahead, behind = self.apart(turn)
        return softplus(-behind).mean() + softplus(ahead).mean()

    def apart(self, turn: Turn) -> tuple[Tensor, Tensor]:
        """C(x) - E C(G(z)) and C(G(z)) - E C(x), (N,) each."""
        real, fake = turn.real_logits, turn.fake_logits
        return real - fake.mean(), fake - real.mean()


class Settings(TypedDict):
    """What both members take."""

    width: int
    lr: float
    beta1: float
    beta2: float
    critic_steps: int


def settings(
    *, width: int = WIDTH, lr: float = 2e-4, beta1: float = 0.5, beta2: float = 0.999, critic_steps: int = 1
) -> Settings:
    """The paper's, by default."""
    return Settings(width=width, lr=lr, beta1=beta1, beta2=beta2, critic_steps=critic_steps)


def build(spec: ImageSpec, objective: Objective, chosen: Settings) -> GAN:
    """The game with one of the two losses."""
    optimiser = adam(chosen["lr"], betas=(chosen["beta1"], chosen["beta2"]))
    players = {
        "generator": Player(initialise(Generator(spec, chosen["width"]), NORMAL), optimiser),
        "critic": Player(spectral(initialise(Critic(spec, chosen["width"]), NORMAL)), optimiser),
    }
    latents, turn = gaussian(LATENT), partial(LatentTurn, reuse_fakes=True)
    game = two_player(objective, latents=latents, turn=turn, critic_steps=chosen["critic_steps"])
    return GAN(players, [game], sample, latents, least_batch=2)


@checked(settings)
def rsgan(spec: ImageSpec, **chosen: Unpack[Settings]) -> GAN:
    """RSGAN: every real image against a generated one of its own.

    Args:
        width: Channels next to the image; they double with each halving of the size, up to eight times as many.
    """
    return build(spec, Relativistic(), chosen)


@checked(settings)
def ragan(spec: ImageSpec, **chosen: Unpack[Settings]) -> GAN:
    """RaSGAN: every image against the average of the other kind.

    Args:
        width: Channels next to the image; they double with each halving of the size, up to eight times as many.
    """
    return build(spec, RelativisticAverage(), chosen)

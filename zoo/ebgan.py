"""EBGAN. Zhao, Mathieu, LeCun, "Energy-based Generative Adversarial Network", ICLR 2017, arXiv:1609.03126.

The critic is an autoencoder and its energy the error of reconstruction: low for real images, above a margin for generated
ones. The repelling regulariser pulls away the codes of a batch of generated images from each other (EBGAN-PT).

Networks: strided convolutions as in DCGAN, the generator and the decoder mirror images of the encoder (section 5.2 and
appendix D).

Departures: the energy is the mean squared error of an image's numbers (the paper writes the Euclidean norm), so that the
margin does not depend on the resolution; the paper searches margins by experiment, 0.3 was not searched. Logits are minus the
energy. The encoder has a code of 4 x 4 features at every size.

Published: no FID in the paper; Inception Scores of a grid search on MNIST alone.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, relu

from bench.gan import GAN, ImageSpec, Player, Turn, adam, gaussian
from zoo.losses.weighted import Weighted
from zoo.networks.convolutional import LATENT, Generator, transposed, widths
from zoo.networks.layers import AROUND_ONE, NORMAL, initialise
from zoo.training.parameters import checked
from zoo.training.two_player import LatentTurn, sample, two_player


class Autoencoder(nn.Module):
    """Images (N, C, H, W) -> codes (N, F, 4, 4) by `encode`, and images again by `decode`."""

    def __init__(self, spec: ImageSpec, width: int = 64):
        super().__init__()
        sizes = widths(spec.resolution, width)[::-1]
        encoder: list[nn.Module] = [nn.Conv2d(spec.channels, sizes[0], 4, 2, 1), nn.LeakyReLU(0.2)]
        for before, after in pairwise(sizes):
            encoder += [nn.Conv2d(before, after, 4, 2, 1), nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
        decoder: list[nn.Module] = []
        for before, after in pairwise(sizes[::-1]):
            decoder += [transposed(before, after), nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
        self.encode = nn.Sequential(*encoder)
        self.decode = nn.Sequential(*decoder, nn.ConvTranspose2d(sizes[0], spec.channels, 4, 2, 1), nn.Tanh())

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits, minus the energies, (N,), and codes (N, F)."""
        codes = self.encode(images)
        return -(self.decode(codes) - images).square().mean((1, 2, 3)), codes.flatten(1)


class EnergyTurn(LatentTurn):
    """The critic returns logits and codes."""

    @cached_property
    def fake_judged(self) -> tuple[Tensor, Tensor]:
        """Logits (N,) and codes (N, F) of the generated images."""
        return self.nets["critic"](self.fake)

    @cached_property
    def fake_logits(self) -> Tensor:
        """Minus the energies of the generated images, (N,)."""
        return self.fake_judged[0]

    def judge(self, images: Tensor) -> Tensor:
        """Minus the energies, (N,)."""
        return self.nets["critic"](images)[0]

    def diagnostics(self) -> dict[str, Tensor]:
        """None: an energy has no sign that says real or generated."""
        return {}


@dataclass(frozen=True)
class EnergyMargin:
    """Equations 1 and 2."""

    margin: float

    def critic(self, turn: Turn) -> Tensor:
        """E D(x) + E max(0, m - D(G(z))), of energies D."""
        return -turn.real_logits.mean() + relu(self.margin + turn.fake_logits).mean()

    def generator(self, turn: Turn) -> Tensor:
        """E D(G(z))."""
        return -turn.fake_logits.mean()


def repelling(codes: Tensor) -> Tensor:
    """Mean squared cosine of the codes (N, F) of different images (equation 4)."""
    count = codes.shape[0]
    cosines = normalize(codes) @ normalize(codes).T
    apart = ~torch.eye(count, dtype=torch.bool, device=codes.device)
    return (cosines.square() * apart).sum() / (count * (count - 1))


def pull_away(turn: Turn) -> Tensor:
    """The repelling regulariser of the generated images."""
    assert isinstance(turn, EnergyTurn)
    return repelling(turn.fake_judged[1])


@checked()
def ebgan(
    spec: ImageSpec,
    *,
    width: int = 64,
    lr: float = 2e-4,
    beta1: float = 0.5,
    beta2: float = 0.999,
    critic_steps: int = 1,
    energy_margin: float = 0.3,
    repelling: float = 0.1,
) -> GAN:
    """EBGAN-PT: Adam with beta1 = 0.5, the repelling regulariser with weight 0.1 (section 5).

    Args:
        width: Channels next to the image; they double with each halving of the size, up to eight times as many.
    """
    optimiser = adam(lr, betas=(beta1, beta2))
    players = {
        "generator": Player(initialise(Generator(spec, width), NORMAL, AROUND_ONE), optimiser),
        "critic": Player(initialise(Autoencoder(spec, width), NORMAL, AROUND_ONE), optimiser),
    }
    game = two_player(
        EnergyMargin(energy_margin),
        latents=gaussian(LATENT),
        turn=EnergyTurn,
        critic_steps=critic_steps,
        generator_terms={"repelling": Weighted(pull_away, repelling)},
    )
    return GAN(players, [game], sample, gaussian(LATENT), least_batch=2)

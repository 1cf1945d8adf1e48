"""BEGAN. Berthelot, Schumm, Metz, "BEGAN: Boundary Equilibrium Generative Adversarial Networks", 2017, arXiv:1703.10717.

The critic is an autoencoder whose loss L is the mean absolute error of reconstruction. A weight k of the generated images'
loss, moved after each step, holds E L(G(z)) / E L(x) at a ratio gamma: less of it, less variety (section 3.3).

Networks: section 3.5 and figure 1: two 3x3 convolutions with ELU at each size, subsampling by strided convolutions with n
more channels each time, nearest-neighbour upsampling; 8x8 as the smallest size (4x4 up to 16 px), codes as long as latents,
uniform in [-1, 1]. The generator is the decoder, with weights of its own; no batch norm.

Departures: neither the skip connections nor the vanishing residuals that section 3.5.1 adds. The rate is constant (the paper
lowers it when the measure of convergence stalls). The step of k, 0.001 in the paper, is larger, as budgets are shorter. Below
32 px channels shrink with the side. Logits are minus L.

Published: no FID in the paper. CIFAR-10: FID 84.0, IS 5.4 (chainer-gan-lib README at cf9efba, 50k and 10k).
"""

from math import log2

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from bench.gan import GAN, ImageSpec, Player, Turn, adam, uniform
from zoo.networks.resnet import small_width
from zoo.training.parameters import checked
from zoo.training.two_player import LatentTurn, sample, two_player


class Upsample(nn.Module):
    """Every pixel four times: (N, C, H, W) -> (N, C, 2H, 2W)."""

    def forward(self, features: Tensor) -> Tensor:
        return interpolate(features, scale_factor=2.0)


def pair(width: int) -> list[nn.Module]:
    """Two convolutions that keep the shape."""
    return [nn.Conv2d(width, width, 3, padding=1), nn.ELU(), nn.Conv2d(width, width, 3, padding=1), nn.ELU()]


def smallest(resolution: int) -> int:
    """Side of the smallest features."""
    return 4 if resolution <= 16 else 8


class Decoder(nn.Sequential):
    """Codes (N, H) -> images (N, C, R, R). Without a bound: the images that are learned from have one."""

    def __init__(self, spec: ImageSpec, width: int, code: int):
        side = smallest(spec.resolution)
        layers: list[nn.Module] = [nn.Linear(code, width * side**2), nn.Unflatten(1, (width, side, side)), *pair(width)]
        for _ in range(int(log2(spec.resolution // side))):
            layers += [Upsample(), *pair(width)]
        super().__init__(*layers, nn.Conv2d(width, spec.channels, 3, padding=1))


class Bounded(Decoder):
    """The generator: a decoder whose images are cut to [-1, 1] where they are sampled, as the authors save them."""

    def forward(self, input: Tensor) -> Tensor:
        images = super().forward(input)
        return images if self.training else images.clamp(-1, 1)


class Encoder(nn.Sequential):
    """Images (N, C, R, R) -> codes (N, H)."""

    def __init__(self, spec: ImageSpec, width: int, code: int):
        side, channels = smallest(spec.resolution), width
        layers: list[nn.Module] = [nn.Conv2d(spec.channels, width, 3, padding=1), nn.ELU(), *pair(width)]
        for _ in range(int(log2(spec.resolution // side))):
            layers += [nn.Conv2d(channels, channels + width, 3, 2, 1), nn.ELU(), *pair(channels + width)]
            channels += width
        super().__init__(*layers, nn.Flatten(), nn.Linear(channels * side**2, code))


class Autoencoder(nn.Sequential):
    """Images -> their reconstructions, (N, C, R, R)."""

    def __init__(self, spec: ImageSpec, width: int, code: int):
        super().__init__(Encoder(spec, width, code), Decoder(spec, width, code))


class ReconstructionTurn(LatentTurn):
    """Judges by how well the critic reconstructs."""

    def judge(self, images: Tensor) -> Tensor:
        """-L, (N,): minus the mean absolute error of each image's numbers (equation 1 with eta 1)."""
        return -(self.nets["critic"](images) - images).abs().mean((1, 2, 3))

    def diagnostics(self) -> dict[str, Tensor]:
        """None: a loss has no sign that says real or generated."""
        return {}


class Boundary(nn.Module):
    """The objective of section 3.4, and k, which moves after the critic's step. Put it into GAN.state."""

    k: Tensor

    def __init__(self, diversity: float, pace: float):
        super().__init__()
        self.diversity, self.pace = diversity, pace
        self.register_buffer("k", torch.zeros(()))

    def critic(self, turn: Turn) -> Tensor:
        """E L(x) - k E L(G(z))."""
        return -turn.real_logits.mean() + self.k.clone() * turn.fake_logits.mean()

    def generator(self, turn: Turn) -> Tensor:
        """E L(G(z))."""
        return -turn.fake_logits.mean()

    def adjust(self, turn: Turn) -> None:
        """k + lambda (gamma L(x) - L(G(z))), kept in [0, 1]."""
        real, fake = -turn.real_logits.detach().mean(), -turn.fake_logits.detach().mean()
        self.k.copy_((self.k + self.pace * (self.diversity * real - fake)).clamp(0, 1))


@checked()
def began(
    spec: ImageSpec,
    *,
    width: int = 64,
    lr: float = 1e-4,
    beta1: float = 0.9,
    beta2: float = 0.999,
    critic_steps: int = 1,
    diversity: float = 0.5,
    pace: float = 0.01,
) -> GAN:
    """Adam at 1e-4, gamma 0.5 (section 4.1).

    Args:
        width: Channels n of both decoders from 32 px on; latents and codes are as long.
    """
    optimiser, channels = adam(lr, betas=(beta1, beta2)), small_width(width, spec.resolution)
    players = {
        "generator": Player(Bounded(spec, channels, width), optimiser),
        "critic": Player(Autoencoder(spec, channels, width), optimiser),
    }
    boundary, latents = Boundary(diversity, pace), uniform(width)
    game = two_player(
        boundary,
        latents=latents,
        turn=ReconstructionTurn,
        critic_steps=critic_steps,
        after_critic=[boundary.adjust],
    )
    return GAN(players, [game], sample, latents, state={"boundary": boundary})

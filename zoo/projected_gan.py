"""Projected GAN. Sauer, Chitta, Müller, Geiger, "Projected GANs Converge Faster", NeurIPS 2021, arXiv:2111.01007.

The critic does not look at images but at what a frozen, pretrained network sees in them, through fixed random projections that
mix channels and scales (section 3.2). Four small critics judge the four scales, hinge loss over all their patches. What is shown
is augmented first (DiffAugment, all of its policy).

Networks: FastGAN's generator (zoo/networks/gated.py), which the paper takes too; critics of strided convolutions under spectral
normalisation, whose logits are patches of 4x4.

Departures: the paper's frozen network is EfficientNet-Lite1 trained on ImageNet, with 64 to 512 channels of the projections. Here it is
a classifier of CIFAR-10 with 0.2 M parameters (zoo/networks/frozen.py), so that nothing is downloaded; on CIFAR-10 it has seen the
training images with their classes. Images below 32 px are enlarged to 32 for it, where the coarsest critic has 2x2 patches.
Beside scores of ImageNet features results are flattered by theirs (Kynkäänniemi et al. 2023, arXiv:2203.06026).

Published: FFHQ 256 px: FID 3.39 (table 2).
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from bench.gan import GAN, Average, ImageSpec, Player, adam, gaussian
from zoo.augmentation.diffaugment import DiffAugment
from zoo.losses.objectives import Hinge
from zoo.networks.frozen import CHANNELS, SMALLEST, FrozenFeatures, RandomProjections
from zoo.networks.gated import LATENT, GatedTurn, Generator, sample
from zoo.networks.layers import NORMAL, initialise
from zoo.networks.spectral import spectral
from zoo.training.parameters import checked
from zoo.training.two_player import two_player

AUGMENT = DiffAugment()
PATCHES = 4  # a side


class ScaleCritic(nn.Sequential):
    """Features of one scale (N, F, r, r) -> logits (N, P): halved down to 4 px, then one number for each place."""

    def __init__(self, features: int, size: int, width: int):
        halvings = max(size // PATCHES, 1).bit_length() - 1
        widths = [features] + [min(width << step, 8 * width) for step in range(halvings)]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Conv2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
        super().__init__(*layers, nn.Conv2d(widths[-1], 1, 3, padding=1), nn.Flatten())


class Critic(nn.Module):
    """Images (N, C, R, R) -> logits of all scales' patches, (N, P)."""

    def __init__(self, spec: ImageSpec, width: int):
        super().__init__()
        self.features, self.projections = FrozenFeatures(), RandomProjections()
        side = max(spec.resolution, SMALLEST)
        self.scales = nn.ModuleList(
            ScaleCritic(features, side >> level, width) for level, features in enumerate(CHANNELS, start=1)
        )

    def forward(self, images: Tensor) -> Tensor:
        maps = self.projections(self.features(images))
        return torch.cat([scale(one) for scale, one in zip(self.scales, maps, strict=True)], 1)


class ProjectedTurn(GatedTurn):
    """The critic sees augmented images."""

    def judge(self, images: Tensor) -> Tensor:
        """D(P(T(x))): logits, (N, P)."""
        return super().judge(AUGMENT(images, self.random))


@checked()
def projected_gan(
    spec: ImageSpec,
    *,
    width: int = 64,
    lr: float = 2e-4,
    beta1: float = 0.0,
    beta2: float = 0.99,
    critic_steps: int = 1,
    half_life: float = 20_000,
) -> GAN:
    """Adam at 2e-4 with betas (0, 0.99).

    Args:
        width: Channels where the generator's features are as large as the image, in networks for small images, and of the
            critics' first layers.
    """
    optimiser = adam(lr, betas=(beta1, beta2))
    average = Average(half_life_images=half_life, ramp=0.05, standing_batches=16)
    players = {
        "generator": Player(spectral(initialise(Generator(spec, width), NORMAL)), optimiser, average),
        "critic": Player(spectral(initialise(Critic(spec, width), NORMAL)), optimiser),
    }
    game = two_player(Hinge(), latents=gaussian(LATENT), turn=ProjectedTurn, critic_steps=critic_steps)
    return GAN(players, [game], sample, gaussian(LATENT), least_batch=2)

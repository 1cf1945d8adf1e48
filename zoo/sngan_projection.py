"""SNGAN with a projection critic. Miyato & Koyama, "cGANs with Projection Discriminator", ICLR 2018, arXiv:1802.05637.

Networks: the 32 px ResNet of pfnet-research/sngan_projection (configs/sn_cifar10_conditional.yml): class-conditional
batch norm in the generator's blocks, plain batch norm before its last layer, projection in the spectrally normalised
critic. Hinge loss, five critic steps, a generator batch twice the critic's. Larger images as in SNGAN's networks. As in
the authors' code, real and fake images go through the critic apart, and the power iteration advances with every pass.

Departures: the critic's last layer has a bias, as in kwotsin/mimicry and not in the authors' code. Blocks are the
authors', also where widths are mimicry's, which upsamples bilinearly and whose in-place ReLU rectifies the input of the
critic's shortcuts too. Fakes are asked for the labels of the real batch; the code draws labels for them. The critic
moves first in an iteration, in the code the generator. Below 32 px widths shrink with the image's side and the
generator has fewer blocks; at 64 px and above the class joins after the last block, where the authors' ImageNet critic
joins it too.

Published: CIFAR-10, FID 17.5 and IS 8.62 (the authors', 10k real and 5k generated images, as reported in the README of
mimicry at a7fda06 and in StudioGAN's table of reproductions at 947b35e). mimicry: FID 10.84 +- 0.03, IS 8.25 +- 0.13
(README at a7fda06, 50k and 50k).
"""

from functools import partial
from itertools import pairwise

from torch import Tensor, nn

from bench.gan import GAN, ImageSpec, Player, adam, gaussian
from zoo.losses.objectives import Hinge
from zoo.networks.conditional import ConditionalBatchNorm, Projection, needs_labels
from zoo.networks.resnet import DownBlock, PlainBlock, UpBlock, critic_widths, generator_widths, glorot
from zoo.networks.spectral import spectral
from zoo.training.rates import linear_decay
from zoo.training.two_player import LatentTurn, sample_class, two_player

LATENT = 128


class Generator(nn.Module):
    """z (N, 128) and labels (N,) -> images (N, C, H, W) in [-1, 1]."""

    def __init__(self, spec: ImageSpec):
        super().__init__()
        widths = generator_widths(spec.resolution)
        norm = partial(ConditionalBatchNorm, classes=spec.classes)
        self.stem = nn.Sequential(nn.Linear(LATENT, widths[0] * 16), nn.Unflatten(1, (widths[0], 4, 4)))
        self.blocks = nn.ModuleList(UpBlock(before, after, norm) for before, after in pairwise(widths))
        self.head = nn.Sequential(
            *(nn.BatchNorm2d(widths[-1]), nn.ReLU()),
            *(nn.Conv2d(widths[-1], spec.channels, 3, padding=1), nn.Tanh()),
        )

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        features = self.stem(latents)
        for block in self.blocks:
            features = block(features, labels)
        return self.head(features)


class Critic(nn.Module):
    """Images (N, C, H, W) and labels (N,) -> logits (N,), from features summed over positions."""

    def __init__(self, spec: ImageSpec):
        super().__init__()
        widths, plain = critic_widths(spec.resolution)
        self.blocks = nn.Sequential(
            DownBlock(spec.channels, widths[0], first=True),
            *(DownBlock(before, after) for before, after in pairwise(widths)),
            *(PlainBlock(widths[-1]) for _ in range(plain)),
        )
        self.head = Projection(widths[-1], spec.classes)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        return self.head(self.blocks(images).relu().sum((2, 3)), labels)


def sngan_projection(spec: ImageSpec) -> GAN:
    """Adam at 2e-4 with betas (0, 0.9), decayed linearly to 0 (configs/sn_cifar10_conditional.yml)."""
    needs_labels(spec, "sngan-projection")
    optimiser = adam(2e-4, betas=(0.0, 0.9))
    players = {
        "generator": Player(glorot(Generator(spec)), optimiser, rate=linear_decay),
        "critic": Player(spectral(glorot(Critic(spec))), optimiser, rate=linear_decay),
    }
    latents = gaussian(LATENT)
    game = two_player(
        Hinge(), latents=latents, turn=partial(LatentTurn, conditional=True, generator_batch=2), critic_steps=5
    )
    return GAN(players, [game], sample_class, latents, task="conditional", least_batch=2)

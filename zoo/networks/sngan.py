"""SNGAN's ResNets up to the critic's last layer, without classes (Miyato et al. 2018, arXiv:1802.05957) and with them (Miyato &
Koyama 2018, arXiv:1802.05637).

Widths and depths are SNGAN's at every size (zoo/networks/resnet.py): `width` channels in the generator at 32 px, half of them in
the critic.
"""

from functools import partial
from itertools import pairwise

from torch import Tensor, nn

from bench.gan import ImageSpec
from zoo.networks.conditional import ConditionalBatchNorm
from zoo.networks.resnet import DownBlock, PlainBlock, UpBlock, critic_widths, generator_widths

LATENT = 128


class Generator(nn.Module):
    """z (N, 128) and, if there are classes, labels (N,) -> images (N, C, H, W) in [-1, 1]."""

    def __init__(self, spec: ImageSpec, width: int = 256):
        super().__init__()
        widths = generator_widths(spec.resolution, width)
        norm = partial(ConditionalBatchNorm, classes=spec.classes) if spec.classes else nn.BatchNorm2d
        self.stem = nn.Sequential(nn.Linear(LATENT, widths[0] * 16), nn.Unflatten(1, (widths[0], 4, 4)))
        self.blocks = nn.ModuleList(UpBlock(before, after, norm) for before, after in pairwise(widths))
        self.head = nn.Sequential(
            *(nn.BatchNorm2d(widths[-1]), nn.ReLU()),
            *(nn.Conv2d(widths[-1], spec.channels, 3, padding=1), nn.Tanh()),
        )

    def forward(self, latents: Tensor, *labels: Tensor) -> Tensor:
        features = self.stem(latents)
        for block in self.blocks:
            features = block(features, *labels)
        return self.head(features)


class Trunk(nn.Module):
    """A critic without its last layer: images (N, channels, H, W) -> `features` (N, F), summed over positions; F is `width`."""

    def __init__(self, channels: int, resolution: int, width: int = 256):
        super().__init__()
        widths, plain = critic_widths(resolution, width)
        self.width = widths[-1]
        self.blocks = nn.Sequential(
            DownBlock(channels, widths[0], first=True),
            *(DownBlock(before, after) for before, after in pairwise(widths)),
            *(PlainBlock(widths[-1]) for _ in range(plain)),
        )

    def features(self, images: Tensor) -> Tensor:
        """What the last layer sees, (N, F)."""
        return self.blocks(images).relu().sum((2, 3))

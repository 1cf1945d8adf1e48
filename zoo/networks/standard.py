"""SNGAN's "standard CNN" (SNDCGAN): Miyato et al. 2018, arXiv:1802.05957, table 3.

Many papers of the years after compare on it: one convolution at each size in the generator, two in the critic, kernels of 3x3
and 4x4. At 32 px the generator has 512, 256, 128 and 64 channels, the critic 64 to 512; other sizes drop or add stages
at the small end.
"""

from itertools import pairwise

from torch import Tensor, nn

from bench.gan import ImageSpec
from zoo.networks.convolutional import widths

LATENT = 128
WIDTH = 64


def channels(resolution: int, width: int = WIDTH) -> list[int]:
    """Channels from 4 px to the full size: 512, 256, 128, 64 at 32 px."""
    return widths(2 * resolution, width)


class Generator(nn.Sequential):
    """z (N, 128) -> images (N, C, H, W) in [-1, 1]."""

    def __init__(self, spec: ImageSpec, width: int = WIDTH):
        sizes = channels(spec.resolution, width)
        layers: list[nn.Module] = [
            *(nn.Linear(LATENT, sizes[0] * 16), nn.Unflatten(1, (sizes[0], 4, 4))),
            *(nn.BatchNorm2d(sizes[0]), nn.ReLU()),
        ]
        for before, after in pairwise(sizes):
            layers += [nn.ConvTranspose2d(before, after, 4, 2, 1), nn.BatchNorm2d(after), nn.ReLU()]
        super().__init__(*layers, nn.Conv2d(sizes[-1], spec.channels, 3, padding=1), nn.Tanh())


class Critic(nn.Module):
    """Images (N, C, H, W) -> logits (N,). Without norm: spectral normalisation is the member's to add."""

    def __init__(self, spec: ImageSpec, width: int = WIDTH):
        super().__init__()
        sizes = channels(spec.resolution, width)[::-1]
        layers: list[nn.Module] = [nn.Conv2d(spec.channels, sizes[0], 3, padding=1), nn.LeakyReLU(0.1)]
        for before, after in pairwise(sizes):
            layers += [nn.Conv2d(before, before, 4, 2, 1), nn.LeakyReLU(0.1)]
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.LeakyReLU(0.1)]
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(sizes[-1] * 16, 1)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images).flatten(1)).squeeze(1)

"""DCGAN's networks, with parts that can be exchanged: how the generator grows, which norm, what the critic ends in.

By default they are those of Radford et al. 2016, arXiv:1511.06434, figure 1 and section 3, at the widths of
soumith/dcgan.torch main.lua: ngf = ndf = 64, latents of 100, 4x4 kernels. The ablation family replaces one part.
"""

from collections.abc import Callable
from itertools import pairwise
from math import log2

from torch import Tensor, nn

from bench.gan import ImageSpec
from zoo.networks.resnet import UpsampleConv

LATENT = 100
WIDTH = 64

Up = Callable[[int, int], nn.Module]  # channels before and after -> a layer that doubles the size
Norm = Callable[[int], nn.Module]  # channels -> a layer that keeps the shape
Head = Callable[[int], nn.Module]  # channels of 4 x 4 features -> a layer that ends in one number per image


def widths(resolution: int, width: int = WIDTH) -> list[int]:
    """Channels from the smallest feature map, 4 px, to the largest, half the image: 512, 256, 128, 64 at 64 px."""
    stages = int(log2(resolution)) - 2
    return [min(width << stage, 8 * width) for stage in reversed(range(stages))]


def transposed(before: int, after: int) -> nn.Module:
    """A 4x4 transposed convolution of stride 2: DCGAN's own."""
    return nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False)


def resized(before: int, after: int) -> nn.Module:
    """Nearest-neighbour upsampling, then a 3x3 convolution, against checkerboards.

    Odena, Dumoulin, Olah 2016, "Deconvolution and Checkerboard Artifacts", distill.pub.
    """
    return UpsampleConv(before, after)


def plain_head(width: int) -> nn.Module:
    """A 4x4 convolution to one number: DCGAN's own."""
    return nn.Conv2d(width, 1, 4, 1, 0, bias=False)


class Generator(nn.Sequential):
    """z (N, 100) -> images (N, C, H, W) in [-1, 1]."""

    def __init__(self, spec: ImageSpec, width: int = WIDTH, *, up: Up = transposed, norm: Norm = nn.BatchNorm2d):
        channels = widths(spec.resolution, width)
        layers: list[nn.Module] = [
            nn.Unflatten(1, (LATENT, 1, 1)),
            nn.ConvTranspose2d(LATENT, channels[0], 4, 1, 0, bias=False),  # -> 4 x 4
        ]
        for before, after in pairwise([*channels, spec.channels]):
            layers += [norm(before), nn.ReLU(inplace=True), up(before, after)]
        super().__init__(*layers, nn.Tanh())


class Critic(nn.Module):
    """Images (N, C, H, W) -> logits (N,); `features` are what the head judges, (N, F, 4, 4).

    No norm on the first layer (section 3).
    """

    def __init__(self, spec: ImageSpec, width: int = WIDTH, *, norm: Norm = nn.BatchNorm2d, head: Head = plain_head):
        super().__init__()
        channels = widths(spec.resolution, width)[::-1]
        layers: list[nn.Module] = [_down(spec.channels, channels[0]), nn.LeakyReLU(0.2, inplace=True)]
        for before, after in pairwise(channels):
            layers += [_down(before, after), norm(after), nn.LeakyReLU(0.2, inplace=True)]
        self.features = nn.Sequential(*layers)
        self.head = head(channels[-1])

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images)).flatten()


def _down(before: int, after: int) -> nn.Conv2d:
    return nn.Conv2d(before, after, 4, 2, 1, bias=False)

"""PatchGAN: a critic that judges overlapping patches. Isola et al. 2017, arXiv:1611.07004, section 3.2.2."""

from collections.abc import Callable
from itertools import pairwise
from math import log2

from torch import Tensor, nn

Norm = Callable[[int], nn.Module]


def halvings(resolution: int) -> int:
    """Convolutions of stride 2: 3 from 64 px on (patches of 70 px), 2 at 32 px (34 px), 1 below (16 px)."""
    return min(max(int(log2(resolution)) - 3, 1), 3)


class PatchCritic(nn.Module):
    """Images (N, C, H, W) -> logits (N, P), one per patch.

    Widths W, 2W, 4W, 8W for three halvings, as in junyanz/pytorch-CycleGAN-and-pix2pix models/networks.py. The first and
    the last convolution have no norm; those under a norm that shifts have no bias.
    """

    def __init__(self, channels: int, resolution: int, width: int, norm: Norm = nn.BatchNorm2d):
        super().__init__()
        biased = getattr(norm(width), "bias", None) is None
        steps = halvings(resolution)
        widths = [width << step for step in range(steps + 1)]
        self.blocks = nn.ModuleList([nn.Sequential(nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2))])
        for step, (before, after) in enumerate(pairwise(widths), start=1):
            stride = 2 if step < steps else 1
            convolution = nn.Conv2d(before, after, 4, stride, 1, bias=biased)
            self.blocks.append(nn.Sequential(convolution, norm(after), nn.LeakyReLU(0.2)))
        self.head = nn.Conv2d(widths[-1], 1, 4, 1, 1)

    def features(self, images: Tensor) -> list[Tensor]:
        """What each block sees, from fine to coarse, (N, width, h, w) each."""
        seen = [images]
        for block in self.blocks:
            seen.append(block(seen[-1]))
        return seen[1:]

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images)[-1]).flatten(1)

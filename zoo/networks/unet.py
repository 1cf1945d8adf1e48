"""A U-Net that knows the time: residual blocks whose group norm is scaled and shifted by an embedding of it.

Ho et al. 2020, arXiv:2006.11239, appendix B, with the adaptive group norm of Dhariwal & Nichol 2021, arXiv:2105.05233, section 3.
It is narrow: one block per size, one head of attention at the smallest size alone, no dropout. The smallest size is 4 px for
images up to 16 px, 8 px for larger ones.
"""

from math import gcd, log, log2

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, scaled_dot_product_attention, silu

from bench.gan import ImageSpec
from zoo.networks.widths import in_steps

WIDEST = 64  # px from which the first level has its full width
GROUPS = 8


def first_width(resolution: int, width: int) -> int:
    """Channels at full size: `width` at 64 px and above, in proportion to the side from there down to 16 px."""
    return in_steps(width * min(max(resolution, 16), WIDEST) / WIDEST)


def zeroed(layer: nn.Conv2d) -> nn.Conv2d:
    """The layer with weights and bias 0: its branch starts as nothing. In place."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def normal(width: int) -> nn.GroupNorm:
    """Group norm of eight groups, of fewer where the width is no multiple of eight."""
    return nn.GroupNorm(gcd(GROUPS, width), width)


class Sinusoids(nn.Module):
    """Times (N,) -> (N, F): cosines and sines of F / 2 frequencies, geometric from 1000 to 1 radians per unit of time."""

    frequencies: Tensor

    def __init__(self, width: int):
        super().__init__()
        half = width // 2
        exponents = torch.arange(half) / max(half - 1, 1)
        self.register_buffer("frequencies", 1000 * torch.exp(-log(1000) * exponents), persistent=False)

    def forward(self, times: Tensor) -> Tensor:
        angles = times[:, None] * self.frequencies
        return torch.cat([angles.cos(), angles.sin()], 1)


class Block(nn.Module):
    """Features (N, A, H, W), embedding (N, E) -> (N, B, H, W). The residual branch starts at 0."""

    def __init__(self, before: int, after: int, embedding: int):
        super().__init__()
        self.enter = nn.Sequential(normal(before), nn.SiLU(), nn.Conv2d(before, after, 3, padding=1))
        self.modulate = nn.Linear(embedding, 2 * after)
        self.norm = normal(after)
        self.leave = zeroed(nn.Conv2d(after, after, 3, padding=1))
        self.skip = nn.Conv2d(before, after, 1) if before != after else nn.Identity()

    def forward(self, features: Tensor, embedding: Tensor) -> Tensor:
        scale, shift = self.modulate(embedding)[:, :, None, None].chunk(2, 1)
        hidden = self.norm(self.enter(features)) * (1 + scale) + shift
        return self.skip(features) + self.leave(silu(hidden))


class Attention(nn.Module):
    """Features plus what each position attends to, scaled dot products of one head. (N, C, H, W) -> the same. Starts at 0."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = normal(width)
        self.project = nn.Conv2d(width, 3 * width, 1)
        self.out = zeroed(nn.Conv2d(width, width, 1))

    def forward(self, features: Tensor) -> Tensor:
        queries, keys, values = (
            maps.flatten(2).transpose(1, 2) for maps in self.project(self.norm(features)).chunk(3, 1)
        )
        seen = scaled_dot_product_attention(queries, keys, values)
        return features + self.out(seen.transpose(1, 2).unflatten(2, features.shape[2:]))


class UNet(nn.Module):
    """Images (N, C, R, R), times (N,), if wanted a context (N, E) that is added to their embedding -> (N, C, R, R).

    `embedding` is E, four times the width. The last layer starts at 0 if `silent`: the network then says 0.
    """

    def __init__(self, spec: ImageSpec, width: int = 64, *, silent: bool = True):
        super().__init__()
        first = first_width(spec.resolution, width)
        halvings = int(log2(spec.resolution // (4 if spec.resolution <= 16 else 8)))
        widths = [first] + [2 * first] * halvings
        self.embedding = 4 * first
        self.clock = nn.Sequential(
            Sinusoids(first), nn.Linear(first, self.embedding), nn.SiLU(), nn.Linear(self.embedding, self.embedding)
        )
        self.enter = nn.Conv2d(spec.channels, first, 3, padding=1)
        before = [first, *widths[:-1]]
        self.down = nn.ModuleList(Block(*pair, self.embedding) for pair in zip(before, widths, strict=True))
        self.shrink = nn.ModuleList(nn.Conv2d(one, one, 3, stride=2, padding=1) for one in widths[:-1])
        self.middle = nn.ModuleList(Block(widths[-1], widths[-1], self.embedding) for _ in range(2))
        self.attend = Attention(widths[-1])
        upwards = widths[::-1]
        below = [widths[-1], *upwards[:-1]]
        self.up = nn.ModuleList(
            Block(under + beside, beside, self.embedding) for under, beside in zip(below, upwards, strict=True)
        )
        self.grow = nn.ModuleList(nn.Conv2d(one, one, 3, padding=1) for one in upwards[:-1])
        last = nn.Conv2d(first, spec.channels, 3, padding=1)
        self.leave = nn.Sequential(normal(first), nn.SiLU(), zeroed(last) if silent else last)

    def forward(self, images: Tensor, times: Tensor, context: Tensor | None = None) -> Tensor:
        embedding = self.clock(times)
        embedding = silu(embedding if context is None else embedding + context)
        features, kept = self.enter(images), []
        for index, block in enumerate(self.down):
            features = block(features, embedding)
            kept.append(features)
            if index < len(self.shrink):
                features = self.shrink[index](features)
        features = self.middle[1](self.attend(self.middle[0](features, embedding)), embedding)
        for index, block in enumerate(self.up):
            features = block(torch.cat([features, kept.pop()], 1), embedding)
            if index < len(self.grow):
                features = self.grow[index](interpolate(features, scale_factor=2.0))
        return self.leave(features)


class ClassUNet(nn.Module):
    """Images (N, C, R, R), times (N,), labels (N,) -> (N, C, R, R). The label K, one more than there are, means any class."""

    def __init__(self, spec: ImageSpec, width: int = 64):
        super().__init__()
        self.body = UNet(spec, width)
        self.classes = spec.classes
        self.label = nn.Embedding(spec.classes + 1, self.body.embedding)

    def forward(self, images: Tensor, times: Tensor, labels: Tensor) -> Tensor:
        return self.body(images, times, self.label(labels))

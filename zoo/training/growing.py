"""Progressive growing: from small images to large ones, a new layer fading in at each doubling.

Karras et al. 2018, arXiv:1710.10196, section 2. Level k is 4 * 2^k px. A network keeps its level and its fade as buffers,
so that a copy of its weights samples at the size that was trained.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from math import log2, sqrt
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from bench.gan import Context, Stage, Turn, Update
from zoo.networks.equalised import EqualisedConv2d, EqualisedDownConv2d, EqualisedLinear, LeakyReLU, MinibatchDeviation
from zoo.networks.filters import Filter
from zoo.networks.widths import Widths
from zoo.training.two_player import Latents, LatentTurn

PHASE = 0.05  # share of the budget of every phase but the last: 600 of 12,000 kimg (the authors' config.py)


def top_level(resolution: int) -> int:
    """The level of the full resolution: 2 at 16 px."""
    return int(log2(resolution)) - 2


def enlarge(images: Tensor) -> Tensor:
    """(N, C, 2H, 2W) by repeating pixels."""
    return interpolate(images, scale_factor=2.0)


class Growing(nn.Module):
    """A network that knows how far it has grown."""

    level: Tensor
    fade: Tensor

    def __init__(self, first: int = 0):
        super().__init__()
        self.register_buffer("level", torch.tensor(first))
        self.register_buffer("fade", torch.tensor(1.0))

    def grow(self, level: int, fade: float) -> None:
        """Note how far it has grown; nothing waits for the device."""
        self.level.fill_(level)
        self.fade.fill_(fade)

    def grown(self) -> tuple[int, bool]:
        """Level, and whether it is still fading in. Waits for the device: for sampling, not for training."""
        return int(self.level), bool(self.fade < 1)

    def blend(self, old: Tensor, new: Tensor) -> Tensor:
        """From the old path at fade 0 to the new one at fade 1."""
        return old + self.fade * (new - old)


class GrowingCritic(Growing):
    """Images at the size of the level -> logits (N,). ProGAN's critic; StyleGAN's has its downsampling filtered.

    One entry from RGB per level, so that the old one can fade out. Weights carry He's gain of sqrt(2), except the last.
    """

    def __init__(self, channels: int, resolution: int, widths: Widths, smooth: Filter | None = None):
        super().__init__()
        sizes = [4 << level for level in range(top_level(resolution) + 1)]
        self.from_rgb = nn.ModuleList(
            nn.Sequential(EqualisedConv2d(channels, widths.at(size), 1, gain=sqrt(2)), LeakyReLU()) for size in sizes
        )
        self.blocks = nn.ModuleList(CriticBlock(widths.at(size), widths.at(size // 2), smooth) for size in sizes[1:])
        width = widths.at(4)
        self.head = nn.Sequential(
            MinibatchDeviation(),
            EqualisedConv2d(width + 1, width, 3, gain=sqrt(2)),
            LeakyReLU(),
            nn.Flatten(),
            EqualisedLinear(16 * width, width, gain=sqrt(2)),
            LeakyReLU(),
            EqualisedLinear(width, 1),
            nn.Flatten(0),
        )

    def forward(self, images: Tensor, level: int | None = None, fading: bool = True) -> Tensor:
        if level is None:
            level, fading = self.grown()
        features = self.from_rgb[level](images)
        if level > 0:
            features = self.blocks[level - 1](features)
            if fading:
                features = self.blend(self.from_rgb[level - 1](avg_pool2d(images, 2)), features)
            for block in reversed(list(self.blocks)[: level - 1]):
                features = block(features)
        return self.head(features)


class CriticBlock(nn.Module):
    """Two 3x3 convolutions, halving the size: (N, C, H, W) -> (N, C', H/2, W/2)."""

    def __init__(self, before: int, after: int, smooth: Filter | None):
        super().__init__()
        self.conv1 = EqualisedConv2d(before, before, 3, gain=sqrt(2))
        self.conv2 = EqualisedDownConv2d(before, after, 3, gain=sqrt(2))
        self.act = LeakyReLU()
        self.smooth = smooth

    def forward(self, features: Tensor) -> Tensor:
        features = self.act(self.conv1(features))
        if self.smooth is not None:
            features = self.smooth.blur(features, padding=1)
        return self.act(self.conv2(features))


class GrowingTurn(LatentTurn):
    """A turn at one level: real images are shrunk to its size, and blurred in step with the fade."""

    def __init__(
        self,
        context: Context,
        *,
        latents: Latents,
        level: int,
        fading: bool,
    ):
        super().__init__(context, latents=latents)
        self.level = level
        self.fading = fading
        fade = self.now.stage_fraction if fading else 1.0
        for net in self.nets.values():
            cast("Growing", net).grow(level, fade)
        self.batch = replace(self.batch, images=shrink(self.batch.images, 4 << level, fade))

    def generate(self, latents: Tensor) -> Tensor:
        """G(z) at the size of the level."""
        return self.nets["generator"](latents, self.level, self.fading)

    def judge(self, images: Tensor) -> Tensor:
        """D(x) of images at the size of the level."""
        return self.nets["critic"](images, self.level, self.fading)


def shrink(images: Tensor, size: int, fade: float) -> Tensor:
    """Images (N, C, H, W) averaged to size x size, then blended with their own half-size version while fade < 1."""
    images = avg_pool2d(images, images.shape[2] // size)
    if fade >= 1:
        return images
    coarse = enlarge(avg_pool2d(images, 2))
    return coarse + fade * (images - coarse)


def growing_schedule(resolution: int, first: int, updates: Sequence[Update], turn: Callable[..., Turn]) -> list[Stage]:
    """A stage for the first level, then two for every further one: fading in, and settling.

    Each takes 5 % of the budget; the last takes what is left. Optimisers start afresh at each, as in the authors' code.
    """
    top = top_level(resolution)
    phases = [(first, False)]
    for level in range(first + 1, top + 1):
        phases += [(level, True), (level, False)]
    shares = [PHASE] * (len(phases) - 1)
    return [
        Stage(updates, partial(turn, level=level, fading=fading), share)
        for (level, fading), share in zip(phases, [*shares, 1 - sum(shares)], strict=True)
    ]

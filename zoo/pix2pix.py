"""pix2pix. Isola, Zhu, Zhou, Efros, "Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017,
arXiv:1611.07004.

Networks: the U-Net and the PatchGAN of appendix 6.1 as in junyanz/pytorch-CycleGAN-and-pix2pix (models/networks.py), which
leaves out biases under norms. Objective: equation 4 with lambda = 100, the critic's loss halved (section 3.3), Adam at
2e-4 with beta1 = 0.5, half of the budget at that rate and then linearly to 0. The critic judges source and image together.

Noise is dropout alone, at training and at generation (section 3). It sits in the deepest three decoder blocks, as in the
paper and in phillipi/pix2pix models.lua; the PyTorch code has it one block higher.

Departures: instance norm with scale and shift at every batch size. At a batch of 1, which the paper takes for facades, its
batch norm is just that, at training and at generation (section 3.3); so no picture depends on its neighbours. One U-Net
stage per halving down to 1 px: below 64 px fewer than three decoder blocks are as deep as those with dropout, one at 32 px
and none at 16 and 8 px, where the mapping is deterministic. Patches shrink with images below 64 px (zoo/networks/patch.py). The
suite's batch instead of batches of 1, and no random crops. Fixed track: first layers half as wide as the image is high,
16 to 64 channels. `pix2pix_paper` has the published 64 throughout.

Published: facades, FID 119.135 of the official weights (mmgeneration configs/pix2pix/README.md at ccd1f56).
"""

from collections.abc import Callable
from functools import cached_property, partial
from itertools import pairwise
from math import log2, prod
from typing import TypedDict, Unpack, cast

import torch
from torch import Tensor, nn

from bench.gan import GAN, Context, ImageSpec, Nets, Player, Prompt, Stage, Turn, Update, adam, trainable
from zoo.losses.objectives import NonSaturating
from zoo.losses.weighted import Weighted
from zoo.networks.layers import AROUND_ONE, NORMAL, initialise
from zoo.networks.patch import PatchCritic
from zoo.training.parameters import checked
from zoo.training.rates import hold_then_decay
from zoo.training.translation import PUBLISHED_WIDTH, needs_sources, proportionate_width

Noise = Callable[[int, torch.Generator], Tensor]  # count, random -> (count, K)
norm = partial(nn.InstanceNorm2d, affine=True)


def widths(resolution: int, width: int) -> list[int]:
    """Channels after each halving of the picture, down to 1 px: 64, 128, 256, 512, 512, ..."""
    return [width * min(1 << stage, 8) for stage in range(int(log2(resolution)))]


def dropped(resolution: int, width: int) -> list[tuple[int, int, int]]:
    """Shapes (C, h, w) of the features that are dropped at random, from the deepest block up."""
    channels = widths(resolution, width)
    deep = [(channels[stage - 1], resolution >> stage) for stage in reversed(range(4, len(channels)))]
    return [(count, size, size) for count, size in deep[:3]]


class UNet(nn.Module):
    """Pictures (N, C', H, W) and standard normal noise (N, K) -> images (N, C, H, W) in [-1, 1].

    The sign of each number of the noise decides on one feature of one place: it stays, doubled, or becomes 0.
    """

    def __init__(self, spec: ImageSpec, width: int):
        super().__init__()
        channels = widths(spec.resolution, width)
        self.dropped = dropped(spec.resolution, width)
        self.down = nn.ModuleList([nn.Conv2d(spec.source_channels, width, 4, 2, 1, bias=False)])
        for before, after in pairwise(channels):
            self.down.append(nn.Sequential(nn.LeakyReLU(0.2), nn.Conv2d(before, after, 4, 2, 1, bias=False)))
        for stage, after in zip(self.down[1:-1], channels[1:-1], strict=True):
            cast(nn.Sequential, stage).append(norm(after))
        self.up = nn.ModuleList()
        for before, after in pairwise(channels[::-1]):
            doubled = before if len(self.up) == 0 else 2 * before  # the features from below, and the skip
            convolution = nn.ConvTranspose2d(doubled, after, 4, 2, 1, bias=False)
            self.up.append(nn.Sequential(nn.ReLU(), convolution, norm(after)))
        self.out = nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(2 * width, spec.channels, 4, 2, 1), nn.Tanh())

    def forward(self, source: Tensor, noise: Tensor) -> Tensor:
        skips = [source]
        for down in self.down:
            skips.append(down(skips[-1]))
        features = skips.pop()
        kept = [part.unflatten(1, shape) for part, shape in zip(self._split(noise), self.dropped, strict=True)]
        for up, skip in zip(self.up, reversed(skips[1:]), strict=True):
            features = up(features)
            if kept:
                features = features * (2 * (kept.pop(0) < 0)).to(features.dtype)
            features = torch.cat([skip, features], 1)
        return self.out(features)

    def _split(self, noise: Tensor) -> tuple[Tensor, ...]:
        return noise.split([prod(shape) for shape in self.dropped], 1) if self.dropped else ()


def dropout_noise(resolution: int, width: int) -> Noise:
    """A standard normal number for every feature that may be dropped."""
    numbers = sum(prod(shape) for shape in dropped(resolution, width))
    return lambda count, random: torch.randn(count, numbers, generator=random, device=random.device)


class TranslationTurn(Turn):
    """A fake is the translation of the batch's source; both updates of an iteration share one pass, as in the code."""

    def __init__(
        self,
        context: Context,
        *,
        noise: Noise,
    ):
        super().__init__(context)
        self.noise = noise

    @property
    def source(self) -> Tensor:
        """The pictures to translate, (N, C', H, W)."""
        assert self.batch.source is not None
        return self.batch.source

    @cached_property
    def fake(self) -> Tensor:
        """G(x, z), (N, C, H, W); detached while the critic moves."""
        if "fake" not in self.draw.memo:
            with trainable(self.nets["generator"]):  # the graph is for the generator's update, which follows
                noise = self.noise(self.source.shape[0], self.random)
                self.draw.memo["fake"] = self.nets["generator"](self.source, noise)
        fake = self.draw.memo["fake"]
        return fake if self.mover == "generator" else fake.detach()

    def judge(self, images: Tensor) -> Tensor:
        """D(x, y): logits per patch, (N, P)."""
        return self.nets["critic"](torch.cat([self.source, images], 1))


def halved(turn: Turn) -> Tensor:
    """Half the critic's loss, which slows it relative to the generator (section 3.3)."""
    return NonSaturating().critic(turn) / 2


def distance(turn: Turn) -> Tensor:
    """E |y - G(x, z)|, the mean over pixels (eq. 3)."""
    return (turn.fake - turn.real).abs().mean()


def normal(net: nn.Module) -> nn.Module:
    """Weights from N(0, 0.02), the norms' scales from N(1, 0.02) (models/networks.py `init_weights`). In place."""
    for layer in net.modules():
        if isinstance(layer, nn.InstanceNorm2d):
            AROUND_ONE(layer.weight)
    return initialise(net, NORMAL)


class Settings(TypedDict):
    """What is not a width."""

    lr: float
    beta1: float
    beta2: float
    l1: float


def settings(*, lr: float = 2e-4, beta1: float = 0.5, beta2: float = 0.999, l1: float = 100.0) -> Settings:
    """The paper's, by default (section 3.3)."""
    return Settings(lr=lr, beta1=beta1, beta2=beta2, l1=l1)


@checked(settings)
def pix2pix(spec: ImageSpec, *, width: int = PUBLISHED_WIDTH, **chosen: Unpack[Settings]) -> GAN:
    """The fixed track's widths.

    Args:
        width: Channels next to the image as published; narrower in proportion to images below 128 px, at least a quarter.
    """
    return _build(spec, proportionate_width(spec.resolution, width), chosen)


def pix2pix_paper(spec: ImageSpec) -> GAN:
    """The published widths."""
    return _build(spec, PUBLISHED_WIDTH, settings())


def _build(spec: ImageSpec, width: int, chosen: Settings) -> GAN:
    needs_sources(spec, "pix2pix")
    optimiser = adam(chosen["lr"], betas=(chosen["beta1"], chosen["beta2"]))
    critic = PatchCritic(spec.source_channels + spec.channels, spec.resolution, width, norm)
    players = {
        "generator": Player(normal(UNet(spec, width)), optimiser, rate=hold_then_decay),
        "critic": Player(normal(critic), optimiser, rate=hold_then_decay),
    }
    noise = dropout_noise(spec.resolution, width)
    updates = [
        Update("critic", {"adversarial": halved}),
        Update("generator", {"adversarial": NonSaturating().generator, "l1": Weighted(distance, chosen["l1"])}),
    ]

    def generate(nets: Nets, prompt: Prompt) -> Tensor:
        return nets["generator"](prompt.source, noise(prompt.count, prompt.random))

    return GAN(players, [Stage(updates, partial(TranslationTurn, noise=noise))], generate, task="paired")

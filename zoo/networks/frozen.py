"""A network that has learned from other images and learns no more, and fixed random projections of what it sees.

The network is a classifier of CIFAR-10 without its last layer, trained by tools/train_frozen_features.py; the zoo has its own so
that no member learns from features that suites score with. The projections are those of Projected GAN: Sauer et al. 2021,
arXiv:2111.01007, section 3.2. All numbers are buffers: no player trains them, and checkpoints hold them.
"""

import hashlib
from importlib.resources import files
from itertools import pairwise
from math import sqrt

import torch
from safetensors.torch import load
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, relu

from bench.errors import UserError

WEIGHTS = (
    "cifar10_features.safetensors"  # beside this module; 78.8 % of the held-out images' classes were found with it
)
DIGEST = "ad69a6ad66a936e62f49f86971c3f4a327307070ec240c905536e012a3918068"  # sha256: stands here so that a member's digest knows it
SMALLEST = 32  # px: smaller images are enlarged
CHANNELS = (32, 48, 96, 160)  # of the features at 1/2, 1/4, 1/8 and 1/16 of the image


class FrozenConv2d(nn.Module):
    """A 3x3 or 1x1 convolution whose weights no optimiser sees. Zero padding keeps the size, but for the stride."""

    weight: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor | None = None, stride: int = 1):
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("bias", torch.zeros(weight.shape[0]) if bias is None else bias)
        self.stride = stride

    def forward(self, features: Tensor) -> Tensor:
        return conv2d(features, self.weight, self.bias, self.stride, padding=self.weight.shape[-1] // 2)


class FrozenFeatures(nn.Module):
    """Images (N, C, R, R) in [-1, 1], C = 1 or 3 -> four maps (N, CHANNELS[i], r, r), r = R / 2, R / 4, R / 8, R / 16.

    R is at least 32: smaller images are enlarged. A grey image is one of three equal channels.
    """

    def __init__(self) -> None:
        super().__init__()
        learned = {name: value.to(torch.get_default_dtype()) for name, value in load(verified()).items()}
        self.enter = FrozenConv2d(learned["enter.weight"], learned["enter.bias"])
        self.stages = nn.ModuleList(
            FrozenConv2d(learned[f"stages.{i}.weight"], learned[f"stages.{i}.bias"], stride=2)
            for i in range(len(CHANNELS))
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        if images.shape[1] == 1:
            images = images.expand(-1, 3, -1, -1)
        if images.shape[-1] < SMALLEST:
            images = interpolate(images, size=(SMALLEST, SMALLEST), mode="bilinear")
        seen = [relu(self.enter(images))]
        for stage in self.stages:
            seen.append(relu(stage(seen[-1])))
        return seen[1:]


def verified() -> bytes:
    """The content of the weight file. Raises UserError where it is not the one that this module was written for."""
    content = (files("zoo.networks") / WEIGHTS).read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != DIGEST:
        raise UserError(
            f"zoo/networks/{WEIGHTS} has sha256 {found}, expected {DIGEST}. Reinstall the package; after training it anew "
            "with tools/train_frozen_features.py, put the new digest into zoo/networks/frozen.py."
        )
    return content


class RandomProjections(nn.Module):
    """Maps from fine to coarse -> as many of the same shapes: channels are mixed at random, and coarse ones reach the finer.

    Cross-channel mixing is a random 1x1 convolution at every scale; cross-scale mixing goes from the coarsest up, by random
    3x3 convolutions and bilinear enlargement. Weights are Kaiming's and stay.
    """

    def __init__(self, channels: tuple[int, ...] = CHANNELS):
        super().__init__()
        self.mix = nn.ModuleList(FrozenConv2d(_kaiming(width, width, 1)) for width in channels)
        self.rise = nn.ModuleList(FrozenConv2d(_kaiming(fine, coarse, 3)) for fine, coarse in pairwise(channels))

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        mixed = [mix(one) for mix, one in zip(self.mix, maps, strict=True)]
        for level in reversed(range(len(self.rise))):
            above = interpolate(self.rise[level](mixed[level + 1]), size=mixed[level].shape[2:], mode="bilinear")
            mixed[level] = (mixed[level] + above) / sqrt(2)
        return mixed


def _kaiming(outputs: int, inputs: int, kernel: int) -> Tensor:
    return torch.randn(outputs, inputs, kernel, kernel) / sqrt(inputs * kernel**2)

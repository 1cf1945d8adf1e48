"""Layers with an equalised learning rate, and what goes with them in ProGAN and the StyleGANs.

Weights start from N(0, 1) and are scaled by He's constant in every forward pass, so that Adam's steps are equally large
relative to every layer's weights: Karras et al. 2018, arXiv:1710.10196, section 4.1.
"""

from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, leaky_relu, linear

from zoo.networks.resnet import summed


class EqualisedLinear(nn.Module):
    """(N, inputs) -> (N, outputs), with weights of variance gain^2 / inputs.

    `rate` slows the layer's learning without changing its start: StyleGAN's mapping network learns at 0.01
    (Karras et al. 2019, arXiv:1812.04948, appendix C).
    """

    def __init__(self, inputs: int, outputs: int, *, bias: float = 0.0, gain: float = 1.0, rate: float = 1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full((outputs,), bias / rate))
        self.scale = gain * rate / sqrt(inputs)
        self.rate = rate

    def forward(self, features: Tensor) -> Tensor:
        return linear(features, self.weight * self.scale, self.bias * self.rate)


class EqualisedConv2d(nn.Module):
    """(N, inputs, H, W) -> (N, outputs, H, W) with weights of variance gain^2 / fan-in. Zero padding keeps the size."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, gain: float = 1.0, bias: bool = True):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.scale = gain / sqrt(inputs * kernel**2)
        self.padding = kernel // 2

    def forward(self, features: Tensor) -> Tensor:
        return conv2d(features, self.weight * self.scale, self.bias, padding=self.padding)


class EqualisedUpConv2d(EqualisedConv2d):
    """Nearest-neighbour upsampling by 2, then a 3x3 convolution: (N, C, H, W) -> (N, C', 2H, 2W).

    Computed as the one 4x4 transposed convolution that is the same function, with 4/9 of the multiplications.
    """

    def forward(self, features: Tensor) -> Tensor:
        kernel = summed(self.weight * self.scale).flip(2, 3).transpose(0, 1)
        return conv_transpose2d(features, kernel, self.bias, stride=2, padding=1)


class EqualisedDownConv2d(EqualisedConv2d):
    """A 3x3 convolution, then 2x2 mean pooling: (N, C, H, W) -> (N, C', H/2, W/2). Computed as one 4x4 convolution."""

    def forward(self, features: Tensor) -> Tensor:
        return conv2d(features, summed(self.weight * self.scale) / 4, self.bias, stride=2, padding=1)


class LeakyReLU(nn.Module):
    """Leaky ReLU of slope 0.2 times `gain`; with sqrt(2) it keeps the variance, as StyleGAN2 has it."""

    def __init__(self, gain: float = 1.0):
        super().__init__()
        self.gain = gain

    def forward(self, features: Tensor) -> Tensor:
        return leaky_relu(features, 0.2) * self.gain


def pixel_norm(features: Tensor) -> Tensor:
    """Each position's vector scaled to a mean square of 1: ProGAN section 4.2. Over dimension 1 of any shape."""
    return features * (features.square().mean(1, keepdim=True) + 1e-8).rsqrt()


class MinibatchDeviation(nn.Module):
    """One more feature map: how much a group of images differs. (N, C, H, W) -> (N, C + 1, H, W).

    The standard deviation over the group of every feature at every position, averaged to one number per group: ProGAN
    section 3. Groups have `group` images, or the largest number below that divides the batch.
    """

    def __init__(self, group: int = 4):
        super().__init__()
        self.group = group

    def forward(self, features: Tensor) -> Tensor:
        count, _, height, width = features.shape
        group = next(size for size in range(min(self.group, count), 0, -1) if count % size == 0)
        groups = features.unflatten(0, (group, -1))  # member, group, C, H, W: a group is strided through the batch
        deviation = (groups.var(0, correction=0) + 1e-8).sqrt().mean((1, 2, 3))  # (groups,)
        extra = deviation.repeat(group).view(count, 1, 1, 1).expand(-1, -1, height, width)
        return torch.cat([features, extra.to(features.dtype)], 1)

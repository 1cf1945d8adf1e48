"""The networks behind the shipped extractors: one small convolutional classifier, in three sizes.

The shape is that of the fast CIFAR-10 networks of Page ("How to train your ResNet", 2019) and Jordan (arXiv:2404.00498, sec. 3):
a frozen whitening convolution, blocks of two convolutions with one pooling each, and a linear head without bias.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F  # the field's usual short name
from torch import Tensor, nn


@dataclass(frozen=True)
class ConvNetSpec:
    """What distinguishes one size of `ConvNet` from another. The last of `widths` is the width of the features."""

    channels: int  # 1 (grey) or 3 (RGB)
    resolution: int  # side of the square input, pixels
    whiten_kernel: int  # side of the patches that the first convolution whitens, pixels
    widths: tuple[int, ...]  # output channels of the blocks; each block halves the resolution
    classes: int
    mean: tuple[float, ...]  # per channel, of pixels in [0, 1]
    std: tuple[float, ...]

    def describe(self) -> str:
        """One line for the card."""
        side, blocks = self.whiten_kernel, " - ".join(map(str, self.widths))
        return (
            f"ConvNet: whitening {side}x{side} convolution, blocks {blocks} (two 3x3 convolutions, batch norm, GELU, "
            f"2x2 max-pooling), global max-pooling (features), linear {self.classes}"
        )


class Block(nn.Module):
    """Two 3x3 convolutions with one 2x2 max-pooling between, each followed by batch normalisation and GELU."""

    def __init__(self, width_in: int, width_out: int):
        super().__init__()
        self.conv1 = nn.Conv2d(width_in, width_out, 3, padding=1, bias=False)
        self.norm1 = batch_norm(width_out)
        self.conv2 = nn.Conv2d(width_out, width_out, 3, padding=1, bias=False)
        self.norm2 = batch_norm(width_out)
        for conv in (self.conv1, self.conv2):  # an identity for the first channels, so that signals pass at once
            nn.init.dirac_(conv.weight[: conv.in_channels])

    def forward(self, x: Tensor) -> Tensor:
        """(N, width_in, H, W) => (N, width_out, H // 2, W // 2)."""
        x = F.gelu(self.norm1(F.max_pool2d(self.conv1(x), 2)))
        return F.gelu(self.norm2(self.conv2(x)))


def batch_norm(width: int) -> nn.BatchNorm2d:
    """Batch normalisation with a shift but no trained scale, whose averages forget fast (the training is short)."""
    norm = nn.BatchNorm2d(width, eps=1e-12, momentum=0.4)
    norm.weight.requires_grad_(False)
    return norm


class ConvNet(nn.Module):
    """Classifier of small images: (N, C, R, R) float32 in [0, 1] => features (N, D), logits (N, K)."""

    mean: Tensor
    std: Tensor

    def __init__(self, spec: ConvNetSpec):
        super().__init__()
        patch = spec.channels * spec.whiten_kernel**2
        self.register_buffer("mean", torch.tensor(spec.mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(spec.std).view(1, -1, 1, 1), persistent=False)
        self.whiten = nn.Conv2d(spec.channels, 2 * patch, spec.whiten_kernel)
        self.whiten.weight.requires_grad_(False)
        nn.init.zeros_(self.whiten.get_parameter("bias"))
        widths = (2 * patch, *spec.widths)
        self.blocks = nn.Sequential(*(Block(i, o) for i, o in pairwise(widths)))
        self.head = nn.Linear(widths[-1], spec.classes, bias=False)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, C, R, R) float32 in [0, 1] => features (N, D), logits (N, K)."""
        x = F.gelu(self.whiten((images - self.mean) / self.std))
        features = self.blocks(x).amax(dim=(2, 3))
        return features, self.head(features) / 9.0  # the logit scale of Jordan 2024: slows the head

    @torch.no_grad()
    def fit_whitening(self, images: Tensor, epsilon: float = 5e-4) -> None:
        """Set the first convolution to the whitening transform of the patches of `images` (N, C, R, R) in [0, 1], and its negative."""
        x = (images - self.mean) / self.std
        kernel = self.whiten.kernel_size[0]
        patches = F.unfold(x, kernel).transpose(1, 2).flatten(0, 1).double()  # (N * positions, C * kernel**2)
        values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
        directions = (vectors / (values + epsilon).sqrt()).T.float().view(-1, *self.whiten.weight.shape[1:])
        self.whiten.weight.copy_(torch.cat([directions, -directions]))

"""Residual blocks of the ResNet GANs: Gulrajani et al. 2017, arXiv:1704.00028; Miyato et al. 2018,
arXiv:1802.05957, appendix B.4. Both papers' code builds the same blocks (igul222/improved_wgan_training
gan_cifar_resnet.py; pfnet-research/sngan_projection gen_models/resblocks.py, dis_models/resblocks.py).

Features are (N, channels, H, W).
"""

from collections.abc import Callable
from math import log2, sqrt

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, conv_transpose2d, interpolate, pad

Norm = Callable[[int], nn.Module]


def summed(kernels: Tensor) -> Tensor:
    """3x3 kernels added to themselves at the four offsets of a 2x2 cell: (A, B, 3, 3) -> (A, B, 4, 4)."""
    padded = pad(kernels, (1, 1, 1, 1))
    return padded[..., 1:, 1:] + padded[..., 1:, :-1] + padded[..., :-1, 1:] + padded[..., :-1, :-1]


class ConvPool(nn.Conv2d):
    """A 3x3 convolution, then 2x2 mean pooling: (N, C, H, W) -> (N, C', H/2, W/2).

    Computed as the one 4x4 convolution of stride 2 that is the same function, with 4/9 of the multiplications.
    """

    def __init__(self, before: int, after: int):
        super().__init__(before, after, 3, padding=1)

    def forward(self, input: Tensor) -> Tensor:
        return conv2d(input, summed(self.weight) / 4, self.bias, stride=2, padding=1)


class UpsampleConv(nn.Conv2d):
    """Nearest-neighbour upsampling by 2, then a 3x3 convolution: (N, C, H, W) -> (N, C', 2H, 2W).

    Computed as the one 4x4 transposed convolution that is the same function, with 4/9 of the multiplications.
    """

    def __init__(self, before: int, after: int):
        super().__init__(before, after, 3, padding=1)

    def forward(self, input: Tensor) -> Tensor:
        kernel = summed(self.weight).flip(2, 3).transpose(0, 1)
        return conv_transpose2d(input, kernel, self.bias, stride=2, padding=1)


class UpBlock(nn.Module):
    """The generator's block: norm, ReLU, upsample, 3x3, norm, ReLU, 3x3, plus a 1x1 shortcut.

    `norm` makes a normalisation from a width; whatever else the block is called with goes to it, e.g. labels.
    """

    def __init__(self, before: int, after: int, norm: Norm = nn.BatchNorm2d):
        super().__init__()
        self.norm1 = norm(before)
        self.conv1 = UpsampleConv(before, after)
        self.norm2 = norm(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1)
        self.shortcut = nn.Conv2d(before, after, 1)

    def forward(self, features: Tensor, *condition: Tensor) -> Tensor:
        residual = self.conv1(self.norm1(features, *condition).relu())
        residual = self.conv2(self.norm2(residual, *condition).relu())
        # A 1x1 convolution commutes with nearest-neighbour upsampling, and is cheaper before it.
        return residual + interpolate(self.shortcut(features), scale_factor=2)


class DownBlock(nn.Module):
    """The critic's block: ReLU, 3x3, ReLU, 3x3 and mean pooling, plus a pooled 1x1 shortcut. No norm.

    The `first` block sees an image, which is not rectified, and widens in its first convolution.
    """

    def __init__(self, before: int, after: int, first: bool = False):
        super().__init__()
        hidden = after if first else before
        self.first = first
        self.conv1 = nn.Conv2d(before, hidden, 3, padding=1)
        self.conv2 = ConvPool(hidden, after)
        self.shortcut = nn.Conv2d(before, after, 1)

    def forward(self, features: Tensor) -> Tensor:
        residual = self.conv1(features if self.first else features.relu())
        residual = self.conv2(residual.relu())
        return residual + self.shortcut(avg_pool2d(features, 2))  # pooling commutes with a 1x1 convolution


class PlainBlock(nn.Module):
    """The critic's block that keeps the size: ReLU, 3x3, ReLU, 3x3, plus the features themselves."""

    def __init__(self, width: int):
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        return features + self.conv2(self.conv1(features.relu()).relu())


def small_width(published: int, resolution: int) -> int:
    """The width for images of 32 px or less: published at 32 px, and in proportion to the side of smaller ones.

    Small images need fewer channels, and five critic steps per iteration must stay affordable without a GPU.
    """
    return max(1, published * resolution // 32) if resolution < 32 else published


def generator_widths(resolution: int, width: int = 256) -> list[int]:
    """SNGAN's and SAGAN's channels at 4, 8, ... px: 256 throughout at 32 px; 1024, 512, ... 64 at 64 px and above."""
    sizes = [4 << stage for stage in range(int(log2(resolution)) - 1)]
    if resolution <= 32:
        return [small_width(width, resolution)] * len(sizes)
    return [min(4 * width, width * resolution // (4 * size)) for size in sizes]


def critic_widths(resolution: int, width: int = 256) -> tuple[list[int], int]:
    """SNGAN's channels after each halving of the image, and the number of blocks that follow at the last size.

    `width` is the generator's at 32 px, where the critic has half of it.
    """
    if resolution <= 32:
        return [small_width(width // 2, resolution)] * 2, 2
    last = 2 if resolution == 64 else 4
    halvings = int(log2(resolution // last))
    return [min(4 * width, width // 4 << stage) for stage in range(halvings)], 0 if resolution == 64 else 1


def glorot(net: nn.Module) -> nn.Module:
    """Glorot-uniform weights, with gain sqrt(2) for the 3x3 convolutions inside blocks; biases 0. In place.

    gen_models/resblocks.py of pfnet-research/sngan_projection; tflib/ops/conv2d.py of igul222 (`he_init`) is the same.
    """
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear | nn.Embedding):
            nn.init.xavier_uniform_(layer.weight)
        if isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None:
            nn.init.zeros_(layer.bias)
    for block in net.modules():
        if isinstance(block, UpBlock | DownBlock | PlainBlock):
            nn.init.xavier_uniform_(block.conv1.weight, sqrt(2))
            nn.init.xavier_uniform_(block.conv2.weight, sqrt(2))
    return net

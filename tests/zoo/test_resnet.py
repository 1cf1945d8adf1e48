"""The ResNet's parts against plain compositions of PyTorch's layers."""

from math import sqrt

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, interpolate

from zoo.networks.conditional import ConditionalBatchNorm
from zoo.networks.resnet import ConvPool, DownBlock, PlainBlock, UpBlock, UpsampleConv, glorot, small_width


@pytest.fixture
def features() -> Tensor:
    return torch.randn(2, 6, 8, 8, generator=torch.Generator().manual_seed(0))


def conv(layer: nn.Conv2d, x: Tensor) -> Tensor:
    return conv2d(x, layer.weight, layer.bias, padding=layer.padding)


def test_conv_pool_is_a_convolution_then_mean_pooling(features: Tensor):
    layer = ConvPool(6, 5)
    torch.testing.assert_close(layer(features), avg_pool2d(conv(layer, features), 2), rtol=1e-4, atol=1e-5)


def test_upsample_conv_is_upsampling_then_a_convolution(features: Tensor):
    layer = UpsampleConv(6, 5)
    torch.testing.assert_close(
        layer(features), conv(layer, interpolate(features, scale_factor=2)), rtol=1e-4, atol=1e-5
    )


def test_up_block(features: Tensor):
    block = UpBlock(6, 5)
    up = interpolate(block.norm1(features).relu(), scale_factor=2)
    residual = conv(block.conv2, block.norm2(conv(block.conv1, up)).relu())
    expected = residual + conv(block.shortcut, interpolate(features, scale_factor=2))
    torch.testing.assert_close(block(features), expected, rtol=1e-4, atol=1e-4)


def test_up_block_hands_the_condition_to_its_norms(features: Tensor):
    block = UpBlock(6, 5, lambda width: ConditionalBatchNorm(width, classes=2))
    nn.init.normal_(block.norm1.scale)
    zero, one = (block(features, torch.full((2,), label)) for label in (0, 1))
    assert not torch.equal(zero, one)


@pytest.mark.parametrize("first", [False, True])
def test_down_block(features: Tensor, first: bool):
    block = DownBlock(6, 10, first=first)
    hidden = conv(block.conv1, features if first else features.relu())
    expected = avg_pool2d(conv(block.conv2, hidden.relu()) + conv(block.shortcut, features), 2)
    torch.testing.assert_close(block(features), expected, rtol=1e-4, atol=1e-5)
    assert hidden.shape[1] == (10 if first else 6)


def test_plain_block(features: Tensor):
    block = PlainBlock(6)
    expected = features + conv(block.conv2, conv(block.conv1, features.relu()).relu())
    torch.testing.assert_close(block(features), expected)


def test_glorot_limits():
    torch.manual_seed(0)
    block = glorot(UpBlock(64, 64))
    for layer, gain, kernel in ((block.conv1, sqrt(2), 9), (block.conv2, sqrt(2), 9), (block.shortcut, 1, 1)):
        limit = gain * sqrt(6 / (128 * kernel))
        assert 0.98 * limit < layer.weight.abs().max() <= limit
        assert not layer.bias.any()


@pytest.mark.parametrize(("resolution", "width"), [(32, 128), (64, 128), (16, 64), (8, 32)])
def test_widths_below_32_px(resolution: int, width: int):
    assert small_width(128, resolution) == width
    assert small_width(256, 16) == 128

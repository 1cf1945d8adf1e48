"""SRGAN: what the generator sees, its published size, and its two stages."""

import pytest
import torch
from torch import nn

from bench.errors import UserError
from bench.gan import Batch, Context, Draw, ImageSpec, Now
from zoo import srgan
from zoo.srgan import Critic, Generator
from zoo.training.paired import PairedTurn

SPEC = ImageSpec(1, 16, source_channels=1)


def test_the_generator_sees_one_of_every_four_by_four_pixels():
    generator, source = Generator(SPEC, 4).eval(), torch.randn(1, 1, 16, 16)
    touched = source.clone()
    touched[:, :, 1::4] += 1
    touched[:, :, :, 3::4] -= 1
    assert torch.equal(generator(source), generator(touched))
    moved = source.clone()
    moved[0, 0, 4, 8] += 1
    assert not torch.equal(generator(source), generator(moved))


def test_the_generator_has_the_published_layers():
    """By hand, 64 channels of RGB: 9x9 in and out, 16 blocks, one more convolution, two shuffles, PReLUs of one number."""
    inside = 64 * 64 * 9 + 64
    blocks = 16 * (2 * inside + 2 * 2 * 64 + 1)
    ends = 3 * 64 * 81 + 64 + 64 * 3 * 81 + 3
    shuffles = 2 * (64 * 256 * 9 + 256 + 1)
    expected = ends + 1 + blocks + inside + 2 * 64 + shuffles
    generator = Generator(ImageSpec(3, 96, source_channels=3), 64)
    assert sum(weight.numel() for weight in generator.parameters()) == expected


def test_the_critic_has_the_published_convolutions_at_64_px():
    convs = [layer for layer in Critic(ImageSpec(3, 64, source_channels=3), 64).layers if isinstance(layer, nn.Conv2d)]
    assert [conv.out_channels for conv in convs] == [64, 64, 128, 128, 256, 256, 512, 512]
    assert [conv.stride[0] for conv in convs] == [1, 2] * 4


def test_first_the_square_error_alone_then_both():
    gan = srgan.srgan(SPEC)
    first, second = gan.schedule
    assert [(update.player, set(update.losses)) for update in first.updates] == [("generator", {"pixels"})]
    assert [update.player for update in second.updates] == ["critic", "generator"]
    assert [srgan.later_slower(spent) for spent in (0.0, 0.49, 0.5, 1.0)] == [1, 1, 0.1, 0.1]


class Whiter(nn.Module):
    def forward(self, source: torch.Tensor) -> torch.Tensor:
        return source + 0.5


def test_the_square_error_by_hand():
    batch = Batch(torch.zeros(2, 1, 8, 8), source=torch.full((2, 1, 8, 8), 0.25))
    turn = PairedTurn(Context({"generator": Whiter()}, Draw(batch), "generator", Now(0, 1, 0), torch.Generator()))
    assert srgan.square_error(turn).item() == pytest.approx(0.75**2)


def test_it_says_which_sets_have_small_pictures():
    with pytest.raises(UserError, match="Choose lowres:NAME"):
        srgan.srgan(ImageSpec(3, 16))

from itertools import pairwise

import pytest
import torch
from torch.nn.functional import cross_entropy

from bench.errors import UserError
from bench.gan import Batch, Context, Draw, ImageSpec, Now, Turn
from zoo.acgan import Critic, Generator, acgan, read_fake, read_real_and_fake

SPEC = ImageSpec(3, 32, classes=10)


def count(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def turn_of(mover: str) -> Turn:
    torch.manual_seed(0)
    gan = acgan(ImageSpec(1, 8, classes=3))
    nets = {name: player.net.eval() for name, player in gan.players.items()}  # without dropout
    draw = Draw(Batch(torch.rand(4, 1, 8, 8), torch.tensor([0, 1, 2, 1])))
    return gan.schedule[0].turn(Context(nets, draw, mover, Now(0, 100, 0), torch.Generator().manual_seed(0)))


def test_parameters_equal_the_paper_s_layers_by_hand():
    # Linear 110 -> 384 x 4 x 4, 5x5 transposed convolutions to 192, 96 and 3, norms after the first two.
    linear = 110 * 384 * 16 + 384 * 16
    ups = 384 * 192 * 25 + 192 + 192 * 96 * 25 + 96 + 96 * 3 * 25 + 3
    assert count(Generator(SPEC)) == linear + ups + 2 * (192 + 96)
    widths = [3, 16, 32, 64, 128, 256, 512]
    convolutions = sum(before * after * 9 + after for before, after in pairwise(widths))
    assert count(Critic(SPEC)) == convolutions + 2 * sum(widths[2:]) + (512 * 16 + 1) * 11


def test_both_players_are_told_about_the_class():
    critic = turn_of("critic")
    real, fake = (critic.nets["critic"](images)[1] for images in (critic.real, critic.fake))
    labels = critic.batch.labels
    assert labels is not None
    expected = cross_entropy(real, labels) + cross_entropy(fake, labels)
    torch.testing.assert_close(read_real_and_fake(critic), expected)
    generator = turn_of("generator")
    torch.testing.assert_close(read_fake(generator), cross_entropy(fake, labels))
    assert generator.fake_logits.shape == (4,)


def test_unlabelled_images_are_refused():
    with pytest.raises(UserError, match="acgan is class-conditional"):
        acgan(ImageSpec(1, 16))

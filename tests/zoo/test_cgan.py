import pytest
import torch

from bench.errors import UserError
from bench.gan import ImageSpec
from zoo.cgan import Critic, Generator, cgan

MNIST = ImageSpec(1, 28, classes=10)


def count(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def test_parameters_equal_those_of_the_code():
    # Newmu/dcgan_code mnist/train_cond_dcgan.py at ee12b2d, by hand: 110*1024 + 1034*6272 + 138*64*25 + 74*25
    # and 11*64*25 + 74*128*25 + 6282*1024 + 1034.
    assert count(Generator(MNIST)) == 6_820_538
    assert count(Critic(MNIST)) == 6_688_202


@pytest.mark.parametrize("resolution", [8, 16, 28, 64])
def test_shapes(resolution):
    spec = ImageSpec(3, resolution, classes=5)
    labels = torch.tensor([0, 4])
    images = Generator(spec)(torch.rand(2, 100), labels)
    assert images.shape == (2, 3, resolution, resolution)
    assert Critic(spec)(images, labels).shape == (2,)


def test_the_label_reaches_every_layer():
    generator, critic = Generator(MNIST), Critic(MNIST)
    assert [up.in_channels for up in generator.ups] == [128 + 10, 64 + 10]
    assert [down.in_channels for down in critic.downs] == [1 + 10, 64 + 10]
    assert critic.hidden.in_features == 6272 + 10
    assert critic.head.in_features == 1024 + 10


def test_unlabelled_images_are_refused():
    with pytest.raises(UserError, match="cgan is class-conditional"):
        cgan(ImageSpec(1, 16))

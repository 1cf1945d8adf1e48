import pytest
import torch

from bench.errors import UserError
from bench.gan import ImageSpec
from zoo.sngan_projection import Critic, Generator, sngan_projection

CIFAR = ImageSpec(3, 32, classes=10)


def count(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def test_parameters_equal_the_reference_implementations():
    # kwotsin/mimicry CGANPDGenerator32 and CGANPDDiscriminator32 at a7fda06; PyTorch-StudioGAN's SNGAN at 947b35e.
    gan = sngan_projection(CIFAR)
    assert count(gan.players["generator"].net) == 4_304_387
    assert count(gan.players["critic"].net) == 1_055_105


def test_every_weight_of_the_critic_has_singular_value_one():
    torch.manual_seed(0)
    critic = sngan_projection(ImageSpec(1, 8, classes=3)).players["critic"].net
    for _ in range(200):
        critic(torch.rand(2, 1, 8, 8), torch.tensor([0, 1]))
    critic.eval()
    layers = [m for m in critic.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear | torch.nn.Embedding)]
    assert len(layers) == 12
    for layer in layers:
        largest = torch.linalg.svdvals(layer.weight.flatten(1))[0]
        torch.testing.assert_close(largest, torch.ones(()), atol=1e-2, rtol=0)


@pytest.mark.parametrize("resolution", [8, 16])
def test_shapes(resolution):
    spec = ImageSpec(1, resolution, classes=4)
    labels = torch.tensor([0, 3])
    images = Generator(spec)(torch.randn(2, 128), labels)
    assert images.shape == (2, 1, resolution, resolution)
    assert Critic(spec)(images, labels).shape == (2,)


def test_unlabelled_images_are_refused():
    with pytest.raises(UserError, match="sngan-projection is class-conditional"):
        sngan_projection(ImageSpec(1, 16))

import torch
from torch import nn

from bench.gan import ImageSpec
from zoo.networks.convolutional import Critic, Generator, resized
from zoo.networks.layers import AROUND_ONE, initialise


def count(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def test_parameters_equal_the_reference_implementations():
    # martinarjovsky/WassersteinGAN at f7a01e8: DCGAN_G, DCGAN_D and DCGAN_D_nobn.
    assert count(Generator(ImageSpec(3, 32))) == 1_068_928
    assert count(Critic(ImageSpec(3, 32))) == 663_296
    assert count(Critic(ImageSpec(3, 32), norm=nn.Identity)) == 662_528
    assert count(Critic(ImageSpec(3, 64), norm=nn.Identity)) == 2_763_776


def test_resizing_and_convolving_is_what_its_name_says():
    torch.manual_seed(0)
    layer = resized(3, 5)
    assert isinstance(layer, nn.Conv2d)
    features = torch.randn(2, 3, 4, 4)
    large = nn.functional.interpolate(features, scale_factor=2)
    torch.testing.assert_close(layer(features), nn.functional.conv2d(large, layer.weight, layer.bias, padding=1))


def test_initialisation_reaches_every_weight():
    net = initialise(Generator(ImageSpec(1, 16), up=resized), nn.init.orthogonal_, AROUND_ONE)
    weights = [layer.weight.flatten(1) for layer in net.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    assert len(weights) == 3
    for weight in weights:
        gram = weight @ weight.T if len(weight) <= weight.shape[1] else weight.T @ weight
        torch.testing.assert_close(gram, torch.eye(len(gram)), atol=1e-5, rtol=0)

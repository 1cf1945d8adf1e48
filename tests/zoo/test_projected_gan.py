"""Projected GAN: frozen features, random projections, and who learns."""

import pytest
import torch
from torch.nn.functional import conv2d

from bench.gan import ImageSpec
from zoo.networks.frozen import CHANNELS, FrozenFeatures, RandomProjections
from zoo.projected_gan import Critic

SPEC = ImageSpec(1, 16)


def test_nothing_that_is_frozen_is_a_parameter_and_all_is_kept():
    for net in (FrozenFeatures(), RandomProjections()):
        assert list(net.parameters()) == []
        assert len(net.state_dict()) > 0
    critic = Critic(SPEC, 8)
    assert {name.partition(".")[0] for name, _ in critic.named_parameters()} == {"scales"}


@pytest.mark.parametrize(("resolution", "finest"), [(8, 16), (16, 16), (32, 16), (64, 32)])
def test_features_have_four_scales(resolution: int, finest: int):
    maps = RandomProjections()(FrozenFeatures()(torch.zeros(2, 3, resolution, resolution)))
    assert [one.shape for one in maps] == [(2, width, finest >> i, finest >> i) for i, width in enumerate(CHANNELS)]


def test_a_grey_image_is_one_of_three_equal_channels():
    features, grey = FrozenFeatures(), torch.rand(2, 1, 32, 32)
    for one, other in zip(features(grey), features(grey.repeat(1, 3, 1, 1)), strict=True):
        assert torch.equal(one, other)


def test_features_are_of_a_network_that_has_learned():
    """Random weights of the same sizes tell a picture's left from its right less: learned first layers are edges.

    The kernels of the first layer, its three colours summed, are far from white: their energy lies in few directions.
    """
    kernels = FrozenFeatures().enter.weight.sum(1).flatten(1)
    spectrum = torch.linalg.svdvals(kernels - kernels.mean(0)).square()
    random = torch.linalg.svdvals(torch.randn(2000, 9)).square()
    assert (spectrum[:3].sum() / spectrum.sum()) > 1.5 * (random[:3].sum() / random.sum())


def test_mixing_goes_from_coarse_to_fine_and_never_back():
    projections, maps = RandomProjections(), [torch.zeros(1, w, 16 >> i, 16 >> i) for i, w in enumerate(CHANNELS)]
    coarse = [one.clone() for one in maps]
    coarse[3] += torch.randn_like(coarse[3])
    assert all(one.abs().max() > 0 for one in projections(coarse))
    fine = [one.clone() for one in maps]
    fine[0] += torch.randn_like(fine[0])
    found = projections(fine)
    assert found[0].abs().max() > 0
    assert all((one == 0).all() for one in found[1:])


def test_the_coarsest_map_is_mixed_by_its_random_matrix():
    projections, maps = RandomProjections(), [torch.randn(1, w, 16 >> i, 16 >> i) for i, w in enumerate(CHANNELS)]
    expected = conv2d(maps[3], projections.mix[3].weight)
    torch.testing.assert_close(projections(list(maps))[3], expected)


def test_gradients_reach_the_images_through_what_is_frozen():
    images = torch.randn(2, 1, 16, 16, requires_grad=True)
    logits = Critic(SPEC, 8)(images)
    assert logits.shape == (2, 16 + 16 + 16 + 4)
    logits.sum().backward()
    assert images.grad.abs().min(0).values.max() > 0

"""Spectral normalisation against singular values and against PyTorch's own."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from zoo.networks.resnet import glorot
from zoo.networks.spectral import SpectralNorm, spectral


def test_the_norm_after_spectral_normalisation_is_one():
    torch.manual_seed(0)
    net = spectral(glorot(nn.Sequential(nn.Conv2d(6, 8, 3), nn.Flatten(), nn.Linear(8, 12))))
    for _ in range(200):
        net(torch.randn(1, 6, 3, 3))  # one power iteration each
    for layer in (net[0], net[2]):
        largest = torch.linalg.svdvals(layer.weight.flatten(1))[0]
        assert largest.item() == pytest.approx(1.0, abs=1e-4)
        original = layer.parametrizations.weight.original
        torch.testing.assert_close(
            layer.weight, original / torch.linalg.svdvals(original.flatten(1))[0], rtol=1e-3, atol=1e-5
        )


def test_spectral_normalisation_stands_still_when_it_only_judges():
    net = spectral(nn.Sequential(nn.Linear(4, 4))).eval()
    before = [buffer.clone() for buffer in net.buffers()]
    net(torch.randn(2, 4))
    assert all(torch.equal(a, b) for a, b in zip(before, net.buffers(), strict=True))


def test_the_numbers_are_those_of_pytorch():
    torch.manual_seed(0)
    layer = nn.Conv2d(6, 8, 3)
    torch.manual_seed(1)
    ours = spectral(copy.deepcopy(layer))
    torch.manual_seed(1)
    theirs = spectral_norm(copy.deepcopy(layer))
    for _ in range(3):
        images = torch.randn(2, 6, 3, 3)
        torch.testing.assert_close(ours(images), theirs(images))


def test_two_passes_before_one_backward_pass_do_not_disturb_each_other():
    """What a critic does: the vectors that the first pass has saved must not change in the second."""
    norm = SpectralNorm(torch.randn(4, 5))
    saved = norm.u
    kept = saved.clone()
    norm(torch.randn(4, 5))
    assert torch.equal(saved, kept)
    assert not torch.equal(norm.u, kept)


def test_bfloat16_does_not_reach_the_estimate():
    torch.manual_seed(0)
    layer = spectral(nn.Linear(32, 16))
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(torch.randn(2, 32)).dtype == torch.bfloat16
        assert layer.weight.dtype == torch.float32
    assert {buffer.dtype for buffer in layer.buffers()} == {torch.float32}


def test_a_copy_and_a_saved_state_go_on_alike():
    torch.manual_seed(0)
    net = spectral(nn.Sequential(nn.Linear(4, 3)))
    twin = copy.deepcopy(net)
    other = spectral(nn.Sequential(nn.Linear(4, 3)))
    other.load_state_dict(net.state_dict())
    images = torch.randn(2, 4)
    for _ in range(2):
        outputs = [made(images) for made in (net, twin, other)]
        assert torch.equal(outputs[0], outputs[1])
        assert torch.equal(outputs[0], outputs[2])


def test_it_can_be_built_without_numbers():
    """Parameters are counted on the meta device, which knows no autocast."""
    with torch.device("meta"):
        net = spectral(nn.Sequential(nn.Linear(4, 3)))
    assert sum(parameter.numel() for parameter in net.parameters()) == 15

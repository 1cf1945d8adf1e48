"""StyleGAN3: filters against SciPy's design, resampling of waves in closed form, equivariance to translation in dB."""

from math import log10, pi

import numpy as np
import pytest
import torch
from scipy.signal import firwin
from torch import Tensor, nn

from bench.gan import ImageSpec
from zoo import stylegan3
from zoo.networks import alias_free
from zoo.networks.alias_free import Band, FilteredLeakyReLU, FourierInput, Resample, Synthesis, bands, kaiser
from zoo.networks.equalised import LeakyReLU
from zoo.networks.widths import Widths


def test_bands_at_1024_px_are_as_published():
    """Figure 4 (c) and the authors' names of their layers: cutoffs from 2 to 512, rates from 16 to 1024."""
    found = bands(1024, 14)
    assert [round(band.cutoff, 1) for band in found[:3]] == [2.0, 3.2, 5.0]
    assert [band.cutoff for band in found[-3:]] == pytest.approx([512, 512, 512])
    assert [band.rate for band in found] == [16, 16, 32, 32, 64, 128, 128, 256, 256, 512, *[1024] * 5]
    assert [round(16384 / band.cutoff) for band in found[7:12]] == [323, 203, 128, 81, 51]  # their channels
    assert all(band.cutoff + band.half_width >= band.rate / 2 * 0.999 for band in found)


@pytest.mark.parametrize("band", bands(64, 10), ids=lambda band: f"{band.cutoff:.1f}")
def test_filters_are_those_of_scipy(band: Band):
    """An independent design of the same window: its `width` is that of the whole transition."""
    rate = 2 * band.rate
    expected = firwin(12, band.cutoff, width=2 * band.half_width, fs=rate)
    np.testing.assert_allclose(kaiser(12, band.cutoff, 2 * band.half_width, rate).numpy(), expected, atol=1e-6)


def test_the_first_filters_let_what_is_below_the_cutoff_through_and_stop_what_would_alias():
    """Gain 1 at frequency 0; at the stopband more than 40 dB less."""
    band = bands(256, 14)[0]
    row = kaiser(12, band.cutoff, 2 * band.half_width, 2 * band.rate).double()
    places = torch.arange(12, dtype=torch.float64) - 5.5

    def decibels(frequency: float) -> float:
        return 20 * log10(abs((row * (2 * pi * frequency / (2 * band.rate) * places).cos()).sum().item()))

    assert decibels(0.0) == pytest.approx(0, abs=1e-4)
    assert decibels(band.cutoff / 4) == pytest.approx(0, abs=0.5)
    assert all(decibels(frequency) < -40 for frequency in np.linspace(14, 16, 9))


def wave(rate: int, frequency: float) -> Tensor:
    """Of one unit, at the centres of its samples, along x: (1, 1, rate, rate)."""
    places = (torch.arange(rate) + 0.5) / rate
    return (2 * pi * frequency * places).sin().expand(1, 1, rate, rate)


@pytest.mark.parametrize("factor", [2, 4])
def test_a_slow_wave_has_the_same_values_at_another_rate(factor: int):
    """Of 64 samples, and of 128 or 256: in the middle, away from the zeros outside, to 5 % (ripple), and at the right places."""
    band = Band(64, 8.0, 24.0)
    up, down = (Resample(factor, band, 64 * factor, up=upwards) for upwards in (True, False))
    slow, fast = wave(64, 3.0), wave(64 * factor, 3.0)
    middle = slice(16, -16)
    torch.testing.assert_close(up(slow)[..., middle, 64:-64], fast[..., middle, 64:-64], rtol=0, atol=0.05)
    torch.testing.assert_close(down(fast)[..., middle, middle], slow[..., middle, middle], rtol=0, atol=0.05)


class Bare(nn.Module):
    """What StyleGAN2 does: the non-linearity where the samples are."""

    def __init__(self, before: Band, after: Band):
        super().__init__()
        self.factor, self.act = after.rate // before.rate, LeakyReLU(2**0.5)

    def forward(self, features: Tensor) -> Tensor:
        return nn.functional.interpolate(self.act(features), scale_factor=float(self.factor))


def aliasing(layer: nn.Module) -> float:
    """How far the answer to a wave, moved by a third of a sample, is from the answer that is moved, in dB below it.

    32 samples hold six periods of the wave: the answer is moved by its Fourier transform, exactly.
    """
    places, move = (torch.arange(64) + 0.5) / 64, 1 / 192
    still, moved = (
        layer((2 * pi * 12 * (places + shift)).sin().expand(1, 1, 64, 64))[0, 0, 32, 16:-16] for shift in (0, move)
    )
    frequencies = 2 * torch.arange(17)  # cycles per unit
    expected = torch.fft.irfft(torch.fft.rfft(still) * torch.exp(2j * pi * frequencies * move), 32)
    return 10 * log10((moved - expected).square().mean().item() / still.square().mean().item())


def test_a_filtered_non_linearity_aliases_less_than_a_bare_one():
    band = Band(64, 16.0, 16.0)
    assert aliasing(FilteredLeakyReLU(band, band)) < aliasing(Bare(band, band)) - 10


def equivariance(monkeypatch: pytest.MonkeyPatch, activation: type[nn.Module]) -> float:
    """EQ-T, equation 3, in dB: images of a moved input against moved images, by whole pixels, where both are known."""
    monkeypatch.setattr(alias_free, "FilteredLeakyReLU", activation)
    torch.manual_seed(0)
    spec = ImageSpec(3, 32)
    net = Synthesis(spec, Widths(2048, 64, 32), layers=6, margin=10).eval()
    styles = torch.randn(4, 8, 32)
    with torch.no_grad():
        still = net(styles)
        move = 3
        net.input.phases += net.input.frequencies @ torch.tensor([move / 32, 0.0])
        moved = net(styles)
    error = (moved[..., :-move] - still[..., move:]).square().mean().item()
    return 10 * log10(4 / error)


def test_the_generator_moves_its_images_with_its_input(monkeypatch: pytest.MonkeyPatch):
    """More than 45 dB, and far more than with StyleGAN2's non-linearity in its place."""
    filtered = equivariance(monkeypatch, FilteredLeakyReLU)
    assert filtered > 45
    assert filtered > equivariance(monkeypatch, Bare) + 10


def test_waves_are_below_the_cutoff_and_turn_and_move_with_the_style():
    torch.manual_seed(0)
    band = Band(16, 2.0, 6.0)
    waves = FourierInput(8, 32, band, margin=4)
    assert waves.frequencies.norm(dim=1).max() <= 2.0
    style = torch.zeros(1, 8)
    still = waves(style)
    assert still.shape == (1, 32, 24, 24)
    waves.affine.bias.data[2] = 1 / 16  # one sample
    torch.testing.assert_close(waves(style)[..., :-1], still[..., 1:], rtol=1e-3, atol=1e-3)
    waves.affine.bias.data.copy_(torch.tensor([0.0, 1.0, 0.0, 0.0]))  # a quarter turn
    turned = waves(style)
    assert min((turned - torch.rot90(still, quarter, (2, 3))).abs().max() for quarter in (1, 3)) < 1e-3


def test_layers_are_14_at_256_px_and_two_fewer_at_half_the_size():
    assert [stylegan3.layers(size) for size in (256, 128, 64, 32, 16, 8)] == [14, 12, 10, 8, 6, 6]


def test_magnitudes_follow_the_features_in_training_alone():
    net = Synthesis(ImageSpec(1, 16), Widths(256, 16, 8), layers=6, margin=4)
    styles = torch.randn(2, 8, 8)
    net.eval()(styles)
    assert all(layer.magnitude == 1 for layer in net.layers)
    net.train()(styles)
    assert any(layer.magnitude != 1 for layer in net.layers)

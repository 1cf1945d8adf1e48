"""Sliced Wasserstein distance: closed forms, scipy's filters and distance on the line, what it sees and what it cannot."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from scipy.stats import wasserstein_distance

from bench.errors import UserError
from bench.metrics.sliced_wasserstein import pyramid, rebuilt, sliced_distance, swd


def smooth(n: int, side: int, seed: int, channels: int = 3) -> torch.Tensor:
    """Noise with the same power at every scale, like a picture's."""
    generator = torch.Generator().manual_seed(seed)
    sizes = [size for size in (4, 8, 16, 32) if size <= side]
    parts = [torch.randn(n, channels, size, size, generator=generator) for size in sizes]
    total = sum(torch.nn.functional.interpolate(part, size=(side, side), mode="bilinear") for part in parts)
    return (128 + 30 * torch.as_tensor(total)).clamp(0, 255).to(torch.uint8)


def test_a_shift_in_closed_form():
    """Projections move by v.d, so the distance is the mean of |v.d|."""
    generator = torch.Generator().manual_seed(0)
    x, shift = torch.randn(500, 6, generator=generator), torch.randn(6, generator=generator)
    directions = torch.nn.functional.normalize(torch.randn(40, 6, generator=generator), dim=1)
    truth = float((directions @ shift).abs().mean())
    assert sliced_distance(x, (x + shift)[torch.randperm(500)], directions) == pytest.approx(truth, rel=1e-5)


def test_on_the_line_it_is_scipys():
    generator = torch.Generator().manual_seed(1)
    x, y = torch.randn(200, 3, generator=generator), 2 * torch.randn(200, 3, generator=generator)
    axes = torch.eye(3)
    truth = np.mean([wasserstein_distance(x[:, i], y[:, i]) for i in range(3)])
    assert sliced_distance(x, y, axes) == pytest.approx(truth, rel=1e-5)


def test_levels_are_scipys_filters_and_give_the_images_back():
    images = smooth(2, 64, 0)
    levels = pyramid(images)
    assert [level.shape[2] for level in levels] == [64, 32, 16]
    taps = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 256
    smaller = ndimage.convolve(images[0, 0].numpy().astype(float), taps, mode="mirror")[::2, ::2]
    spaced = np.zeros((64, 64))
    spaced[::2, ::2] = smaller
    truth = images[0, 0].numpy() - ndimage.convolve(spaced, 4 * taps, mode="mirror")
    assert levels[0][0, 0].numpy() == pytest.approx(truth, abs=1e-3)
    assert rebuilt(levels).numpy() == pytest.approx(images.float().numpy(), abs=1e-3)


@pytest.mark.parametrize(
    ("shape", "sides"), [((48, 48), [48, 24]), ((36, 80), [36, 18]), ((16, 16), [16]), ((33, 64), [33])]
)
def test_sides_that_cannot_be_halved_end_the_pyramid(shape, sides):
    assert [level.shape[2] for level in pyramid(torch.zeros(1, 1, *shape))] == sides


def test_the_same_images_differ_only_by_where_patches_lie_and_other_images_more():
    real, fake = smooth(30, 16, 0), smooth(30, 16, 1)
    same, fresh = swd(real, real).value, swd(real, fake).value
    blurred = torch.nn.functional.avg_pool2d(fake.float(), 3, stride=1, padding=1, count_include_pad=False)
    assert same < fresh
    assert swd(real, blurred.to(torch.uint8)).value > 1.5 * fresh
    assert swd(real, 255 - torch.zeros_like(fake)).value > 1.5 * fresh  # without any detail


def test_it_cannot_see_contrast():
    """Every side's patches are scaled to deviation 1."""
    real, fake = smooth(30, 16, 0), smooth(30, 16, 1)
    fainter = (128 + 0.5 * (fake.float() - 128)).round().to(torch.uint8)
    assert swd(real, fainter).value == pytest.approx(swd(real, fake).value, abs=5)


def test_the_same_images_give_the_same_number_with_an_error():
    real, fake = smooth(20, 32, 0, channels=1), smooth(30, 32, 1, channels=1)
    found = swd(real, fake)
    assert found == swd(real, fake)
    assert found.error is not None
    assert 0 < found.error < 0.2 * found.value


def test_other_shapes_are_refused():
    with pytest.raises(UserError, match="images of one shape"):
        swd(smooth(4, 32, 0), smooth(4, 16, 0))
    with pytest.raises(UserError, match="at least 16 pixels"):
        swd(smooth(4, 8, 0), smooth(4, 8, 0))

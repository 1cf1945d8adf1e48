"""MS-SSIM: closed forms, torchmetrics on large images, and diversity of known samples."""

import pytest
import torch

from bench.errors import UserError
from bench.metrics.ms_ssim import ms_ssim, ms_ssim_diversity, ms_ssim_diversity_within
from bench.metrics.paired import C1, C2


def noise(n: int, side: int, seed: int, channels: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, channels, side, side), generator=generator, dtype=torch.uint8)


@pytest.mark.parametrize("side", [16, 45, 180])
def test_flat_images_in_closed_form(side):
    """No structure: what is left is the luminance term at the coarsest scale, to the power 0.1333."""
    a, b = (torch.full((2, 3, side, side), value, dtype=torch.uint8) for value in (100, 150))
    truth = ((2 * 100 * 150 + C1) / (100**2 + 150**2 + C1)) ** 0.1333
    assert ms_ssim(a, b).tolist() == pytest.approx([truth] * 2, rel=1e-9)


def test_contrast_in_closed_form():
    """Stripes of one pixel around 128, of contrast 40 and 80: their 2 x 2 means are flat, so only the finest scale counts.

    Its windows see weights that differ between odd and even columns by less than 1e-3.
    """
    stripes = (torch.arange(192) % 2 * 2 - 1).repeat(192, 1)[None, None]
    a, b = 128 + 40 * stripes, 128 + 80 * stripes
    truth = ((2 * 40 * 80 + C2) / (40**2 + 80**2 + C2)) ** 0.0448
    assert float(ms_ssim(a, b)) == pytest.approx(truth, rel=1e-4)


def test_an_image_is_itself_and_its_negative_is_nothing():
    a = noise(3, 48, 0)
    assert ms_ssim(a, a).tolist() == pytest.approx([1] * 3, rel=1e-9)
    assert ms_ssim(a, 255 - a).tolist() == [0] * 3


@pytest.mark.parametrize("channels", [1, 3])
def test_every_scale_of_large_images_agrees_with_torchmetrics(channels):
    """Scale by scale, because its own MS-SSIM keeps windows across the border at the coarsest scale, unlike the source."""
    theirs = pytest.importorskip("torchmetrics.functional.image").structural_similarity_index_measure
    coarse = torch.nn.functional.interpolate(noise(4, 24, 1, channels).double(), size=(192, 176), mode="bilinear")
    a = coarse.round()
    b = (0.8 * coarse + 0.2 * noise(4, 192, 2, channels)[..., :176]).round()
    found, truth = ms_ssim(a, b).tolist(), torch.ones(4, dtype=torch.float64)
    for weight in (0.0448, 0.2856, 0.3001, 0.2363):
        truth *= theirs(a, b, data_range=255.0, reduction="none", return_contrast_sensitivity=True)[1] ** weight
        a, b = (torch.nn.functional.avg_pool2d(x, 2) for x in (a, b))
    whole = theirs(a, b, data_range=255.0, reduction="none", return_full_image=True)[1]
    truth *= whole[..., 5:-5, 5:-5].flatten(1).mean(1) ** 0.1333
    assert found == pytest.approx(truth.tolist(), rel=1e-6)
    assert all(0.3 < value < 0.99 for value in found)


def test_symmetry():
    a, b = noise(5, 32, 3), noise(5, 32, 4)
    assert ms_ssim(a, b).tolist() == pytest.approx(ms_ssim(b, a).tolist(), rel=1e-12)


def test_collapsed_fakes_are_alike_and_the_baseline_is_that_of_held_out_images():
    held_out = noise(40, 32, 0)
    found = ms_ssim_diversity(noise(1, 32, 1).repeat(20, 1, 1, 1), held_out)
    assert found.value == pytest.approx(1, rel=1e-9)
    assert found.baseline == ms_ssim_diversity(held_out, held_out).value
    assert found.baseline < 0.3


def test_one_image_per_class_is_seen_within_classes_only():
    labels = torch.arange(40) % 4
    fakes = noise(4, 32, 1)[labels]
    held_out = noise(40, 32, 0)
    assert ms_ssim_diversity_within(fakes, labels, held_out, labels).value == pytest.approx(1, rel=1e-9)
    assert ms_ssim_diversity(fakes, held_out).value < 0.6


def test_images_that_are_too_small_are_refused():
    with pytest.raises(UserError, match="at least 16 pixels"):
        ms_ssim(noise(2, 15, 0), noise(2, 15, 1))
    with pytest.raises(UserError, match="images of one size"):
        ms_ssim(noise(2, 16, 0), noise(2, 32, 1))

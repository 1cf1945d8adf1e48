"""Paired metrics by hand and against torchmetrics."""

import math

import pytest
import torch

from bench.errors import UserError
from bench.metrics.paired import l1, psnr, ssim


def images(seed: int, n: int = 5, channels: int = 3, side: int = 24) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, channels, side, side), generator=generator, dtype=torch.uint8)


def test_by_hand():
    black, grey = torch.zeros(3, 1, 16, 16, dtype=torch.uint8), torch.full((3, 1, 16, 16), 51, dtype=torch.uint8)
    assert l1(black, grey).value == pytest.approx(0.2)
    assert psnr(black, grey).value == pytest.approx(10 * math.log10(25))
    c1 = (0.01 * 255) ** 2
    assert ssim(black, grey).value == pytest.approx(c1 / (51**2 + c1))  # flat images: only the luminance term


def test_an_image_and_itself():
    x = images(0)
    assert (l1(x, x).value, psnr(x, x).value) == (0, 100)
    assert ssim(x, x).value == pytest.approx(1, rel=1e-12)


def test_agrees_with_torchmetrics():
    functional = pytest.importorskip("torchmetrics.functional.image")
    x = images(0)
    y = (x.int() + images(1).int() // 5).clamp(max=255).to(torch.uint8)
    whole = functional.structural_similarity_index_measure(
        x.double(), y.double(), data_range=255.0, return_full_image=True
    )
    # Theirs also averages windows that reach over the border into mirrored pixels; ours are all inside the image.
    assert ssim(x, y).value == pytest.approx(float(whole[1][..., 5:-5, 5:-5].mean()), rel=1e-6)
    theirs = functional.peak_signal_noise_ratio(x.double(), y.double(), data_range=255.0, reduction="elementwise_mean",
                                                dim=(1, 2, 3))  # fmt: skip
    assert psnr(x, y).value == pytest.approx(float(theirs), rel=1e-6)


def test_unequal_sizes_are_refused():
    with pytest.raises(UserError, match="equal number and size"):
        l1(images(0), images(0, side=32))
    with pytest.raises(UserError, match="windows of 11 pixels"):
        ssim(images(0, side=8), images(1, side=8))

"""Distances between paired images, for translation and reconstruction: L1, PSNR, SSIM on uint8 images."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.errors import UserError
from bench.metrics.contract import Estimate

CHUNK = 256
BEST_PSNR = 100.0  # dB, given to a pair of equal images, whose PSNR is infinite
WINDOW, SIGMA = 11, 1.5
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def l1(output_images: Tensor, target_images: Tensor) -> Estimate:
    """Mean absolute difference of pixels, on a scale where white is 1; the error is the standard error over images."""
    return _over_pairs(output_images, target_images, lambda a, b: (a - b).abs().flatten(1).mean(1) / 255)


def psnr(output_images: Tensor, target_images: Tensor) -> Estimate:
    """Mean over images of 10 log10(255^2 / MSE) in dB, at most 100 for equal images."""
    return _over_pairs(output_images, target_images, _psnr)


def ssim(output_images: Tensor, target_images: Tensor) -> Estimate:
    """Mean structural similarity, Wang et al. 2004 (IEEE TIP 13(4)), equation 13.

    Gaussian window of 11 pixels and sigma 1.5, K1 = 0.01, K2 = 0.03, range 255, per channel, windows inside the image.
    """
    if min(output_images.shape[2:]) < WINDOW:
        raise UserError(
            f"SSIM looks through windows of {WINDOW} pixels; the images have {tuple(output_images.shape[2:])}."
        )
    return _over_pairs(output_images, target_images, _ssim)


def _psnr(a: Tensor, b: Tensor) -> Tensor:
    error = (a - b).square().flatten(1).mean(1)
    return (10 * torch.log10(255**2 / error)).clamp(max=BEST_PSNR)


def _ssim(a: Tensor, b: Tensor) -> Tensor:
    mean_a, mean_b = _blur(a), _blur(b)
    variance_a, variance_b = _blur(a * a) - mean_a**2, _blur(b * b) - mean_b**2
    covariance = _blur(a * b) - mean_a * mean_b
    likeness = (2 * mean_a * mean_b + C1) * (2 * covariance + C2)
    scale = (mean_a**2 + mean_b**2 + C1) * (variance_a + variance_b + C2)
    return (likeness / scale).flatten(1).mean(1)


def _blur(images: Tensor) -> Tensor:
    """Mean in a Gaussian window around every pixel that has a whole one."""
    offset = torch.arange(WINDOW, dtype=images.dtype) - WINDOW // 2
    kernel = torch.exp(-(offset**2) / (2 * SIGMA**2))
    kernel = kernel / kernel.sum()
    channels = images.shape[1]
    rows = F.conv2d(images, kernel.view(1, 1, 1, -1).repeat(channels, 1, 1, 1), groups=channels)
    return F.conv2d(rows, kernel.view(1, 1, -1, 1).repeat(channels, 1, 1, 1), groups=channels)


def _over_pairs(output: Tensor, target: Tensor, score: Callable[[Tensor, Tensor], Tensor]) -> Estimate:
    if output.shape != target.shape:
        raise UserError(
            f"paired metrics need images of equal number and size: outputs {tuple(output.shape)}, "
            f"targets {tuple(target.shape)}."
        )
    pairs = zip(output.split(CHUNK), target.split(CHUNK), strict=True)
    values = torch.cat([score(a.double(), b.double()) for a, b in pairs])
    error = float(values.std()) / len(values) ** 0.5 if len(values) > 1 else None
    return Estimate(float(values.mean()), error=error)

"""Diversity by MS-SSIM: how alike are two fakes?

Odena, Olah & Shlens 2017 (AC-GAN, arXiv:1610.09585), section 4.2: the mean multi-scale structural similarity of random
pairs of one class, beside that of real images; lower is more diverse. The similarity is Wang, Simoncelli & Bovik's (2003,
equation 7) with five scales and their weights: contrast and structure at every scale, luminance at the coarsest, images
halved by 2 x 2 means in between, negative terms counted as zero.

The window has 11 pixels (sigma 1.5). Where a scale has fewer, it has as many and a proportionally smaller sigma, as in the
implementation that AC-GAN and ProGAN used; from 176 pixels on all windows have 11.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.errors import UserError
from bench.metrics.contract import Estimate
from bench.metrics.paired import C1, C2, SIGMA, WINDOW
from bench.metrics.perceptual import pairs_within, random_pairs

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al. 2003, section 3.2
SMALLEST = 2 ** (len(WEIGHTS) - 1)  # pixels: one is left at the coarsest scale
CHUNK = 128


def ms_ssim_diversity(fake_images: Tensor, held_out_images: Tensor) -> Estimate:
    """Mean MS-SSIM over random pairs of fakes, each in one pair; error: standard error; baseline: held-out images."""
    baseline = _over_pairs(held_out_images, random_pairs(len(held_out_images)))
    return _mean(_over_pairs(fake_images, random_pairs(len(fake_images))), baseline)


def ms_ssim_diversity_within(
    fake_images: Tensor, fake_labels: Tensor, held_out_images: Tensor, held_out_labels: Tensor
) -> Estimate:
    """The same over pairs of one class, as AC-GAN has it."""
    baseline = _over_pairs(held_out_images, pairs_within(held_out_labels))
    return _mean(_over_pairs(fake_images, pairs_within(fake_labels)), baseline)


def ms_ssim(a: Tensor, b: Tensor) -> Tensor:
    """MS-SSIM of pairs of images (N, C, H, W) in [0, 255], (N,) float64 in [0, 1]; channels are averaged at every scale.

    Raises UserError below 16 pixels, where the coarsest scale is empty.
    """
    if a.shape != b.shape or min(a.shape[2:]) < SMALLEST:
        raise UserError(
            f"MS-SSIM compares images of one size of at least {SMALLEST} pixels; these have {tuple(a.shape[1:])} and "
            f"{tuple(b.shape[1:])}. Leave the metric out, or score at a higher resolution."
        )
    a, b = a.double(), b.double()
    found = a.new_ones(len(a))
    for weight in WEIGHTS[:-1]:
        found *= _terms(a, b)[1].clamp(min=0) ** weight
        a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
    return found * _terms(a, b)[0].clamp(min=0) ** WEIGHTS[-1]


def _terms(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Mean similarity of each pair, and that of contrast and structure alone, (N,) twice."""
    mean_a, mean_b = _blur(a), _blur(b)
    variances = (_blur(a * a) - mean_a**2) + (_blur(b * b) - mean_b**2)
    structure = (2 * (_blur(a * b) - mean_a * mean_b) + C2) / (variances + C2)
    luminance = (2 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1)
    return (luminance * structure).flatten(1).mean(1), structure.flatten(1).mean(1)


def _blur(images: Tensor) -> Tensor:
    """Means in Gaussian windows that lie inside the image, of 11 pixels or of the image's smaller side."""
    size, channels = min(WINDOW, *images.shape[2:]), images.shape[1]
    offset = torch.arange(size, dtype=images.dtype) - (size - 1) / 2
    kernel = torch.exp(-(offset**2) / (2 * (SIGMA * size / WINDOW) ** 2))
    kernel = (kernel / kernel.sum()).repeat(channels, 1)
    rows = F.conv2d(images, kernel[:, None, None, :], groups=channels)
    return F.conv2d(rows, kernel[:, None, :, None], groups=channels)


def _over_pairs(images: Tensor, pairs: Tensor) -> Tensor:
    return torch.cat([ms_ssim(images[part[:, 0]], images[part[:, 1]]) for part in pairs.split(CHUNK)])


def _mean(values: Tensor, baseline: Tensor) -> Estimate:
    error = float(values.std()) / len(values) ** 0.5 if len(values) > 1 else None
    return Estimate(float(values.mean()), error=error, baseline=float(baseline.mean()))

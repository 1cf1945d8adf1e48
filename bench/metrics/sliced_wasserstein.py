"""Sliced Wasserstein distance of patches, scale by scale.

Karras, Aila, Laine & Lehtinen 2018 (ProGAN, arXiv:1710.10196), section 5 and appendix: each image becomes a Laplacian pyramid
down to 16 pixels (Burt & Adelson 1983, binomial filter of five taps). Of every level 128 random patches of 7 x 7 pixels are
taken from an image; every channel of a side's patches gets mean 0 and deviation 1; the distance of the two clouds is the
mean over 512 random directions of the Wasserstein distance on the line, here times 1000 and averaged over the levels.

Departure: at most 2,048 images of a side are used, where the paper takes 16,384; those take 50 CPU seconds at 32 pixels.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bench.errors import UserError
from bench.metrics.contract import Estimate

PATCH, PATCHES, SMALLEST = 7, 128, 16  # pixels, per image, pixels of the last level
REPEATS, DIRECTIONS = 4, 128
IMAGES, SEED, SCALE = 2048, 2020, 1000.0
BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)


def swd(real_images: Tensor, fake_images: Tensor) -> Estimate:
    """1000 times the distance, mean over the levels; images are uint8 (N, C, H, W), equally many of either side are used.

    The error is the standard error over four sets of directions. Raises UserError for sides of different shape.
    """
    if real_images.shape[1:] != fake_images.shape[1:] or min(real_images.shape[2:]) < SMALLEST:
        raise UserError(
            f"the sliced Wasserstein distance compares images of one shape of at least {SMALLEST} pixels; these have "
            f"{tuple(real_images.shape[1:])} and {tuple(fake_images.shape[1:])}. Score both at one resolution."
        )
    count = min(len(real_images), len(fake_images), IMAGES)
    random = np.random.RandomState(SEED)
    real, fake = (pyramid(_some(images, count, random)) for images in (real_images, fake_images))
    found = torch.stack([_of_level(x, y, random) for x, y in zip(real, fake, strict=True)]).mean(0)
    return Estimate(SCALE * float(found.mean()), error=SCALE * float(found.std()) / REPEATS**0.5)


def pyramid(images: Tensor) -> list[Tensor]:
    """The Laplacian pyramid of images (N, C, H, W), finest level first, float32; halved while sides are even and 32 or more."""
    levels = [images.float()]
    while min(levels[-1].shape[2:]) >= 2 * SMALLEST and not any(side % 2 for side in levels[-1].shape[2:]):
        smaller = _smooth(levels[-1])[:, :, ::2, ::2]
        levels[-1] = levels[-1] - _enlarged(smaller)
        levels.append(smaller)
    return levels


def rebuilt(levels: list[Tensor]) -> Tensor:
    """The images of a pyramid."""
    image = levels[-1]
    for level in reversed(levels[:-1]):
        image = level + _enlarged(image)
    return image


def sliced_distance(x: Tensor, y: Tensor, directions: Tensor) -> float:
    """Mean over directions (K, D) of the Wasserstein-1 distance of projections of rows of ``x`` and ``y``, both (N, D)."""
    a, b = ((directions @ points.T).sort(dim=1).values for points in (x, y))
    return float((a - b).abs().mean(dtype=torch.float64))


def _of_level(real: Tensor, fake: Tensor, random: np.random.RandomState) -> Tensor:
    """The distance along each set of directions, (REPEATS,) float64."""
    x, y = (_standardised(_patches(level, random)) for level in (real, fake))
    found = []
    for _ in range(REPEATS):
        drawn = random.randn(DIRECTIONS, x.shape[1])
        unit = torch.from_numpy(drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).float()
        found.append(sliced_distance(x, y, unit))
    return torch.tensor(found, dtype=torch.float64)


def _some(images: Tensor, count: int, random: np.random.RandomState) -> Tensor:
    return images[torch.from_numpy(random.permutation(len(images))[:count])]


def _patches(level: Tensor, random: np.random.RandomState) -> Tensor:
    """(N * 128, C, 7, 7): patches at random places that lie inside the image."""
    count, _, height, width = level.shape
    windows = level.unfold(2, PATCH, 1).unfold(3, PATCH, 1).permute(0, 2, 3, 1, 4, 5)  # (N, rows, columns, C, 7, 7)
    row, column = (torch.from_numpy(random.randint(0, side - PATCH + 1, count * PATCHES)) for side in (height, width))
    return windows[torch.arange(count).repeat_interleave(PATCHES), row, column]


def _standardised(patches: Tensor) -> Tensor:
    """Every channel with mean 0 and deviation 1 over all patches; (P, C * 49). A channel without variation becomes 0."""
    mean = patches.mean((0, 2, 3), keepdim=True)
    spread = (patches - mean).square().mean((0, 2, 3), keepdim=True).sqrt().clamp(min=1e-6)
    return ((patches - mean) / spread).flatten(1)


def _smooth(images: Tensor) -> Tensor:
    """The binomial filter along both sides, mirrored at the border."""
    channels = images.shape[1]
    kernel = images.new_tensor(BINOMIAL).repeat(channels, 1)
    rows = F.conv2d(F.pad(images, (2, 2, 0, 0), mode="reflect"), kernel[:, None, None, :], groups=channels)
    return F.conv2d(F.pad(rows, (0, 0, 2, 2), mode="reflect"), kernel[:, None, :, None], groups=channels)


def _enlarged(images: Tensor) -> Tensor:
    """Twice the size: pixels with zeros between them, filtered, times 4."""
    count, channels, height, width = images.shape
    spaced = images.new_zeros(count, channels, 2 * height, 2 * width)
    spaced[:, :, ::2, ::2] = images
    return 4 * _smooth(spaced)

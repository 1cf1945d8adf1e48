"""What the training of the extractors does to its images; every draw comes from the generator that is passed."""

import math
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor


class Augment(Protocol):
    """(N, C, R, R) float32 in [0, 1] => the same shape; `indices` (N,) name the images within the training set."""

    def __call__(self, images: Tensor, indices: Tensor, epoch: int, generator: torch.Generator) -> Tensor:
        """Return the altered batch."""
        ...


@dataclass(frozen=True)
class FlipAndShift:
    """Alternating flip (arXiv:2404.00498, sec. 3.6: every image is seen in both forms in any two epochs) and a random shift."""

    pixels: int

    def __call__(self, images: Tensor, indices: Tensor, epoch: int, generator: torch.Generator) -> Tensor:
        """Mirror half of the batch, then shift by up to `pixels` with reflected borders."""
        flip = (((indices * 2654435761) >> 15) + epoch) % 2 == 0  # a fixed pseudo-random half, the other half next time
        images = torch.where(flip.view(-1, 1, 1, 1), images.flip(3), images)
        count, _, height, width = images.shape
        padded = F.pad(images, (self.pixels,) * 4, mode="reflect")
        offsets = torch.randint(0, 2 * self.pixels + 1, (2, count, 1), generator=generator)
        rows, columns = offsets[0] + torch.arange(height), offsets[1] + torch.arange(width)
        batch = torch.arange(count).view(-1, 1, 1)
        return padded.permute(0, 2, 3, 1)[batch, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


@dataclass(frozen=True)
class RandomAffine:
    """Rotation, scaling, shear and shift of handwriting, each uniform in its range, empty pixels black."""

    degrees: float
    scale: float  # relative: 0.1 means 0.9 to 1.1
    shear: float  # horizontal, as a slope
    shift: float  # fraction of the side

    def __call__(self, images: Tensor, indices: Tensor, epoch: int, generator: torch.Generator) -> Tensor:
        """Resample every image through its own affine map (bilinear)."""
        draw = torch.rand(6, len(images), generator=generator) * 2 - 1
        angle = draw[0] * math.radians(self.degrees)
        wide, high = 1 + draw[1] * self.scale, 1 + draw[2] * self.scale
        slope = draw[3] * self.shear
        cos, sin = angle.cos(), angle.sin()
        row_x = torch.stack([cos * wide, (slope * cos - sin) * high, 2 * self.shift * draw[4]], dim=1)
        row_y = torch.stack([sin * wide, (slope * sin + cos) * high, 2 * self.shift * draw[5]], dim=1)
        grid = F.affine_grid(torch.stack([row_x, row_y], dim=1), list(images.shape), align_corners=False)
        return F.grid_sample(images, grid, align_corners=False)

"""The realism of single images: how far inside the estimated manifold of real features each of them lies.

    R(g) = max over r of radius(r) / |g - r|

Kynkäänniemi et al. 2019 (arXiv:1904.06991), section 5, with radius(r) the distance of r to its k-th nearest other real
image, k = 3. An image inside some ball has R >= 1. Half of the balls, those with the largest radii, are left out: in thin
regions a ball says little about realism. This holds for realism alone, not for precision.
"""

import torch
from torch import Tensor

from bench.errors import UserError
from bench.metrics.nearest import nearest

K = 3
ROWS = 256  # fakes per block


def realism(real: Tensor, fake: Tensor, k: int = K) -> Tensor:
    """Realism of each fake, (M,) float64, >= 0; infinite for a fake that equals a real image.

    real: features (N, D), N > k. fake: features (M, D).
    Raises UserError for fewer than k + 1 real images.
    """
    if len(real) <= k:
        raise UserError(f"realism needs more than {k} real images, got {len(real)}. Give more.")
    radii = nearest(real, k)[:, -1].sqrt()
    small = radii <= radii.quantile(0.5)
    kept, radii = real[small].double(), radii[small]
    return torch.cat([_most(part, kept, radii) for part in fake.split(ROWS)])


def _most(fake: Tensor, real: Tensor, radii: Tensor) -> Tensor:
    distances = torch.cdist(fake.double(), real, compute_mode="donot_use_mm_for_euclid_dist")
    inside = (distances == 0) & (radii == 0)  # both are copies of one image: as real as can be
    return (radii / distances).masked_fill(inside, torch.inf).max(1).values

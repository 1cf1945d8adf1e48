"""Maximum mean discrepancy with a Gaussian kernel: k(x, y) = exp(-|x - y|^2 / (2 s^2)).

Gretton et al. 2012 (JMLR 13), equations 3 and 5. The kernel is characteristic: in the limit the distance is zero for
equal distributions only, where FID compares two moments and KID three.

``mmd`` is for any network: unbiased, and s is the median distance of two real images (the median heuristic, section 8
there, on the real side alone so that the fakes cannot move the ruler). ``cmmd`` is the convention of Jayasumana et al.
2024 (arXiv:2401.09603), section 4: features of unit length on CLIP, s = 10, pairs of an image with itself included, times
1000.
"""

import numpy as np
import torch
from torch import Tensor

from bench.errors import UserError
from bench.features.features import Features
from bench.features.memoise import cached_by_identity
from bench.features.products import inner
from bench.metrics.nearest import centre_of

CHUNK = 1024  # rows of a block
MEDIAN_OF, SEED = 2000, 2020  # real images between which distances are taken for the median
CMMD_SIGMA, CMMD_SCALE = 10.0, 1000.0


def mmd(real: Features, fake: Features) -> float:
    """Unbiased squared MMD, s the median distance between real images; around zero for equal distributions, also below."""
    return squared_mmd(real.features, fake.features, median_distance(real))


def cmmd(real: Features, fake: Features) -> float:
    """1000 times the biased squared MMD of features of unit length, s = 10; in [0, 2000]."""
    x, y = (torch.nn.functional.normalize(side.features.double(), dim=1) for side in (real, fake))
    return CMMD_SCALE * squared_mmd(x, y, CMMD_SIGMA, biased=True)


@cached_by_identity
def median_distance(real: Features) -> float:
    """The median Euclidean distance of two of the images (of 2000 of them, from a fixed permutation).

    Raises UserError where it is zero, because at least half of the images are the same.
    """
    rows = torch.from_numpy(np.random.RandomState(SEED).permutation(len(real))[:MEDIAN_OF])
    found = float(torch.pdist(real.features[rows].double() - centre_of(real.features)).median())
    if found == 0:
        raise UserError(
            "MMD: most real images have equal features, so that the kernel has no width. Features that differ were "
            "expected; check the real images and the extractor."
        )
    return found


def squared_mmd(x: Tensor, y: Tensor, sigma: float, biased: bool = False) -> float:
    """Squared MMD between rows of ``x`` (N, D) and ``y`` (M, D); ``biased``: with the pairs of a row with itself.

    In float64 throughout: kernels near 1 differ in their last digits.
    """
    centre = centre_of(x)
    a, b = ((rows.double() - centre).contiguous() for rows in (x, y))
    n, m = len(a), len(b)
    if biased:
        within = (_within(a, sigma) + n) / n**2 + (_within(b, sigma) + m) / m**2
    else:
        within = _within(a, sigma) / (n * (n - 1)) + _within(b, sigma) / (m * (m - 1))
    return within - 2 * _between(a, b, sigma) / (n * m)


def _within(a: Tensor, sigma: float) -> float:
    """The kernel's sum over ordered pairs of different rows; blocks above the diagonal count twice."""
    parts = a.split(CHUNK)
    pairs = ((i, j) for i in range(len(parts)) for j in range(i, len(parts)))
    total = sum(_sum(parts[i], parts[j], sigma) * (1 if i == j else 2) for i, j in pairs)
    return total - len(a)


def _between(a: Tensor, b: Tensor, sigma: float) -> float:
    return sum(_sum(rows, columns, sigma) for rows in a.split(CHUNK) for columns in b.split(CHUNK))


def _sum(rows: Tensor, columns: Tensor, sigma: float) -> float:
    products = inner(rows, columns, out=rows.new_empty(len(rows), len(columns)))
    squared = rows.square().sum(1)[:, None] + columns.square().sum(1) - 2 * products
    if rows is columns:
        squared.fill_diagonal_(0)
    return float(squared.clamp_(min=0).mul_(-1 / (2 * sigma**2)).exp_().sum())

"""Kernel distance: the squared maximum mean discrepancy with the kernel (x.y / D + 1)^3, unbiased.

Bińkowski et al. 2018 (arXiv:1801.01401), section 4 and the estimator of equation 4. Unlike FID its expectation does not
depend on the number of samples; it is zero for equal distributions, so slightly negative values are valid.
"""

import numpy as np
import torch
from torch import Tensor

from bench.metrics.contract import Estimate, Features
from bench.metrics.products import inner

SUBSETS, SUBSET_SIZE, SEED = 100, 1000, 2020
CHUNK = 1024


def kid(real: Features, fake: Features) -> Estimate:
    """Mean over 100 random subsets of 1000 (torch-fidelity's subsets); the error is the subsets' standard deviation.

    With fewer than 1000 samples on a side the subsets have that many, and the value is flagged.
    """
    size = min(SUBSET_SIZE, len(real), len(fake))
    values = subset_distances(real.features, fake.features, SUBSETS, size, SEED)
    flags = () if size == SUBSET_SIZE else (f"KID subsets of {size} instead of {SUBSET_SIZE}",)
    return Estimate(float(values.mean()), error=float(values.std()), flags=flags)


def kid_full(real: Features, fake: Features) -> float:
    """The U-statistic over all pairs: what the subsets estimate, without their noise."""
    return squared_mmd(real.features, fake.features)


def subset_distances(real: Tensor, fake: Tensor, subsets: int, size: int, seed: int) -> np.ndarray:
    """The squared MMD of each of ``subsets`` pairs of random subsets; (subsets,) float64.

    Subsets are drawn as torch-fidelity draws them (NumPy's frozen legacy generator, fake before real), so that the
    same features give the same number in both libraries.
    """
    rng = np.random.RandomState(seed)
    values = np.empty(subsets)
    for index in range(subsets):
        drawn_fake = torch.from_numpy(rng.choice(len(fake), size, replace=False)).to(fake.device)
        drawn_real = torch.from_numpy(rng.choice(len(real), size, replace=False)).to(real.device)
        values[index] = squared_mmd(real[drawn_real], fake[drawn_fake])
    return values


def squared_mmd(x: Tensor, y: Tensor) -> float:
    """Unbiased squared MMD between rows of ``x`` (N, D) and ``y`` (M, D); N, M >= 2."""
    # The kernel is not invariant under translation, but x.y can be split so that only centred numbers are multiplied in
    # the features' own precision: x.y = (x-c).(y-c) + (x-c).c + (y-c).c + c.c. The rest is float64.
    centre = x.mean(0, dtype=torch.float64)
    first, second = _Centred(x, centre), _Centred(y, centre)
    within_x = (_within(first) - first.diagonal()) / (len(x) * (len(x) - 1))
    within_y = (_within(second) - second.diagonal()) / (len(y) * (len(y) - 1))
    return within_x + within_y - 2 * _between(first, second) / (len(x) * len(y))


class _Centred:
    """Rows x - c in the features' precision; their norms and (x - c).c in float64."""

    def __init__(self, features: Tensor, centre: Tensor):
        self.rows = torch.empty_like(features)  # (N, D)
        self.offset = features.new_empty(len(features), dtype=torch.float64)  # (N,)
        self.norms = torch.empty_like(self.offset)  # (N,)
        self.square = centre @ centre
        for part in self.parts():
            self.rows[part] = features[part] - centre
            rounded = self.rows[part].double()
            self.offset[part] = rounded @ centre
            self.norms[part] = rounded.square().sum(1)

    def parts(self) -> list[slice]:
        return [slice(start, start + CHUNK) for start in range(0, len(self.rows), CHUNK)]

    def diagonal(self) -> float:
        """Sum over i of k(x_i, x_i)."""
        inner = self.norms + 2 * self.offset + self.square
        return float((inner / self.rows.shape[1] + 1).pow(3).sum())


def _within(a: _Centred) -> float:
    """Sum over all ordered pairs of one sample: blocks above the diagonal count twice."""
    parts = a.parts()
    return sum(_block_sum(a, i, a, j) * (1 if i == j else 2) for index, i in enumerate(parts) for j in parts[index:])


def _between(a: _Centred, b: _Centred) -> float:
    """Sum over all pairs of two samples."""
    return sum(_block_sum(a, i, b, j) for i in a.parts() for j in b.parts())


def _block_sum(a: _Centred, i: slice, b: _Centred, j: slice) -> float:
    """Sum of (x.y / D + 1)^3 over the pairs of two blocks of rows, in float64."""
    rows = a.rows[i]
    width = rows.shape[1]
    base = inner(rows, rows if a is b and i == j else b.rows[j]).double().div_(width)
    base.add_((a.offset[i, None] + a.square) / width + 1).add_(b.offset[j] / width)
    return float(torch.dot(base.square().view(-1), base.view(-1)))

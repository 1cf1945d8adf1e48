"""Kernel distance: the squared maximum mean discrepancy with the kernel (x.y / D + 1)^3, unbiased.

Bińkowski et al. 2018 (arXiv:1801.01401), section 4 and the estimator of equation 4. Unlike FID its expectation does not
depend on the number of samples; it is zero for equal distributions, so slightly negative values are valid.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bench.features.features import Features
from bench.features.products import Buffer, inner
from bench.metrics.contract import Estimate
from bench.metrics.nearest import centre_of

SUBSETS, SUBSET_SIZE, SEED = 100, 1000, 2020
CHUNK = 512  # rows of a block: three buffers of a block fit the cache


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
    rng = np.random.RandomState(seed)  # its stream never changes, which is the point
    sums = _KernelSums(real, centre_of(real))
    x, y = sums.prepare(real), sums.prepare(fake)
    room_x, room_y = torch.empty_like(x.points[:size]), torch.empty_like(y.points[:size])
    values = np.empty(subsets)
    for index in range(subsets):
        drawn_fake = torch.from_numpy(rng.choice(len(fake), size, replace=False)).to(fake.device)
        drawn_real = torch.from_numpy(rng.choice(len(real), size, replace=False)).to(real.device)
        values[index] = sums.squared_mmd(x.take(drawn_real, room_x), y.take(drawn_fake, room_y))
    return values


def squared_mmd(x: Tensor, y: Tensor) -> float:
    """Unbiased squared MMD between rows of ``x`` (N, D) and ``y`` (M, D); N, M >= 2."""
    sums = _KernelSums(x, centre_of(x))
    return sums.squared_mmd(sums.prepare(x), sums.prepare(y))


@dataclass(frozen=True)
class _Rows:
    """Rows x - c in the features' precision."""

    points: Tensor  # (N, D)
    offset: Tensor  # (N,) float64: (x - c).c
    norms: Tensor  # (N,) float64: |x - c|^2

    def take(self, index: Tensor, room: Tensor) -> "_Rows":
        """Some of the rows, copied into ``room``."""
        torch.index_select(self.points, 0, index, out=room)
        return _Rows(room, self.offset[index], self.norms[index])


class _KernelSums:
    """Sums of (x.y / D + 1)^3 over pairs of rows, in float64.

    The kernel is not invariant under translation, but x.y can be split so that only centred numbers are multiplied in
    the features' own precision: x.y = (x-c).(y-c) + (x-c).c + (y-c).c + c.c. The rest is float64.
    """

    def __init__(self, like: Tensor, centre: Tensor):
        self.centre = centre
        self.width = len(centre)
        self.constant = centre @ centre + self.width  # c.c + D: what is summed is (x.y + D)^3
        self.product = Buffer(CHUNK**2, like.dtype, like.device)
        self.kernel, self.square = (Buffer(CHUNK**2, torch.float64, like.device) for _ in range(2))

    def prepare(self, features: Tensor) -> _Rows:
        """Centre the rows of ``features`` (N, D)."""
        points = torch.empty_like(features)
        offset, norms = (features.new_empty(len(features), dtype=torch.float64) for _ in range(2))
        for part in _parts(len(features)):
            points[part] = features[part] - self.centre
            rounded = points[part].double()
            offset[part] = rounded @ self.centre
            norms[part] = rounded.square().sum(1)
        return _Rows(points, offset, norms)

    def squared_mmd(self, x: _Rows, y: _Rows) -> float:
        """The unbiased estimator: the pairs of a row with itself are left out."""
        n, m = len(x.points), len(y.points)
        within = self._within(x) / (n * (n - 1)) + self._within(y) / (m * (m - 1))
        return (within - 2 * self._between(x, y) / (n * m)) / self.width**3

    def _within(self, a: _Rows) -> float:
        """Over ordered pairs of different rows of one sample: blocks above the diagonal count twice."""
        parts = _parts(len(a.points))
        pairs = ((i, j) for index, i in enumerate(parts) for j in parts[index:])
        total = sum(self._block(a, i, a, j) * (1 if i == j else 2) for i, j in pairs)
        return total - float((a.norms + 2 * a.offset + self.constant).pow(3).sum())

    def _between(self, a: _Rows, b: _Rows) -> float:
        return sum(self._block(a, i, b, j) for i in _parts(len(a.points)) for j in _parts(len(b.points)))

    def _block(self, a: _Rows, i: slice, b: _Rows, j: slice) -> float:
        rows = a.points[i]
        columns = rows if a is b and i == j else b.points[j]
        shape = len(rows), len(columns)
        kernel = self.kernel.block(*shape).copy_(inner(rows, columns, out=self.product.block(*shape)))
        kernel.add_((a.offset[i] + self.constant)[:, None]).add_(b.offset[j])
        square = torch.mul(kernel, kernel, out=self.square.block(*shape))
        return float(torch.dot(square.view(-1), kernel.view(-1)))


def _parts(count: int) -> list[slice]:
    return [slice(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]

"""Bins: how many of the cells into which k-means divides the real images get another share of the fakes.

Richardson & Weiss 2018 (arXiv:1805.12462): 100 cells (Voronoi, each filled by real images); a cell is different
when a two-proportion z test says so at 5 %. The Jensen-Shannon divergence of the two histograms stands beside it.

Theirs are cells of pixels; here they are cells of an extractor's features, so that a cell is a kind of image.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy import stats  # pyright: ignore[reportMissingTypeStubs]
from torch import Tensor

from bench.features.features import Features
from bench.features.memoise import cached_by_identity
from bench.metrics.contract import Estimate
from bench.metrics.nearest import nearest_to

BINS, LEVEL, SEED = 100, 0.05, 2020


def ndb(real: Features, fake: Features) -> Estimate:
    """Share of the cells that get significantly more or fewer fakes than real images; baseline: equal distributions.

    It grows with the number of images, because smaller differences become significant.
    """
    p, q = counts(real, fake)
    return Estimate(float(different(p, q).mean()), baseline=LEVEL)


def ndb_js(real: Features, fake: Features) -> Estimate:
    """Jensen-Shannon divergence of the histograms over the cells, nats, in [0, ln 2]; baseline: equal distributions."""
    p, q = counts(real, fake)
    return Estimate(jensen_shannon(p / p.sum(), q / q.sum()), baseline=expected_divergence(len(real), len(fake)))


def counts(real: Features, fake: Features) -> tuple[np.ndarray, np.ndarray]:
    """Real images and fakes in each cell, (K,) twice."""
    cells = _cells(real)
    return cells.counts, _filled(fake.features, cells.centres)


def different(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Which cells differ, (K,) bool, from the counts (K,) of either side: two-proportion z test, two-sided, 5 % each."""
    n, m = p.sum(), q.sum()
    pooled = (p + q) / (n + m)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    gap = np.abs(p / n - q / m)
    return gap > stats.norm.isf(LEVEL / 2) * error


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> float:
    """Of two distributions (K,), nats."""
    middle = (p + q) / 2
    return float(stats.entropy(middle) - (stats.entropy(p) + stats.entropy(q)) / 2)


def expected_divergence(real: int, fake: int, bins: int = BINS) -> float:
    """What N and M images of one distribution give: (K - 1) (1/N + 1/M) / 8 to the first order, at most ln 2.

    The divergence is 1/8 of the sum of (p - q)^2 / p there, and each difference has variance p (1 - p) (1/N + 1/M).
    """
    return min((bins - 1) * (1 / real + 1 / fake) / 8, float(np.log(2)))


@dataclass(frozen=True)
class _Cells:
    centres: Tensor  # (K, D)
    counts: np.ndarray  # (K,) float64: real images in each


@cached_by_identity
def _cells(real: Features) -> _Cells:
    """k-means on the real features, from a fixed seed; fewer cells where fewer real images differ."""
    from sklearn.cluster import KMeans

    points = real.features.double().cpu().numpy()
    count = min(BINS, len(np.unique(points, axis=0)))
    means = KMeans(count, n_init=1, random_state=SEED)  # pyright: ignore[reportArgumentType] - read off the default
    found = means.fit(points)
    centres = torch.from_numpy(found.cluster_centers_).to(real.features)
    return _Cells(centres, _filled(real.features, centres))


def _filled(features: Tensor, centres: Tensor) -> np.ndarray:
    """How many rows lie nearest to each centre, (K,) float64."""
    index = nearest_to(features, centres, 1)[1][:, 0]
    return index.bincount(minlength=len(centres)).double().cpu().numpy()

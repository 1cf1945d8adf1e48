"""FID in the limit of infinitely many fakes, by extrapolation.

Chong & Forsyth 2020 (arXiv:1911.07023), section 4: FID_N is close to linear in 1/N, with a slope that depends on the
model, so that two models compared at one N may rank the wrong way round. FID is computed at 15 sample sizes and the
line's value at 1/N = 0 is reported. The real side stays at its size and keeps its own bias.
"""

from dataclasses import replace

import numpy as np
import torch

from bench.features.features import Features
from bench.features.memoise import cached_by_identity
from bench.features.statistics import Statistics, statistics_of
from bench.metrics.contract import Estimate
from bench.metrics.fid import frechet_distance

POINTS, SEED = 15, 2020
FEWEST = 5000  # smallest subset where there are enough fakes; a tenth of them otherwise
PER_DIMENSION = 2  # images per feature dimension from which FID is close to linear in 1/N


def fid_infinity(real_statistics: Statistics, fake: Features) -> Estimate:
    """The intercept of FID over 1/N; the error is the intercept's standard error in the fit.

    The subsets overlap, so the error describes how straight the line is rather than what a new sample would give.
    """
    sizes, distances = by_size(fake, real_statistics)
    found = fit(1 / sizes, distances)
    fewest, width = int(sizes[0]), real_statistics.width
    if fewest >= PER_DIMENSION * width:
        return found
    return replace(
        found, flags=(f"subsets from {fewest} fakes on for {width} feature dimensions: FID is no line in 1/N there",)
    )


@cached_by_identity
def by_size(fake: Features, real_statistics: Statistics) -> tuple[np.ndarray, np.ndarray]:
    """Sample sizes (S,) int64, ascending to all fakes, and the FID of a random subset of each size (S,) float64."""
    count = len(fake)
    sizes = np.unique(np.linspace(smallest(count), count, POINTS).round().astype(int))
    rng = np.random.RandomState(SEED)
    distances = [_distance(real_statistics, fake, rng.permutation(count)[:size]) for size in sizes]
    return sizes, np.array(distances)


def smallest(count: int) -> int:
    """Size of the smallest of the subsets of ``count`` fakes."""
    return max(min(FEWEST, count // 10), 2)


def fit(inverse_sizes: np.ndarray, distances: np.ndarray) -> Estimate:
    """Least squares line through FID over 1/N; its value at 0 with standard error."""
    design = np.stack([np.ones_like(inverse_sizes), inverse_sizes], 1)
    inverse = np.linalg.inv(design.T @ design)
    intercept, slope = inverse @ design.T @ distances
    residuals = distances - intercept - slope * inverse_sizes
    variance = residuals @ residuals / (len(distances) - 2)
    return Estimate(float(intercept), error=float(np.sqrt(variance * inverse[0, 0])))


def _distance(real: Statistics, fake: Features, rows: np.ndarray) -> float:
    return frechet_distance(real, statistics_of(fake.features[torch.from_numpy(rows)]))

"""Is a folder like a data set: whether (two tests) and how much (distances beside what equal distributions give).

The permutation test is exact for every number of images: under one distribution every choice of the folder's images among all
is equally likely (Gretton et al. 2012, JMLR 13). Its kernel is Gaussian with the median distance between all images of both
sides, which no permutation changes. The classifier test asks Fisher's exact test, which is its permutation of labels
summed in closed form (bench.metrics.two_sample).
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bench.errors import UserError
from bench.features.features import Features
from bench.features.statistics import statistics_of
from bench.metrics.fid import frechet_distance
from bench.metrics.two_sample import c2st, c2st_p

LEVEL = 0.05
FEWEST = 10  # images on a side
MOST = 2_000  # images of a side that are looked at: all pairs of both sides are held in memory
PERMUTATIONS = 1_000
SHUFFLES = 10  # of which the Fréchet distance is taken


@dataclass(frozen=True)
class Drift:
    """What tells two sets of images apart."""

    folder: int  # images looked at
    real: int
    mmd: float  # squared, unbiased
    mmd_p: float  # in (0, 1]
    accuracy: float  # of a classifier on images it had not seen; 0.5: guessing
    accuracy_p: float  # in (0, 1]
    fid: float
    fid_null: float  # for two halves of the same pool, at these numbers of images

    @property
    def p(self) -> float:
        """Of both tests together (Bonferroni), in (0, 1]."""
        return min(1.0, 2 * min(self.mmd_p, self.accuracy_p))

    @property
    def flagged(self) -> bool:
        """Whether the two are told apart, 5 % of the time for equal distributions."""
        return self.p <= LEVEL


def drift(folder: Features, real: Features, seed: int = 0) -> Drift:
    """Compare two sets of features. Raises UserError for fewer than 10 images on a side, or features that are all equal."""
    for side, what in ((folder, "the folder"), (real, "the real images")):
        if len(side) < FEWEST:
            raise UserError(f"drift: {what} has {len(side)} images; at least {FEWEST} were expected. Give more images.")
    generator = np.random.default_rng(seed)
    x, y = (_some(side, generator) for side in (folder, real))
    pool = torch.cat([x.features, y.features]).double()
    mmd, p = permutation_test(gaussian_kernel(pool), len(x), generator)
    shuffled = [_fid(pool[torch.from_numpy(generator.permutation(len(pool)))], len(x)) for _ in range(SHUFFLES)]
    return Drift(
        folder=len(x),
        real=len(y),
        mmd=mmd,
        mmd_p=p,
        accuracy=c2st(y, x).value,
        accuracy_p=c2st_p(y, x),
        fid=_fid(pool, len(x)),
        fid_null=float(np.mean(shuffled)),
    )


def gaussian_kernel(pool: Tensor) -> Tensor:
    """exp(-|a - b|^2 / (2 s^2)) of all pairs of rows (N, D), s their median distance; (N, N) float64, the diagonal 0."""
    distances = torch.cdist(pool, pool, compute_mode="donot_use_mm_for_euclid_dist")
    above = torch.triu_indices(len(pool), len(pool), 1)
    sigma = float(distances[above[0], above[1]].median())
    if sigma == 0:
        raise UserError("drift: most images have equal features. Images that differ were expected; check both sides.")
    return distances.square_().mul_(-1 / (2 * sigma**2)).exp_().fill_diagonal_(0)


def permutation_test(kernel: Tensor, count: int, generator: np.random.Generator) -> tuple[float, float]:
    """Unbiased squared MMD of the first `count` rows against the rest, and its p in (0, 1].

    Args:
        kernel: (N, N) of all pairs, the diagonal 0.
        count: Images of the first side; N - count are of the other.
        generator: Of the permutations.
    """
    chosen = torch.zeros(PERMUTATIONS + 1, len(kernel), dtype=kernel.dtype)
    chosen[0, :count] = 1
    for row in range(1, PERMUTATIONS + 1):
        chosen[row, torch.from_numpy(generator.permutation(len(kernel))[:count])] = 1
    values = squared_mmd_of(kernel, chosen)
    reached = int((values[1:] >= values[0] - 1e-12).sum())
    return float(values[0]), (1 + reached) / (1 + PERMUTATIONS)


def squared_mmd_of(kernel: Tensor, chosen: Tensor) -> Tensor:
    """Unbiased squared MMD (P,) of the rows chosen, (P, N) of 0 and 1, against the rest. Equation 3 of Gretton et al."""
    n = chosen.sum(1)
    m = len(kernel) - n
    within = ((chosen @ kernel) * chosen).sum(1)
    of_chosen, total = chosen @ kernel.sum(1), kernel.sum()
    across, rest = of_chosen - within, total - 2 * of_chosen + within
    return within / (n * (n - 1)) + rest / (m * (m - 1)) - 2 * across / (n * m)


def _some(side: Features, generator: np.random.Generator) -> Features:
    if len(side) <= MOST:
        return Features(side.features)
    return Features(side.features[torch.from_numpy(generator.permutation(len(side))[:MOST])])


def _fid(pool: Tensor, count: int) -> float:
    return float(frechet_distance(statistics_of(pool[:count]), statistics_of(pool[count:])))

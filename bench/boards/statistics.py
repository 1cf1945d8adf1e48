"""Statistics over a handful of training seeds: short pure functions, each with its source.

Scores are compared on the scale on which their noise is additive (`bench.boards.scales`). Sums are exactly rounded
(`math.fsum`), so no machine changes a digit, and equal values leave no rounding noise: their mean is the value itself.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special  # pyright: ignore[reportMissingTypeStubs]

from bench.boards.scales import Scale

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
ALPHA = 0.05
POWER = 0.8
SEEDS_LIMIT = 1000  # beyond this many seeds nobody will run the comparison


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean; of equal values exactly that value."""
    if min(values) == max(values):
        return float(values[0])
    return math.fsum(values) / len(values)


def variance(values: Sequence[float]) -> float:
    """The unbiased sample variance; needs two values."""
    centre = mean(values)
    return math.fsum((value - centre) ** 2 for value in values) / (len(values) - 1)


def t_quantile(probability: float, df: float) -> float:
    """The quantile of Student's t with `df` degrees of freedom."""
    return float(special.stdtrit(df, probability))


def t_tail(t: float, df: float) -> float:
    """P(T > t) for Student's t with `df` degrees of freedom."""
    return float(special.stdtr(df, -t))


@dataclass(frozen=True)
class Summary:
    """One score over training seeds. `mean` and `sd` are of the raw values; the interval was made on the score's scale."""

    n: int
    mean: float
    sd: float | None  # None: one seed
    low: float | None
    high: float | None


def summary(values: Sequence[float], scale: Scale, confidence: float = CONFIDENCE) -> Summary:
    """Mean, SD and Student's t interval, the interval made on the scale and carried back.

    On the log scale it covers the geometric mean, that is the median of a log-normal score. A percentile bootstrap over
    so few seeds covers 76 % (n = 3) to 89 % (n = 10) where 95 % is claimed; see docs/protocol.md.
    """
    if len(values) < 2:
        return Summary(len(values), mean(values), None, None, None)
    low, high = t_interval([scale.forward(value) for value in values], confidence)
    low, high = _to_bounds(scale.inverse(low), scale.inverse(high), scale)
    return Summary(len(values), mean(values), math.sqrt(variance(values)), low, high)


def _to_bounds(low: float, high: float, scale: Scale) -> tuple[float, float]:
    """An end that cannot be told from the bound of a score is that bound: the scale has moved such values inwards."""
    near = scale.floor * (1 + 1e-9)
    if scale.kind != "identity" and low <= near:
        low = 0.0
    if scale.kind == "logit" and high >= 1 - near:
        high = 1.0
    return low, high


def t_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Student's t interval for the mean of at least two values (Student 1908)."""
    half = t_quantile(0.5 + confidence / 2, len(values) - 1) * math.sqrt(variance(values) / len(values))
    return mean(values) - half, mean(values) + half


@dataclass(frozen=True)
class Difference:
    """The difference of two means on the additive scale, b - a, with its standard error and degrees of freedom."""

    estimate: float
    error: float
    df: float

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """The two-sided interval."""
        half = t_quantile(0.5 + confidence / 2, self.df) * self.error
        return self.estimate - half, self.estimate + half

    def p_above(self, bound: float = 0.0) -> float:
        """The one-sided p value of "the difference is at most `bound`"; small when it is above."""
        return _p_above(self.estimate - bound, self.error, self.df)

    def p_differs(self) -> float:
        """The two-sided p value of "there is no difference"."""
        return min(1.0, 2 * _p_above(abs(self.estimate), self.error, self.df))


def _p_above(excess: float, error: float, df: float) -> float:
    if error == 0:  # no noise at all: any difference is certain
        return 0.0 if excess > 0 else 0.5 if excess == 0 else 1.0
    return t_tail(excess / error, df)


def welch(a: Sequence[float], b: Sequence[float]) -> Difference:
    """The difference b - a of two independent samples of at least two values (Welch 1947)."""
    part_a, part_b = variance(a) / len(a), variance(b) / len(b)
    spread = part_a**2 / (len(a) - 1) + part_b**2 / (len(b) - 1)
    df = (part_a + part_b) ** 2 / spread if spread else len(a) + len(b) - 2.0
    return Difference(mean(b) - mean(a), math.sqrt(part_a + part_b), df)


def paired(a: Sequence[float], b: Sequence[float]) -> Difference:
    """The mean of the differences b - a of runs that share their seed, a[i] with b[i] (Student 1908)."""
    differences = [after - before for before, after in zip(a, b, strict=True)]
    return Difference(mean(differences), math.sqrt(variance(differences) / len(differences)), len(differences) - 1.0)


def correlation(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Pearson's correlation of runs that share their seed: what pairing gains. None where one side does not vary."""
    spread = math.sqrt(variance(a) * variance(b))
    if not spread:
        return None
    mean_a, mean_b = mean(a), mean(b)
    return math.fsum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True)) / (len(a) - 1) / spread


def welch_p_matrix(samples: Sequence[Sequence[float]]) -> Floats:
    """Two-sided Welch p values of every pair of samples, (M, M); 1 where a sample has fewer than two values."""
    enough = np.array([len(sample) >= 2 for sample in samples], dtype=bool)
    centres = np.array([mean(sample) if sample else 0.0 for sample in samples])
    degrees = np.array([max(len(sample) - 1, 1) for sample in samples], dtype=float)
    parts = np.array([variance(sample) / len(sample) if len(sample) >= 2 else 0.0 for sample in samples])
    errors = np.sqrt(parts[:, None] + parts[None, :])
    spread = parts**2 / degrees
    with np.errstate(divide="ignore", invalid="ignore"):
        df = (parts[:, None] + parts[None, :]) ** 2 / (spread[:, None] + spread[None, :])
        t = np.abs(centres[:, None] - centres[None, :]) / errors
    exact = errors == 0
    p = 2 * np.asarray(special.stdtr(np.where(exact, 1.0, df), -np.where(exact, 0.0, t)), dtype=np.float64)
    p = np.where(exact, np.where(centres[:, None] == centres[None, :], 1.0, 0.0), p)
    return np.where(enough[:, None] & enough[None, :], np.minimum(p, 1.0), 1.0)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p values: rejecting those <= alpha keeps the family-wise error at alpha (Holm 1979)."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return [float(value) for value in adjusted]


@dataclass(frozen=True)
class Components:
    """Where the noise comes from: training another network, or drawing another sample from the same one."""

    training_sd: float | None  # what is left of the spread between runs once sampling noise is taken off
    sample_sd: float | None  # spread of one trained network over sample seeds


def variance_components(runs: Sequence[Sequence[float]]) -> Components:
    """One-way random-effects analysis of variance: a run's scores over sample seeds are one group (Searle et al. 1992).

    Nothing can be told apart where no run was sampled twice; the between-run part needs two runs.
    """
    repeated = [run for run in runs if len(run) >= 2]
    if not repeated:
        return Components(None, None)
    freedom = sum(len(run) - 1 for run in repeated)
    within = math.fsum(variance(run) * (len(run) - 1) for run in repeated) / freedom
    if len(runs) < 2:
        return Components(None, math.sqrt(within))
    harmonic = len(runs) / math.fsum(1 / len(run) for run in runs)
    between = variance([mean(run) for run in runs]) - within / harmonic
    return Components(math.sqrt(max(between, 0.0)), math.sqrt(within))


def pooled_sd(a: Sequence[float], b: Sequence[float]) -> float | None:
    """The common SD of two samples, from those with at least two values; None when neither has."""
    usable = [sample for sample in (a, b) if len(sample) >= 2]
    if not usable:
        return None
    freedom = sum(len(sample) - 1 for sample in usable)
    return math.sqrt(math.fsum(variance(sample) * (len(sample) - 1) for sample in usable) / freedom)


def minimum_detectable(sd: float, n_a: int, n_b: int, *, one_sided: bool = False) -> float:
    """The true difference that a t test of `n_a` against `n_b` seeds finds with 80 % power at alpha = 5 %.

    Exact, from the non-central t distribution (Cohen 1988, section 2.5); on the additive scale, like `sd`.
    """
    df = n_a + n_b - 2
    if df < 1:
        return math.inf
    critical = t_quantile(1 - ALPHA / (1 if one_sided else 2), df)
    shift = float(special.nctdtrinc(df, 1 - POWER, critical))
    return shift * sd * math.sqrt(1 / n_a + 1 / n_b)


def seeds_needed(effect: float, sd: float, *, one_sided: bool = False) -> int | None:
    """The seeds per side that find a true `effect` with 80 % power; None when more than a thousand would be needed."""
    if effect <= 0 or minimum_detectable(sd, SEEDS_LIMIT, SEEDS_LIMIT, one_sided=one_sided) > effect:
        return None
    low, high = 2, SEEDS_LIMIT
    while low < high:
        middle = (low + high) // 2
        if minimum_detectable(sd, middle, middle, one_sided=one_sided) <= effect:
            high = middle
        else:
            low = middle + 1
    return low


def probability_of_improvement(a: Sequence[float], b: Sequence[float]) -> float:
    """P(a run of `b` scores lower than a run of `a`), ties half: Mann and Whitney's U / nm (Agarwal et al. 2021, eq. A.2).

    Give +inf for a run that diverged, and negate scores of which more is better.
    """
    wins = sum((after < before) + 0.5 * (after == before) for before in a for after in b)
    return float(wins) / (len(a) * len(b))


def mann_whitney_p(a: Sequence[float], b: Sequence[float]) -> float:
    """The exact one-sided p value of "runs of `b` are not lower than runs of `a`", ties by mid-ranks (Mann, Whitney 1947).

    Counts the subsets of the doubled mid-ranks that sum to at most what `b` has: exact with ties and with +inf.
    """
    pool = sorted([*a, *b])
    rank = {value: pool.index(value) + pool.index(value) + pool.count(value) + 1 for value in set(pool)}
    ranks, observed = [rank[value] for value in pool], sum(rank[value] for value in b)
    ways: list[dict[int, int]] = [{0: 1}, *({} for _ in b)]  # subset size -> doubled rank sum -> number of subsets
    for current in ranks:
        for size in range(len(b), 0, -1):
            for total, count in ways[size - 1].items():
                ways[size][total + current] = ways[size].get(total + current, 0) + count
    below = sum(count for total, count in ways[len(b)].items() if total <= observed)
    return below / math.comb(len(pool), len(b))

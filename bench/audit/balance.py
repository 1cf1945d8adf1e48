"""How often a sampler gives each class, corrected for a classifier that errs, against how often the data has it.

A classifier with confusion C (row: the truth) calls a sampler with frequencies p as q = C^T p, so p = (C^T)^-1 q (Saerens et al.
2002, equation 2.2; for generators CLEAM, Teo et al. 2023, arXiv:2302.13319). C is measured on held-out images and q on the
samples: both err, and both errors are in every interval and test here. The frequencies of the data are those of all its
images: they are the target and have no error.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.errors import UserError

LEVEL = 0.05  # chance of any flag in an audit of a sampler that gives the data's frequencies
DRAWS = 2_000
CONDITION = 50.0  # of the confusion matrix: above, its inverse enlarges errors beyond use
LARGEST = 100  # classes


@dataclass(frozen=True)
class Share:
    """One class: its share of the samples and of the data."""

    value: str
    real: float  # share of the data
    called: float  # share of the samples as the classifier calls them
    share: float  # corrected, in [0, 1]; shares of a balance add up to 1
    low: float  # interval of `share`, simultaneous over the classes
    high: float
    p: float  # corrected for the number of classes (max-statistic) and of attributes, in (0, 1]
    verdict: str  # "under", "over", or "" where the evidence does not say


@dataclass(frozen=True)
class Balance:
    """The classes of one attribute."""

    name: str
    samples: int
    accuracy: float  # of the classifier, on held-out images
    tested: int  # so many held-out images
    shares: tuple[Share, ...]
    kl: float  # KL(samples || data), nats, add-1/2 smoothing
    kl_null: float  # its mean for a sampler that gives the data's frequencies, at this number of samples
    kl_limit: float  # 95 % of such samplers stay below
    to_real: float  # fairness discrepancy: Euclidean distance of the shares to the data's (Choi et al. 2020, arXiv:1910.12008)
    to_uniform: float  # and to equal shares

    @property
    def flagged(self) -> bool:
        """Whether any class is given too rarely or too often."""
        return any(share.verdict for share in self.shares)


def balance(
    name: str,
    values: Sequence[str],
    real: np.ndarray,
    confusion: np.ndarray,
    called: np.ndarray,
    seed: int = 0,
    attributes: int = 1,
) -> Balance:
    """The balance of the attribute `name`.

    Args:
        values: Names of its K classes.
        real: (K,) images of the data in each class.
        confusion: (K, K) held-out images by true class (row) and called class.
        called: (K,) samples by called class.
        seed: Of the draws behind intervals and tests.
        attributes: How many an audit looks at: tests and intervals are corrected for them too (Bonferroni).

    Raises:
        UserError: Fewer than 2 or more than 100 classes, sizes that do not fit, a class without held-out images, or a
            classifier that cannot tell the classes apart.
    """
    _check(name, values, real, confusion, called)
    generator = np.random.default_rng(seed)
    classes, samples = len(values), int(called.sum())
    target, observed = real / real.sum(), called / samples
    rates = (confusion + 1 / classes) / (confusion.sum(1, keepdims=True) + 1)  # posterior mean, one image as the prior
    _check_condition(name, rates)
    raw = np.linalg.solve(rates.T, observed)
    possible = _dirichlet(confusion + 1 / classes, generator)
    null = _null(target, samples, possible, rates, generator)
    p = np.minimum(1, attributes * _adjusted(raw - target, null - target))
    low, high = _interval(raw, called, possible, generator, LEVEL / attributes)
    columns = zip(values, target, observed, to_simplex(raw), low, high, p, strict=True)
    rows = tuple(
        Share(value, *map(float, numbers), verdict=_verdict(float(p[k]), raw[k] - target[k]))
        for k, (value, *numbers) in enumerate(columns)
    )
    return _summed(name, rows, confusion, real, null, samples)


def _summed(
    name: str, shares: tuple[Share, ...], confusion: np.ndarray, real: np.ndarray, null: np.ndarray, samples: int
) -> Balance:
    """The shares with the figures that sum them up; `null` (B, K) are shares of samplers that give the data's."""
    share = np.array([row.share for row in shares])
    chance = kl_divergence(np.array([to_simplex(row) for row in null]), real, samples)
    return Balance(
        name=name,
        samples=samples,
        accuracy=float(np.trace(confusion) / confusion.sum()),
        tested=int(confusion.sum()),
        shares=shares,
        kl=float(kl_divergence(share[None], real, samples)[0]),
        kl_null=float(chance.mean()),
        kl_limit=float(np.quantile(chance, 1 - LEVEL)),
        to_real=float(np.linalg.norm(share - real / real.sum())),
        to_uniform=float(np.linalg.norm(share - 1 / len(shares))),
    )


def to_simplex(values: np.ndarray) -> np.ndarray:
    """The nearest shares (K,): none negative, their sum 1 (Duchi et al. 2008, figure 1)."""
    ordered = np.sort(values)[::-1]
    excess = (np.cumsum(ordered) - 1) / np.arange(1, len(values) + 1)
    return np.maximum(values - excess[np.flatnonzero(ordered > excess)[-1]], 0)


def kl_divergence(shares: np.ndarray, real: np.ndarray, samples: int) -> np.ndarray:
    """KL(shares || data) in nats for each row of (B, K), half an image added to each class of both."""
    classes = len(real)
    p = (shares * samples + 0.5) / (samples + classes / 2)
    r = (real + 0.5) / (real.sum() + classes / 2)
    return (p * np.log(p / r)).sum(-1)


def _dirichlet(counts: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Draws of every row's probabilities, (DRAWS, ..., K)."""
    drawn = generator.standard_gamma(counts, (DRAWS, *counts.shape))
    return drawn / drawn.sum(-1, keepdims=True)


def _null(
    target: np.ndarray, samples: int, possible: np.ndarray, rates: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """Corrected shares (DRAWS, K) of samplers that give the target: the confusion is one of those possible, not the one measured."""
    expected = np.einsum("k,bkj->bj", target, possible)
    observed = generator.multinomial(samples, expected / expected.sum(1, keepdims=True)) / samples
    return np.linalg.solve(rates.T, observed.T).T


def _adjusted(found: np.ndarray, null: np.ndarray) -> np.ndarray:
    """p of each class by the largest standardised deviation of any class (Westfall & Young 1993, single step)."""
    spread = null.std(0)
    largest = np.sort((np.abs(null) / spread).max(1))
    reached = len(largest) - np.searchsorted(largest, np.abs(found) / spread - 1e-9)
    return (1 + reached) / (1 + len(largest))


def _interval(
    raw: np.ndarray, called: np.ndarray, possible: np.ndarray, generator: np.random.Generator, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Intervals that hold for all classes at once: one factor on every class's spread."""
    observed = _dirichlet(called + 1 / len(called), generator)
    drawn = np.linalg.solve(possible.transpose(0, 2, 1), observed[..., None])[..., 0]
    around = drawn - np.median(drawn, 0)
    low, high = np.quantile(drawn, (0.1587, 0.8413), axis=0)
    spread = (high - low) / 2  # of one deviation; a draw whose inverse explodes does not count for more
    factor = np.quantile((np.abs(around) / spread).max(1), 1 - level)
    return np.clip(raw - factor * spread, 0, 1), np.clip(raw + factor * spread, 0, 1)


def _verdict(p: float, difference: float) -> str:
    return "" if p > LEVEL else "over" if difference > 0 else "under"


def _check(name: str, values: Sequence[str], real: np.ndarray, confusion: np.ndarray, called: np.ndarray) -> None:
    classes = len(values)
    if not 2 <= classes <= LARGEST:
        raise UserError(f"{name}: {classes} classes; from 2 to {LARGEST} were expected. Merge or leave out classes.")
    if real.shape != (classes,) or called.shape != (classes,) or confusion.shape != (classes, classes):
        raise UserError(
            f"{name}: {classes} classes have counts of shapes {real.shape} and {called.shape} and a confusion of shape "
            f"{confusion.shape}. The classifier must know the classes of the data."
        )
    if called.sum() < 1:
        raise UserError(f"{name}: no samples. Give at least one.")
    for counts, what in ((real, "images of the data"), (confusion.sum(1), "held-out images")):
        if counts.min() < 1:
            raise UserError(
                f"{name}: class {values[int(counts.argmin())]!r} has no {what}. Give some, or leave the class out."
            )


def _check_condition(name: str, rates: np.ndarray) -> None:
    if np.linalg.cond(rates) > CONDITION:
        accuracy = float(np.diag(rates).mean())
        raise UserError(
            f"{name}: the classifier cannot tell the classes apart (mean accuracy {accuracy:.0%} on held-out images). Give "
            "another --extractor, or more labelled images."
        )

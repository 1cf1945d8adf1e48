"""Is B slower than A? Paired log-ratios of interleaved blocks, a bootstrap interval, and a noise floor that is measured.

Three lanes are timed: A, B, and A once more in a process of its own. What A seems to differ from itself by is the floor:
two processes that run the same code differ by where their memory happens to lie, and no number of rounds removes that.
A difference is claimed only when its whole interval lies beyond the floor.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.perf.rounds import block_logs

SMALLEST = math.log(1.02)  # differences below 2 % are never claimed
PRECISE = math.log(1.05)  # "no difference" is settled only where the noise is below 5 %
BLOCKS = (12, 6, 48)  # at first, more while undecided, at most
RESAMPLES = 2_000
CONFIDENCE = 0.95

Lanes = dict[str, list[list[float]]]  # "a", "b", "again" -> rounds of milliseconds
Verdict = Literal["slower", "faster", "no difference"]


@dataclass(frozen=True)
class Interval:
    """A log-ratio and its 95 % interval."""

    estimate: float
    low: float
    high: float

    @property
    def bound(self) -> float:
        """The largest size that it allows."""
        return max(abs(self.low), abs(self.high))


@dataclass(frozen=True)
class Comparison:
    """B against A."""

    lanes: Lanes
    difference: Interval  # of log time: B over A
    itself: Interval  # A over A
    settled: bool  # False: the interval crosses the floor, or the floor is too high to say "no difference"

    @property
    def floor(self) -> float:
        """Differences below it are noise."""
        return max(SMALLEST, self.itself.bound)

    @property
    def verdict(self) -> Verdict:
        """What may be claimed."""
        if self.difference.low > self.floor:
            return "slower"
        if self.difference.high < -self.floor:
            return "faster"
        return "no difference"

    @property
    def words(self) -> str:
        """The verdict in a line."""
        found = self.difference
        numbers = f"{percent(found.estimate)} [{percent(found.low)}, {percent(found.high)}] time per call"
        floor = f"noise floor {100 * math.expm1(self.floor):.1f} %"
        if self.verdict != "no difference":
            return f"{self.verdict}: {numbers}; {floor}"
        left = "" if self.settled else "; undecided when the rounds ran out, so a larger one may exist"
        return f"no difference beyond the noise: {numbers}; {floor}{left}"


def percent(log_ratio: float) -> str:
    """A log-ratio as a change in percent."""
    return f"{100 * math.expm1(log_ratio):+.1f} %"


def bootstrap(values: Sequence[float], random: np.random.Generator) -> Interval:
    """The median of block log-ratios with its percentile bootstrap interval (Efron 1979): outliers do not move it."""
    sample = np.asarray(values)
    draws = random.integers(len(sample), size=(RESAMPLES, len(sample)))
    medians = np.median(sample[draws], axis=1)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(medians, [tail, 1 - tail])
    return Interval(float(np.median(sample)), float(low), float(high))


def judge(lanes: Lanes, seed: int = 0) -> Comparison:
    """The comparison that some rounds support."""
    logs = {name: np.asarray(block_logs(rounds)) for name, rounds in lanes.items()}
    random = np.random.default_rng(seed)
    difference = bootstrap((logs["b"] - logs["a"]).tolist(), random)
    itself = bootstrap((logs["again"] - logs["a"]).tolist(), random)
    found = Comparison(lanes, difference, itself, settled=True)
    inside = difference.bound <= found.floor <= PRECISE
    return Comparison(lanes, difference, itself, settled=inside or found.verdict != "no difference")


def compare(measure: Callable[[range], Lanes], seed: int = 0) -> Comparison:
    """Measure blocks until the verdict is settled or the most have been measured."""
    first, more, most = BLOCKS
    lanes = measure(range(first))
    found = judge(lanes, seed)
    done = first
    while not found.settled and done < most:
        for name, rounds in measure(range(done, done + more)).items():
            lanes[name] = lanes[name] + rounds
        done += more
        found = judge(lanes, seed)
    return found

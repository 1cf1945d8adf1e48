"""What leaving images out does to the scores: the same number of images at every rate, from one row of candidates.

At rate r the best N of the first N / r candidates are scored, so the size of the sample, which bends FID, is the same at all
rates. At rate 1 nothing is left out: that row is the control.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from torch import Tensor

from bench.features.sample import Sample
from bench.filtering.judges import Judge
from bench.filtering.selection import best, candidates
from bench.metrics.measure import Measurement

Scorer = Callable[[Sample], Sequence[Measurement]]


@dataclass(frozen=True)
class Point:
    """The scores at one rate, of one sample seed."""

    rate: float
    seed: int
    candidates: int
    threshold: float  # the lowest score of a kept image
    scores: dict[str, float]  # metric id -> value


def points(
    images: Tensor, labels: Tensor | None, judge: Judge, rates: Sequence[float], count: int, seed: int, score: Scorer
) -> list[Point]:
    """A point for each rate. `images` (M, C, H, W) uint8 and `labels` (M,) are the candidates, at least count / min(rates)."""
    judged = judge(images, labels)
    found: list[Point] = []
    for rate in rates:
        drawn = candidates(count, rate)
        kept = best(judged[:drawn], count, None if labels is None else labels[:drawn])
        sample = Sample.of(images[kept], None if labels is None else labels[kept], name=f"kept at {rate:g}")
        scores = {item.metric: item.value for item in score(sample)}
        found.append(Point(rate, seed, drawn, float(judged[kept].min()), scores))
    return found


def rows(found: Sequence[Point]) -> list[dict[str, str | float]]:
    """A row for each rate: the mean of every metric over sample seeds, and its standard deviation where there are several."""
    made: list[dict[str, str | float]] = []
    for rate in dict.fromkeys(point.rate for point in found):
        same = [point for point in found if point.rate == rate]
        row: dict[str, str | float] = {"kept": f"{rate:.0%}", "candidates": f"{same[0].candidates:,}"}
        for metric in same[0].scores:
            values = [point.scores[metric] for point in same]
            spread = f" ± {stdev(values):.2g}" if len(values) > 1 else ""
            row[metric] = f"{fmean(values):.4g}{spread}"
        made.append(row)
    return made

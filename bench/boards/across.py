"""Aggregates over several data sets: interquartile mean, performance profile, probability of improvement.

Scores become log ratios to a baseline, so that data sets count alike. Intervals come from a hierarchical bootstrap:
data sets are drawn with replacement, then seeds within each. Pooled over many cells that is sound; over the seeds of one
cell it is not, and Student's t interval is used there (docs/protocol.md).
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.random import Generator, default_rng

from bench.boards.rows import RANKED, Board, Checkpoint
from bench.boards.statistics import CONFIDENCE, Floats, mean, probability_of_improvement
from bench.errors import UserError
from bench.formats import escape, grid, number

RESAMPLES = 2_000
THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(31))  # ratios to the baseline, 0.5 to 2.0

Runs = Sequence[Sequence[float]]  # data sets -> runs


def interquartile_mean(values: Sequence[float]) -> float:
    """The mean without the lowest and the highest quarter (Agarwal et al. 2021, section 4.3).

    `scipy.stats.trim_mean(values, 0.25)` gives the same; inside a bootstrap its checks of the arguments cost many times the mean.
    """
    ordered = sorted(values)
    cut = len(ordered) // 4
    return mean(ordered[cut : len(ordered) - cut])


def performance_profile(runs: Runs, thresholds: Sequence[float]) -> list[float]:
    """The share of runs at or below each threshold, every data set counting alike (Agarwal et al. 2021, section 4.2)."""
    return [mean([mean([float(value <= tau) for value in group]) for group in runs]) for tau in thresholds]


def resample(runs: Runs, rng: Generator) -> list[list[float]]:
    """One draw of the hierarchical bootstrap: data sets with replacement, then runs within each with replacement."""
    chosen = rng.integers(len(runs), size=len(runs))
    return [[runs[i][int(u * len(runs[i]))] for u in rng.random(len(runs[i])).tolist()] for i in chosen.tolist()]


def bootstrap(
    runs: Runs, statistics: Sequence[Callable[[Runs], float]], rng: Generator, *, resamples: int = RESAMPLES
) -> list[tuple[float, float]]:
    """Percentile intervals of statistics under the hierarchical bootstrap (Efron 1979; Davison and Hinkley 1997, 3.8)."""
    draws = [resample(runs, rng) for _ in range(resamples)]
    found: Floats = np.array([[statistic(draw) for statistic in statistics] for draw in draws])
    ends = np.quantile(found, [0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2], axis=0)
    return [(float(low), float(high)) for low, high in ends.T]


@dataclass(frozen=True)
class Standing:
    """One member over all data sets, as ratios of its score to the baseline's: below 1 is better."""

    member: str
    ratio: float  # geometric mean over data sets
    ratio_interval: tuple[float, float]
    iqm: float  # interquartile mean of the log ratios, as a ratio
    iqm_interval: tuple[float, float]
    probability: float  # that a run beats one of the baseline, mean over data sets; a diverged run loses
    profile: tuple[float, ...]  # share of runs at or below each of `THRESHOLDS`


@dataclass(frozen=True)
class Across:
    """Members that stand complete on every board, against one baseline."""

    suites: tuple[str, ...]
    baseline: str
    standings: tuple[Standing, ...]  # best first
    left_out: tuple[str, ...]  # members that are not complete on every board: nobody is averaged over fewer cells


def across(boards: Sequence[Board], baseline: str, *, checkpoint: Checkpoint = RANKED, seed: int = 0) -> Across:
    """Aggregate boards over data sets by their ranking metrics, as ratios to `baseline`.

    Raises UserError when a board lacks the baseline, or ranks by a metric that has no ratio.
    """
    tables = [_log_ratios(board, baseline, checkpoint) for board in boards]
    names = sorted({name for table in tables for name in table})
    complete = [name for name in names if all(name in table for table in tables)]
    rng = default_rng(seed)
    standings = [
        _standing(name, [table[name] for table in tables], [table[baseline] for table in tables], rng)
        for name in complete
    ]
    return Across(
        tuple(board.suite for board in boards),
        baseline,
        tuple(sorted(standings, key=lambda standing: (standing.ratio, standing.member))),
        tuple(name for name in names if name not in complete),
    )


def _log_ratios(board: Board, baseline: str, checkpoint: Checkpoint) -> dict[str, list[float]]:
    """Per member the log ratios of its runs to the baseline's geometric mean; a diverged run counts as the worst run."""
    key = (board.ranking, checkpoint)
    rows = {row.member: row for row in board.of("ranked") if key in row.cells}
    if baseline not in rows:
        raise UserError(
            f"suite {board.suite}: baseline {baseline!r} has no complete row. Complete: {', '.join(sorted(rows)) or 'none'}."
        )
    column = board.column(board.ranking)
    if column.scale.kind != "log":
        raise UserError(
            f"suite {board.suite}: {board.ranking} has no meaningful ratio, so it cannot be averaged over data sets."
        )
    losses = {name: column.losses(row.cells[key].values) for name, row in rows.items()}
    origin, worst = mean(losses[baseline]), max(value for values in losses.values() for value in values)
    filled = {name: values + [worst] * (len(rows[name].seeds) - len(values)) for name, values in losses.items()}
    return {name: [value - origin for value in values] for name, values in filled.items()}


def _geometric(runs: Runs) -> float:
    return mean([mean(group) for group in runs])


def _iqm(runs: Runs) -> float:
    return interquartile_mean([value for group in runs for value in group])


def _standing(name: str, runs: Runs, baseline: Runs, rng: Generator) -> Standing:
    (low, high), (iqm_low, iqm_high) = bootstrap(runs, [_geometric, _iqm], rng)
    logs = [math.log(ratio) for ratio in THRESHOLDS]
    chances = [probability_of_improvement(theirs, ours) for ours, theirs in zip(runs, baseline, strict=True)]
    return Standing(
        member=name,
        ratio=math.exp(_geometric(runs)),
        ratio_interval=(math.exp(low), math.exp(high)),
        iqm=math.exp(_iqm(runs)),
        iqm_interval=(math.exp(iqm_low), math.exp(iqm_high)),
        probability=mean(chances),
        profile=tuple(performance_profile(runs, logs)),
    )


def render_markdown(found: Across) -> str:
    """The aggregate as a Markdown table."""
    header = ["member", "ratio to baseline", "IQM ratio", "P(better)"]
    lines = [_line(one) for one in found.standings]
    head = [
        f"# Over {', '.join(map(escape, found.suites))}, against {escape(found.baseline)}",
        "",
        "Below 1 is better. Intervals: 95 %, hierarchical bootstrap over data sets and seeds.",
        "",
    ]
    tail = (
        [f"Not complete on every data set, so not averaged: {', '.join(map(escape, found.left_out))}."]
        if found.left_out
        else []
    )
    return "\n".join([*head, *grid(header, lines), *tail]).rstrip("\n") + "\n"


def render_json(found: Across) -> str:
    """The aggregate as JSON, profiles included."""
    content = {**asdict(found), "thresholds": THRESHOLDS, "confidence": CONFIDENCE, "resamples": RESAMPLES}
    return json.dumps(content, indent=1) + "\n"


RENDERERS = {"md": render_markdown, "json": render_json}


def _line(one: Standing) -> list[str]:
    ratio, iqm = _interval(one.ratio, one.ratio_interval), _interval(one.iqm, one.iqm_interval)
    return [escape(one.member), ratio, iqm, number(one.probability, 2)]


def _interval(value: float, ends: tuple[float, float]) -> str:
    return f"{number(value, 3)} [{number(ends[0], 3)}, {number(ends[1], 3)}]"

"""What the answers to a study say: rates or strengths, each with an interval over raters and their answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bench.human.answers import Answers, Collected
from bench.human.bradley_terry import strengths
from bench.human.study import REAL, Study

RESAMPLES = 2_000
LEVEL = 0.95
SEED = 0  # of the bootstrap: the same answers give the same intervals

Interval = tuple[float, float]


@dataclass(frozen=True)
class Row:
    """One member's result."""

    name: str
    judgements: int
    value: float  # mode "real": error rate, 0.5 where nobody can tell; mode "pair": log strength
    interval: Interval
    share: float  # mode "real": share of its pictures taken for real ones; mode "pair": share of its comparisons won
    ranks: tuple[int, int]  # from the best, as wide as the intervals of resamples leave them


@dataclass(frozen=True)
class Outcome:
    """All rows from the best, and how much they rest on."""

    study: Study
    rows: tuple[Row, ...]
    raters: int
    left_out: tuple[str, ...]


def outcome(study: Study, collected: Collected) -> Outcome:
    """Rates or strengths of a study.

    Intervals are percentiles of a bootstrap that draws raters and then answers of each: raters differ more than answers of one
    of them do. With one rater they speak of that rater alone.
    """
    tables = np.stack(
        [_table(study, answers) for answers in collected.counted]
    )  # (raters, trials, members, members + 1)
    random = np.random.default_rng(SEED)
    resamples = np.stack([_resampled(tables, random) for _ in range(RESAMPLES)])
    judge = _error_rates if study.mode == "real" else _strengths
    values, spread = judge(tables.sum((0, 1))), judge(resamples)
    low, high = np.quantile(spread, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    places = (-spread).argsort(-1).argsort(-1) + 1
    best, worst = np.quantile(places, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0, method="nearest")
    whole = tables.sum((0, 1))
    rows = [
        Row(
            name,
            round(_judged(study, whole, index)),
            float(values[index]),
            (float(low[index]), float(high[index])),
            _share(study, whole, index),
            (int(best[index]), int(worst[index])),
        )
        for index, name in enumerate(study.members)
    ]
    rows.sort(key=lambda row: (-row.value, row.name))
    return Outcome(study, tuple(rows), len(collected.counted), collected.left_out)


def _table(study: Study, answers: Answers) -> np.ndarray:
    """One rater's answers as counts (T, M + 1, M + 1), zero for catch trials: index M stands for real pictures.

    Mode "pair": [winner, loser]; a tie is half of both. Mode "real": [i, i] is a picture of i taken for real, [i, M] one taken for
    generated; real pictures are row M, taken for real at [M, M], for generated at [M, 0].
    """
    count = len(study.members)
    place = {name: index for index, name in enumerate(study.members)} | {REAL: count}
    found = np.zeros((len(study.trials), count + 1, count + 1))
    for answer in answers.answers:
        trial = study.trials[answer.trial]
        if trial.catch:
            continue
        if study.mode == "real":
            one = place[trial.shown[0]]
            taken_for_real = answer.choice == "real"
            found[answer.trial, one, one if taken_for_real else (0 if one == count else count)] = 1
            continue
        left, right = (place[name] for name in trial.shown)
        share = {"left": 1.0, "right": 0.0, "tie": 0.5}[answer.choice]
        found[answer.trial, left, right] += share
        found[answer.trial, right, left] += 1 - share
    return found


def _resampled(tables: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The sum over raters drawn with replacement, and of each over answers drawn with replacement."""
    raters, trials = tables.shape[:2]
    total = np.zeros(tables.shape[2:])
    for rater in random.integers(raters, size=raters):
        weights = np.bincount(random.integers(trials, size=trials), minlength=trials)
        total += np.tensordot(weights, tables[rater], 1)
    return total


def _error_rates(table: np.ndarray) -> np.ndarray:
    """Errors on a member's pictures and on real ones, weighed alike (HYPE-infinity: Zhou et al. 2019, arXiv:1904.01121).

    (..., M + 1, M + 1) -> (..., M).
    """
    count = table.shape[-1] - 1
    taken = np.diagonal(table, axis1=-2, axis2=-1)
    fooled = taken[..., :count] / np.maximum(taken[..., :count] + table[..., :count, count], 1)
    real, missed = taken[..., count], table[..., count, 0]
    return (fooled + (missed / np.maximum(real + missed, 1))[..., None]) / 2


def _strengths(table: np.ndarray) -> np.ndarray:
    return strengths(table[..., :-1, :-1])


def _judged(study: Study, table: np.ndarray, index: int) -> float:
    own = table[index].sum()
    return own if study.mode == "real" else own + table[:, index].sum()


def _share(study: Study, table: np.ndarray, index: int) -> float:
    good = table[index, index] if study.mode == "real" else table[index].sum()
    return float(good / max(_judged(study, table, index), 1))


def rows(found: Outcome) -> Sequence[dict[str, object]]:
    """A table for people."""
    value, share = ("Error rate", "Taken for real") if found.study.mode == "real" else ("Strength", "Won")
    return [
        {
            "Rank": "–".join(map(str, dict.fromkeys(row.ranks))),
            "Member": row.name,
            value: f"{row.value:.3f} [{row.interval[0]:.3f}, {row.interval[1]:.3f}]",
            share: f"{row.share:.0%}",
            "Judgements": row.judgements,
        }
        for row in found.rows
    ]


def summary(found: Outcome) -> Iterator[str]:
    """What the table rests on, and how to read it."""
    yield f"{found.raters} rater{'s' if found.raters > 1 else ''}; 95 % intervals over raters and their answers."
    if found.raters == 1:
        yield "One rater: the intervals speak of this person alone."
    yield from (f"left out: {line}" for line in found.left_out)
    if found.study.mode == "real":
        yield "An error rate of 0.5 means that nobody can tell; 0 that everybody can (HYPE-infinity)."
    else:
        yield "A strength is a log odds: 1 more means that people prefer it 73 times of 100. Their mean is 0."

"""A variant against baselines: effect, interval, probability of improvement and what could have been seen, in sentences.

The suite's ranking metric was declared beforehand and is judged alone; the other metrics are corrected for their number
(Holm 1979). A claim needs a variant that diverges no more often than the baseline.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from bench.boards import statistics as st
from bench.boards.rows import RANKED, Board, Checkpoint, Column, Row, ScoreSummary
from bench.boards.verdicts import units
from bench.boards.verdicts.remarks import differences, flags
from bench.errors import UserError, unknown
from bench.formats import number
from bench.records.record import Record

TARGET = 0.05  # the relative change of a score that a comparison should be able to see

Verdict = Literal["better", "worse", "identical", "cannot tell"]


@dataclass(frozen=True)
class Effect:
    """One metric of a variant against one baseline. Gains are in `unit`, positive when the variant is better."""

    metric: str
    checkpoint: Checkpoint
    variant: tuple[float, ...]  # per seed, of the runs that finished
    baseline: tuple[float, ...]
    unit: str  # "%", "points" or "" for the metric's own
    gain: float | None
    low: float | None  # 95 % interval of the gain
    high: float | None
    p: float | None  # two-sided; over several metrics Holm-adjusted
    probability: float  # that a run of the variant beats one of the baseline; a diverged run loses
    rank_p: float  # exact one-sided Mann-Whitney p of "the variant is no better"; diverged runs included
    detectable: float | None  # the smallest gain that these seeds would have shown in 4 of 5 repetitions
    needed: int | None  # seeds that would show a change of `TARGET`; None: unknown, or more than a thousand
    correlation: float | None  # between runs of the same seed, when compared in pairs
    verdict: Verdict
    words: str


@dataclass(frozen=True)
class Pair:
    """A variant against one baseline."""

    variant: str
    baseline: str
    effects: tuple[Effect, ...]  # the ranking metric first
    success: tuple[str, str]  # runs that finished, of the variant and of the baseline, e.g. "4/5"
    parameters: tuple[int, int] | None
    flags: tuple[str, ...] = ()  # what must be known of the scores: memorised, collapsed, too few samples, ...
    differs: tuple[str, ...] = ()  # parameters of one member, e.g. "width 32, not 64"

    @property
    def overall(self) -> Effect:
        """The declared metric decides."""
        return self.effects[0]


@dataclass(frozen=True)
class Comparison:
    """A variant against baselines under one protocol."""

    suite: str
    suite_version: str
    protocol_digest: str
    ranking: str
    paired: bool
    pairs: tuple[Pair, ...]


def missing(records: Iterable[Record], members: Sequence[str], seeds: Sequence[int]) -> list[tuple[str, int]]:
    """The (member, seed) cells that have no result yet and must be run first. A diverged run is a result."""
    done = {(item.member.label, item.seed) for item in records if item.status in ("ok", "diverged")}
    return [(member, seed) for member in members for seed in seeds if (member, seed) not in done]


def compare(
    board: Board, variant: str, against: Sequence[str], *, checkpoint: Checkpoint = RANKED, paired: bool = False
) -> Comparison:
    """Compare a variant with baselines on one board.

    `paired` compares runs of the same seed with each other: worth it where they correlate. Raises UserError for a member
    that is not on the board, when nothing is left to compare with, and for pairs without two shared seeds.
    """
    others = [member for member in dict.fromkeys(against) if member != variant]
    if not others:
        raise UserError(f"compare {variant}: needs another member to compare with. Give --against MEMBER.")
    row = _row(board, variant)
    pairs = [_pair(board, row, _row(board, other), checkpoint, paired) for other in others]
    return Comparison(board.suite, board.suite_version, board.protocol_digest, board.ranking, paired, tuple(pairs))


def _row(board: Board, member: str) -> Row:
    """The current row of a member; its author need not be given where only one has a member of that name."""
    rows = {row.member: row for row in board.rows if row.kind != "superseded"}
    if member not in rows:
        authored = [name for name in rows if name.startswith(f"{member} (")]
        if len(authored) == 1:
            return rows[authored[0]]
        raise unknown(f"member on the board of suite {board.suite}", member, rows)
    return rows[member]


def _pair(board: Board, variant: Row, baseline: Row, checkpoint: Checkpoint, paired: bool) -> Pair:
    both = [
        column
        for column in board.columns
        if all((column.metric, checkpoint) in row.cells for row in (variant, baseline))
    ]
    effects = [_effect(column, checkpoint, variant, baseline, paired) for column in both]
    if not effects or effects[0].metric != board.ranking:
        effects.insert(0, _nothing_to_compare(board.ranking, checkpoint, variant, baseline))
    costs = variant.cost, baseline.cost
    sizes = (
        (sum(n for _, n in costs[0].parameters), sum(n for _, n in costs[1].parameters))
        if costs[0] and costs[1]
        else None
    )
    success = _success(variant), _success(baseline)
    judged = tuple(_judged(effects, variant, baseline))
    differs = tuple(differences(variant, baseline))
    return Pair(variant.member, baseline.member, judged, success, sizes, flags(variant, baseline, checkpoint), differs)


def _ran(row: Row) -> int:
    return row.statuses["ok"] + row.statuses.get("diverged", 0)


def _success(row: Row) -> str:
    return f"{row.statuses['ok']}/{_ran(row)}"


def _nothing_to_compare(metric: str, checkpoint: Checkpoint, variant: Row, baseline: Row) -> Effect:
    idle = " and ".join(row.member for row in (variant, baseline) if (metric, checkpoint) not in row.cells)
    words = f"cannot tell: no run of {idle} has this score"
    no: tuple[float, ...] = ()
    return Effect(
        metric, checkpoint, no, no, "", None, None, None, None, 0.5, 1.0, None, None, None, "cannot tell", words
    )


def _effect(column: Column, checkpoint: Checkpoint, variant: Row, baseline: Row, paired: bool) -> Effect:
    """The numbers; the verdict follows when all metrics are known."""
    cells = variant.cells[column.metric, checkpoint], baseline.cells[column.metric, checkpoint]
    new, old = (column.losses(cell.values) for cell in cells)
    unit = units.unit(column, cells[1].values)
    ranked = [*new, *_diverged(variant)], [*old, *_diverged(baseline)]
    found, correlation = _difference(cells, old, new, column, paired)
    sd = _noise(old, new, found, paired)
    goal = unit.shift(_worse_by(column, unit.value, TARGET))
    low, high = found.interval() if found else (None, None)
    return Effect(
        metric=column.metric,
        checkpoint=checkpoint,
        variant=cells[0].values,
        baseline=cells[1].values,
        unit={"log": "%", "logit": "points", "identity": ""}[column.scale.kind],
        gain=unit.gain(st.mean(new) - st.mean(old)),
        low=None if high is None else unit.gain(high),
        high=None if low is None else unit.gain(low),
        p=found.p_differs() if found else None,
        probability=st.probability_of_improvement(ranked[1], ranked[0]),
        rank_p=st.mann_whitney_p(ranked[1], ranked[0]),
        detectable=None if sd is None else unit.size(_detectable(sd, len(old), len(new), paired)),
        needed=None if sd is None else st.seeds_needed(goal, sd),
        correlation=correlation,
        **_first_verdict(cells),
    )


def _first_verdict(cells: tuple[ScoreSummary, ScoreSummary]) -> dict[str, Any]:
    """Two rows that are equal to the last bit, seed by seed, need no test; for the others the words follow."""
    if (cells[0].seeds, cells[0].values) == (cells[1].seeds, cells[1].values):
        return {"verdict": "identical", "words": units.identical(len(cells[0].values))}
    return {"verdict": "cannot tell", "words": ""}


def _diverged(row: Row) -> list[float]:
    return [math.inf] * row.statuses.get("diverged", 0)


def _worse_by(column: Column, value: float, share: float) -> float:
    return value + abs(value) * share * (1 if column.better == "lower" else -1)


def _difference(
    cells: tuple[ScoreSummary, ScoreSummary], old: Sequence[float], new: Sequence[float], column: Column, paired: bool
) -> tuple[st.Difference | None, float | None]:
    if paired:
        variant, baseline = (dict(zip(cell.seeds, column.losses(cell.values), strict=True)) for cell in cells)
        shared = sorted(variant.keys() & baseline.keys())
        if len(shared) < 2:
            raise UserError(
                f"compare --paired: {column.metric} has {len(shared)} seeds in common, at least two are required. "
                "Run the same seeds for both, or compare without --paired."
            )
        before, after = [baseline[seed] for seed in shared], [variant[seed] for seed in shared]
        return st.paired(before, after), st.correlation(before, after)
    return (st.welch(old, new) if min(len(old), len(new)) >= 2 else None), None


def _noise(old: Sequence[float], new: Sequence[float], found: st.Difference | None, paired: bool) -> float | None:
    """The SD that a comparison of n against n seeds would have to overcome."""
    if paired and found:
        return found.error * math.sqrt((found.df + 1) / 2)  # the SD of the differences, shared out over two sides
    return st.pooled_sd(old, new)


def _detectable(sd: float, n_old: int, n_new: int, paired: bool) -> float:
    n = min(n_old, n_new)
    return st.minimum_detectable(sd, n, n) if paired else st.minimum_detectable(sd, n_old, n_new)


def _judged(effects: Sequence[Effect], variant: Row, baseline: Row) -> list[Effect]:
    """Verdicts and words: the declared metric alone, the others Holm-corrected."""
    tested = [index for index, found in enumerate(effects) if index and found.p is not None]
    adjusted = st.holm([effects[index].p or 0.0 for index in tested])
    corrected = list(effects)
    for index, p in zip(tested, adjusted, strict=True):
        corrected[index] = replace(effects[index], p=p)
    unstable = _shaky(variant, baseline)
    distrusted = _distrusted(variant, baseline)
    return [
        found if found.words else _in_words(found, unstable, distrusted, len(tested) if index else 1)
        for index, found in enumerate(corrected)
    ]


def _shaky(variant: Row, baseline: Row) -> str:
    """Why a better score is no win: the variant diverges more often."""
    rates = [1 - row.statuses["ok"] / max(_ran(row), 1) for row in (variant, baseline)]
    if rates[0] <= rates[1]:
        return ""
    ours, theirs = (f"{row.statuses.get('diverged', 0)} of {_ran(row)}" for row in (variant, baseline))
    return f"diverged in {ours} runs, {baseline.member} in {theirs}"


def _distrusted(variant: Row, baseline: Row) -> str:
    """Why no score of the two decides anything: one of them memorised, or collapsed."""
    return "; ".join(f"{row.member} is flagged: {row.warnings[0]}" for row in (variant, baseline) if row.warnings)


def _in_words(found: Effect, unstable: str, distrusted: str, metrics: int) -> Effect:
    unit = {"%": " %", "points": " points", "": ""}[found.unit]
    least = min(len(found.variant), len(found.baseline))
    runs = units.seeds(least)
    if found.gain is None or found.low is None or found.high is None or found.p is None:
        words = (
            f"cannot tell from {runs}: measured {_signed(found.gain or 0.0)}{unit}; an interval needs two seeds each"
        )
        return replace(found, words=words)
    better = found.gain > 0
    size = f"{number(abs(found.gain), 2)}{unit}"
    ends = sorted((found.low, found.high) if better else (-found.low, -found.high))
    span = f"{_plain(ends[0])} to {_plain(ends[1])}{unit}"
    claim = f"{'better' if better else 'worse'} by {size} ({span}), {runs}"
    if found.p > st.ALPHA or found.low <= 0 <= found.high:
        return replace(found, words=f"cannot tell: {_would_need(found, least, unit, metrics)} (measured: {claim})")
    if distrusted:
        return replace(found, words=f"cannot tell: {distrusted} (measured: {claim})")
    if better and unstable:
        return replace(found, words=f"cannot tell: {claim} where it finishes, but {unstable}")
    return replace(found, verdict="better" if better else "worse", words=claim)


def _would_need(found: Effect, seeds: int, unit: str, metrics: int) -> str:
    if found.low is not None and found.high is not None and not found.low <= 0 <= found.high:
        return f"not certain among {metrics} metrics"
    if found.needed is not None and found.needed <= seeds:
        return f"no difference seen, and {number(found.detectable, 2)}{unit} would have been"
    return f"would need {units.seeds(found.needed)} to see {TARGET:.0%}".replace("%", " %")


def _plain(value: float) -> str:
    return number(value, 2).replace("-", "−")


def _signed(value: float) -> str:
    return ("better by " if value >= 0 else "worse by ") + number(abs(value), 2)

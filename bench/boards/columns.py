"""The columns of a board: one list for Markdown, HTML, CSV and JSON.

A column says its title, what a row shows in it, what it is sorted by, and what programs read. Pictures beside a row are
no column.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from bench.boards.metric_names import ARROWS, MetricName, metric_name
from bench.boards.rows import CHECKPOINTS, RANKED, Board, Checkpoint, Cost, Row, ScoreSummary
from bench.formats import NONE, count, duration, exact, number

if TYPE_CHECKING:
    import pandas

Value = str | int | float | None


@dataclass(frozen=True)
class BoardColumn:
    """One column of a board."""

    key: str
    title: str
    text: Callable[[Row], str]  # for people; "—" where there is nothing
    sort: Callable[[Row], Value]  # None where there is nothing to sort by
    facts: Callable[[Row], Mapping[str, Value]]  # for programs: name -> value, the same names in every row
    better: str = ""  # "lower", "higher", or "" where neither is better
    hint: str = ""  # what it is, in full
    score: tuple[str, Checkpoint] | None = None  # the cell that it shows, where it shows one
    free: bool = False  # whether its text comes from records as it is: to be escaped


def columns(board: Board) -> tuple[BoardColumn, ...]:
    """The board's columns, in order. What would be the same or empty in every row is left out."""
    names = {metric: metric_name(metric) for metric in (board.ranking, *(column.metric for column in board.columns))}
    name = names[board.ranking].among(list(names.values()))
    better = next((column.better for column in board.columns if column.metric == board.ranking), "lower")
    ranking = (board.ranking, RANKED)
    found = [
        _rank(),
        _named("member", "Member", label),
        _score("score_last", f"{name} {ARROWS[better]}", (board.ranking, "last"), better, interval),
        _score("score_best", f"{name} at best", (board.ranking, "best"), better, interval),
        _runs(),
        _number("sd_training_seeds", "SD over training seeds", lambda row: _sd(row.cells.get(ranking)), better="lower"),
        _number(
            "sd_sample_seeds", "SD over sample seeds", lambda row: _sample_sd(row.cells.get(ranking)), better="lower"
        ),
        _cost("images", "Images", lambda cost: cost.images, lambda value: count(round(value))),
        _cost("train_seconds", "Training", lambda cost: cost.train_seconds or None, duration),
        _cost("parameters", "Parameters", lambda cost: cost.size, lambda value: count(round(value))),
    ]
    found += _sampling(board)
    found += _tuned(board)
    found += _compute(board)
    found += _metrics(board, names)
    if {row.track for row in board.rows} - {"fixed"}:  # what a reader expects without a word
        found.append(_named("track", "Track", lambda row: row.track))
    if any(row.warnings for row in board.rows):
        found.append(_named("flagged", "Flagged", lambda row: "; ".join(row.warnings)))
    return tuple(found)


def _sampling(board: Board) -> list[BoardColumn]:
    """What catalogues say: how often networks are passed, how many of their parameters a sample needs, and who helped."""
    found: list[BoardColumn] = []
    if any(row.cost and row.cost.passes not in (None, 1) for row in board.rows):
        found.append(_cost("passes", "Passes per sample", lambda cost: cost.passes, lambda value: count(round(value))))
    if any(row.cost and row.cost.inference not in (None, row.cost.size) for row in board.rows):
        found.append(
            _cost(
                "inference", "Parameters at inference", lambda cost: cost.inference, lambda value: count(round(value))
            )
        )
    if any(row.teacher for row in board.rows):
        found.append(_named("teacher", "Teacher", lambda row: row.teacher))
    if any(row.features for row in board.rows):
        found.append(_named("features", "Pretrained features", lambda row: row.features))
    return found


def _tuned(board: Board) -> list[BoardColumn]:
    """What searches for parameters cost, where there was one."""
    if not any(row.cost and row.cost.tuned_images is not None for row in board.rows):
        return []
    return [_cost("tuned_images", "Tuned images", lambda cost: cost.tuned_images, lambda value: count(round(value)))]


def _compute(board: Board) -> list[BoardColumn]:
    """What was counted: of training in the matched track, of sampling where there is a speed record."""
    found: list[BoardColumn] = []
    if any(row.cost and row.cost.flops_image is not None for row in board.rows):
        text = partial(number, digits=3)
        found.append(_cost("flops_image", "FLOPs per training image", lambda cost: cost.flops_image, text))
    if any(row.cost and row.cost.flops_sample is not None for row in board.rows):
        found.append(
            _cost("flops_sample", "FLOPs per sample", lambda cost: cost.flops_sample, lambda value: count(round(value)))
        )
        found.append(_cost("samples_per_second", "Samples/s", lambda cost: cost.samples_per_second, _rate, "higher"))
    return found


def facts(columns: Sequence[BoardColumn], row: Row, *, scores: bool = True) -> dict[str, Value]:
    """What programs read of a row: every column's values by name; without the means of scores where those follow."""
    return {
        name: value for column in columns if scores or column.score is None for name, value in column.facts(row).items()
    }


def label(row: Row) -> str:
    """The member, and which version of its source where a later one replaced it."""
    return f"{row.member} ({row.source[:8]})" if row.kind == "superseded" else row.member


def interval(cell: ScoreSummary | None, digits: int = 4) -> str:
    """``12.3 [11.8, 12.9]``: mean and 95 % interval over training seeds."""
    if cell is None:
        return NONE
    found = cell.summary
    if found.low is None:
        return number(found.mean, digits)
    return f"{number(found.mean, digits)} [{number(found.low, digits)}, {number(found.high, digits)}]"


def runs_ok(row: Row) -> str:
    """``5/5``, or ``3/5: 1 diverged, 1 missing``."""
    others = ", ".join(f"{runs} {status}" for status, runs in row.statuses.items() if status != "ok" and runs)
    return f"{row.statuses['ok']}/{sum(row.statuses.values())}" + (f": {others}" if others else "")


def _rank() -> BoardColumn:
    return BoardColumn(
        key="rank",
        title="Rank",
        text=lambda row: str(row.ranks) if row.ranks else NONE,
        sort=lambda row: row.ranks.best if row.ranks else None,
        facts=lambda row: {
            "rank_best": row.ranks.best if row.ranks else None,
            "rank_worst": row.ranks.worst if row.ranks else None,
        },
        better="lower",
        hint="the ranks that the evidence allows",
    )


def _named(key: str, title: str, of: Callable[[Row], str]) -> BoardColumn:
    return BoardColumn(key, title, lambda row: of(row) or NONE, of, lambda row: {key: of(row)}, free=True)


def _runs() -> BoardColumn:
    return BoardColumn(
        key="runs_ok",
        title="Runs ok",
        text=runs_ok,
        sort=lambda row: row.success,
        facts=lambda row: {"runs_ok": row.statuses["ok"], "runs": sum(row.statuses.values())},
        better="higher",
        hint="runs that finished, of those expected",
    )


def _number(key: str, title: str, of: Callable[[Row], float | None], better: str = "") -> BoardColumn:
    return BoardColumn(key, title, lambda row: number(of(row), 2), of, lambda row: {key: exact(of(row))}, better)


def _cost(
    key: str, title: str, of: Callable[[Cost], float | None], text: Callable[[float], str], better: str = "lower"
) -> BoardColumn:
    def value(row: Row) -> float | None:
        return of(row.cost) if row.cost else None

    def shown(row: Row) -> str:
        found = value(row)
        return NONE if found is None else text(found)

    return BoardColumn(key, title, shown, value, lambda row: {key: value(row)}, better)


def _score(
    key: str,
    title: str,
    score: tuple[str, Checkpoint],
    better: str,
    text: Callable[[ScoreSummary | None], str],
) -> BoardColumn:
    def mean(row: Row) -> float | None:
        cell = row.cells.get(score)
        return cell.summary.mean if cell else None

    return BoardColumn(
        key=key,
        title=title,
        text=lambda row: text(row.cells.get(score)),
        sort=mean,
        facts=lambda row: {key: exact(mean(row))},
        better=better,
        hint=f"{score[0]} at the {score[1]} checkpoint; {better} is better",
        score=score,
    )


def _metrics(board: Board, names: Mapping[str, MetricName]) -> list[BoardColumn]:
    """Every other metric at the last checkpoint."""
    others = [column for column in board.columns if column.metric != board.ranking]
    return [
        _score(
            column.metric,
            f"{names[column.metric].among(list(names.values()))} {ARROWS[column.better]}",
            (column.metric, RANKED),
            column.better,
            partial(_mean, digits=3),
        )
        for column in others
    ]


def _mean(cell: ScoreSummary | None, digits: int) -> str:
    return number(cell.summary.mean, digits) if cell else NONE


def _sd(cell: ScoreSummary | None) -> float | None:
    return cell.summary.sd if cell else None


def _sample_sd(cell: ScoreSummary | None) -> float | None:
    return cell.components.sample_sd if cell else None


def _rate(value: float) -> str:
    return number(value, 3)


LONG = ("seed", "metric", "version", "better", "checkpoint", "value")


def long_form(board: Board) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The head and the lines of the long form: one line per row, metric, checkpoint and seed.

    Every line begins with the facts of its row. A seed without scores has a line with None.
    """
    shown = columns(board)
    heads = [{"kind": row.kind, "source": row.source, **facts(shown, row, scores=False)} for row in board.rows]
    lines: list[tuple[Any, ...]] = []
    for row, head in zip(board.rows, heads, strict=True):
        for column in board.columns:
            for checkpoint in CHECKPOINTS:
                cell = row.cells.get((column.metric, checkpoint))
                found = dict(zip(cell.seeds, cell.values, strict=True)) if cell else {}
                about = (column.metric, column.version, column.better, checkpoint)
                lines += [(*head.values(), seed, *about, found.get(seed)) for seed in row.seeds]
    return [*(heads[0] if heads else ()), *LONG], lines


def frame(board: Board) -> "pandas.DataFrame":
    """The long form as pandas and seaborn like it."""
    import pandas as pd

    names, lines = long_form(board)
    return pd.DataFrame(lines, columns=names)

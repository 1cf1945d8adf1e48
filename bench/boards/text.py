"""Boards as text. Fixed number formats and no clock, so the same board is the same bytes everywhere."""

import csv as csv_writer
import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bench.boards.rows import CHECKPOINTS, LONG, Row, ScoreSummary, long_rows
from bench.formats import NONE, count, duration, escape, grid, number

if TYPE_CHECKING:
    from bench.boards.rows import Board


def interval(cell: ScoreSummary | None) -> str:
    """``12.3 [11.8, 12.9]``: mean and 95 % interval over training seeds."""
    if cell is None:
        return NONE
    found = cell.summary
    if found.low is None:
        return number(found.mean)
    return f"{number(found.mean)} [{number(found.low)}, {number(found.high)}]"


def markdown(board: "Board", published: Sequence[str] = ()) -> str:
    """The board for people: ranking, every metric, the lines on published scores, then what else must be known."""
    lines = [
        f"# {escape(board.suite)} {board.suite_version}",
        "",
        f"Ranked by {escape(board.ranking)} ({board.column(board.ranking).better} is better) at the last checkpoint."
        if any(column.metric == board.ranking for column in board.columns)
        else f"Ranked by {escape(board.ranking)}, which no run reports.",
        f"Mean and 95 % interval over training seeds. Protocol {board.protocol_digest[:10]}.",
        "",
        *_main(board),
        *_every_metric(board),
        *published,
        *(f"- {escape(note)}" for note in board.notes),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def _main(board: "Board") -> list[str]:
    better = board.ranking
    header = ["rank", "member", "track", "runs ok", f"{better} last", f"{better} best"]
    header += ["SD training seeds", "SD sample seeds", "images", "training", "parameters"]
    if _timed(board):
        header += ["FLOPs per sample", "samples/s"]
    lines = grid([escape(name) for name in header], [_line(board, row) for row in board.of("ranked")], left=3)
    for kind, title in (("incomplete", "Incomplete, not ranked"), ("calibration", "Calibration, never ranked")):
        if rows := board.of(kind):
            lines += [f"## {title}", ""]
            lines += grid([escape(name) for name in header], [_line(board, row) for row in rows], left=3)
    if rows := board.of("superseded"):
        lines += ["## Superseded by a later version of the member's source", ""]
        lines += grid([escape(name) for name in header], [_line(board, row) for row in rows], left=3)
    return lines


def _line(board: "Board", row: Row) -> list[str]:
    last, best = (row.cells.get((board.ranking, checkpoint)) for checkpoint in CHECKPOINTS)
    name = f"{row.member} ({row.source[:8]})" if row.kind == "superseded" else row.member
    cost = row.cost
    speed = [NONE, NONE] if cost is None else [
        NONE if cost.flops_sample is None else count(cost.flops_sample), number(cost.samples_per_second, 3),
    ]  # fmt: skip
    return [
        NONE if row.rank is None else str(row.rank),
        escape(name),
        row.track,
        runs_ok(row),
        interval(last),
        interval(best),
        number(last.summary.sd, 2) if last else NONE,
        number(last.components.sample_sd, 2) if last else NONE,
        count(cost.images) if cost else NONE,
        duration(cost.train_seconds) if cost else NONE,
        count(sum(size for _, size in cost.parameters)) if cost else NONE,
        *(speed if _timed(board) else ()),
    ]


def _timed(board: "Board") -> bool:
    """Whether speed records speak for any of its rows."""
    return any(row.cost and row.cost.flops_sample is not None for row in board.rows)


def runs_ok(row: Row) -> str:
    """``5/5``, or ``3/5: 1 diverged, 1 missing``."""
    others = ", ".join(f"{runs} {status}" for status, runs in row.statuses.items() if status != "ok" and runs)
    return f"{row.statuses['ok']}/{sum(row.statuses.values())}" + (f": {others}" if others else "")


def _every_metric(board: "Board") -> list[str]:
    shown = [row for row in board.of("ranked", "incomplete", "calibration") if row.cells]
    if not shown or len(board.columns) < 2:
        return []
    header = ["member", *(f"{column.metric} {'↓' if column.better == 'lower' else '↑'}" for column in board.columns)]
    lines = [
        [escape(row.member), *(" / ".join(_means(row, column.metric)) for column in board.columns)] for row in shown
    ]
    return ["## Every metric, last / best checkpoint", "", *grid([escape(name) for name in header], lines)]


def _means(row: Row, metric: str) -> Iterator[str]:
    for checkpoint in CHECKPOINTS:
        cell = row.cells.get((metric, checkpoint))
        yield number(cell.summary.mean) if cell else NONE


def csv(board: "Board") -> str:
    """One line per row, metric, checkpoint and seed: raw values, from which everything else can be recomputed."""
    text = io.StringIO()
    writer = csv_writer.writer(text, lineterminator="\n")
    writer.writerow(["suite", "suite_version", "protocol", *LONG])
    head = (board.suite, board.suite_version, board.protocol_digest)
    writer.writerows((*head, *("" if value is None else value for value in line)) for line in long_rows(board))
    return text.getvalue()

"""Boards as text. Fixed number formats and no clock, so the same board is the same bytes everywhere."""

import csv as csv_writer
import io
import json as json_writer
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from bench.boards.rows import CHECKPOINTS, Cell, Column, Cost, Row

if TYPE_CHECKING:
    from bench.boards.board import Board

LONG = ("rank", "kind", "member", "source", "track", "seed", "metric", "version", "better", "checkpoint", "value")
NONE = "—"
DIGITS = 6  # significant digits of what is computed; raw values are kept whole


def number(value: float | None, digits: int = 4) -> str:
    """A number for people: `digits` significant digits, no exponent between 0.0001 and a million."""
    if value is None:
        return NONE
    if not math.isfinite(value):
        return "∞" if value > 0 else "−∞" if value < 0 else NONE
    if value == 0:
        return "0"
    rounded = float(f"{value:.{digits}g}")
    exponent = math.floor(math.log10(abs(rounded)))
    if not -5 < exponent < 6:
        return f"{value:.{digits - 1}e}"
    return f"{value:.{max(digits - 1 - exponent, 0)}f}"


def exact(value: float | None) -> float | None:
    """A number for programs, rounded so that the last bits of a machine's mathematics do not show."""
    return None if value is None else float(f"{value:.{DIGITS}g}")


def duration(seconds: float | None) -> str:
    """A duration for people, e.g. ``48 s``, ``3.2 min``, ``17 h``."""
    if seconds is None:
        return NONE
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{number(seconds / size, 2)} {unit}"
    return f"{number(seconds, 2)} s"


def count(value: int) -> str:
    """A count for people, e.g. ``64,000`` or ``3.57 M``."""
    return f"{value:,}" if value < 1_000_000 else f"{number(value / 1e6, 3)} M"


def interval(cell: Cell | None) -> str:
    """``12.3 [11.8, 12.9]``: mean and 95 % interval over training seeds."""
    if cell is None:
        return NONE
    found = cell.summary
    if found.low is None:
        return number(found.mean)
    return f"{number(found.mean)} [{number(found.low)}, {number(found.high)}]"


def escape(text: str) -> str:
    """Text that cannot leave its cell of a Markdown table, nor become markup."""
    table = str.maketrans({"|": "\\|", "<": "&lt;", ">": "&gt;", "`": "\\`", "\n": " ", "\r": " "})
    return text.translate(table)


def grid(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """A Markdown table; the first `left` columns are text, the others numbers."""
    rule = [":--" if index < left else "--:" for index in range(len(header))]
    return ["| " + " | ".join(line) + " |" for line in (header, rule, *rows)] + [""]


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


def long_rows(board: "Board") -> list[tuple[Any, ...]]:
    """One tuple per row, metric, checkpoint and seed, in the order of `LONG`; a seed without scores has one with None."""
    lines: list[tuple[Any, ...]] = []
    for row in board.rows:
        head = (row.rank, row.kind, row.member, row.source, row.track)
        for column in board.columns:
            for checkpoint in CHECKPOINTS:
                cell = row.cells.get((column.metric, checkpoint))
                found = dict(zip(cell.seeds, cell.values, strict=True)) if cell else {}
                about = (column.metric, column.version, column.better, checkpoint)
                lines += [(*head, seed, *about, found.get(seed)) for seed in row.seeds]
    return lines


def csv(board: "Board") -> str:
    """One line per row, metric, checkpoint and seed: raw values, from which everything else can be recomputed."""
    text = io.StringIO()
    writer = csv_writer.writer(text, lineterminator="\n")
    writer.writerow(["suite", "suite_version", "protocol", *LONG])
    head = (board.suite, board.suite_version, board.protocol_digest)
    writer.writerows((*head, *("" if value is None else value for value in line)) for line in long_rows(board))
    return text.getvalue()


def json(board: "Board") -> str:
    """Everything the board knows."""
    return json_writer.dumps(as_dict(board), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def as_dict(board: "Board") -> dict[str, Any]:
    """The board as JSON values."""
    return {
        "suite": board.suite,
        "suite_version": board.suite_version,
        "protocol_digest": board.protocol_digest,
        "protocol": board.protocol,
        "ranking": board.ranking,
        "columns": [
            {"metric": column.metric, "version": column.version, "better": column.better, **_scale(column)}
            for column in board.columns
        ],
        "rows": [_row(row) for row in board.rows],
        "notes": list(board.notes),
    }


def _scale(column: Column) -> dict[str, Any]:
    return {"scale": column.scale.kind, "floor": column.scale.floor}


def _row(row: Row) -> dict[str, Any]:
    cost = row.cost
    return {
        "kind": row.kind,
        "rank": row.rank,
        "member": row.member,
        "source": row.source,
        "task": row.task,
        "track": row.track,
        "seeds": list(row.seeds),
        "statuses": dict(row.statuses),
        "success": exact(row.success),
        "gaps": list(row.gaps),
        "cells": [
            {"metric": metric, "checkpoint": checkpoint, **_cell(cell)}
            for (metric, checkpoint), cell in row.cells.items()
        ],
        "cost": cost and _cost(cost),
        "records": list(row.records),
    }


def _cost(cost: Cost) -> dict[str, Any]:
    """What speed records add is left out where there are none."""
    known = {"images": cost.images, "train_seconds": exact(cost.train_seconds), "parameters": dict(cost.parameters)}
    speed = {"flops_sample": cost.flops_sample, "samples_per_second": exact(cost.samples_per_second)}
    return known | {key: value for key, value in speed.items() if value is not None}


def _cell(cell: Cell) -> dict[str, Any]:
    found = cell.summary
    return {
        "values": {str(seed): value for seed, value in zip(cell.seeds, cell.values, strict=True)},
        "mean": exact(found.mean),
        "low": exact(found.low),
        "high": exact(found.high),
        "sd": exact(found.sd),
        "training_seed_sd": exact(cell.components.training_sd),
        "sample_seed_sd": exact(cell.components.sample_sd),
        "flags": list(cell.flags),
    }

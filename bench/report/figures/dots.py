"""Every seed a dot, every member its mean and interval: who is best, by how much, how sure."""

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench import formats
from bench.boards.metric_names import metric_name
from bench.boards.rows import RANKED, Board, Checkpoint, Key, Row, ScoreSummary
from bench.report.figures import marks
from bench.report.figures.drawing import Drawing, Table, metric_axis, panel, settle, short
from bench.report.frames import axis_scale
from bench.report.theme import INK, Look

MEMBERS = ("ranked", "incomplete")
ROW = 24
FIRST = 8  # members on the first screen


def seeds(board: Board, looks: Mapping[str, Look], metric: str, checkpoint: Checkpoint = RANKED) -> Drawing | None:
    """Per-seed dots with 95 % intervals of one metric, calibration rows as lines; None when there is one number in all."""
    key = (metric, checkpoint)
    rows = [row for row in board.of(*MEMBERS) if key in row.cells]
    if not rows or sum(len(row.cells[key].values) for row in [*rows, *_calibration(board, key)]) < 2:
        return None
    name = metric_name(metric)
    return Drawing(
        name=f"seeds-{metric}-{checkpoint}",
        title=f"{name.title}, every seed",
        caption=f"{_caption(board, rows, key)} {checkpoint.capitalize()} checkpoint.",
        figure=_draw(board, rows, key, looks),
        table=_table([*rows, *_calibration(board, key)], metric, checkpoint),
    )


def leaders(board: Board, looks: Mapping[str, Look]) -> Drawing | None:
    """The first ranked members with their intervals; calibration rows are lines. None when fewer than two are ranked."""
    key = (board.ranking, RANKED)
    rows = [row for row in board.of("ranked") if key in row.cells and row.member in looks][:FIRST]
    if len(rows) < 2:
        return None
    return Drawing(
        name="leaders",
        title=f"{metric_name(board.ranking).title} of the first {len(rows)}",
        caption=_caption(board, rows, key),
        figure=_draw(board, rows, key, looks),
        table=_table(rows, *key),
    )


def _calibration(board: Board, key: Key) -> list[Row]:
    return [row for row in board.of("calibration") if key in row.cells]


def _draw(board: Board, rows: Sequence[Row], key: Key, looks: Mapping[str, Look]) -> Figure:
    """A row for each member, a line for each calibration row."""
    named = [(row.member, row.cells[key].summary.mean) for row in _calibration(board, key)]
    values = [value for row in rows for value in _shown(row, key)]
    log = axis_scale(key[0]).kind == "log"
    values += marks.near(values, [value for _, value in named], log)
    cut = any((row.cells[key].summary.high or -math.inf) > max(values) for row in rows)
    figure, axes = panel(height=(76 if named else 58) + ROW * len(rows), left=168, top=26 if named else 8,
                         right=56 if cut else 14)  # fmt: skip
    metric_axis(axes, "x", key[0], values)
    settle(axes, "x", key[0], values)
    for place, row in enumerate(rows):
        _row(axes, place, row.cells[key], looks[row.member])
    _name_rows(axes, [looks[row.member].label for row in rows])
    marks.references(axes, named)
    return figure


def _row(axes: Axes, place: int, cell: ScoreSummary, look: Look) -> None:
    """One member: its interval, its seeds, the mean of several."""
    found = cell.summary
    if found.low is not None and found.high is not None:
        marks.interval(axes, place, (found.low, found.high), look.colour, look.gid)
    axes.plot(cell.values, [place] * len(cell.values), look.marker, color=look.colour, ms=5, alpha=0.75, mew=0,
              gid=look.gid, clip_on=False)  # fmt: skip
    if found.n > 1:
        axes.plot([found.mean, found.mean], [place - 0.3, place + 0.3], color=INK, lw=1.8, gid=look.gid)


def _caption(board: Board, rows: Sequence[Row], key: Key) -> str:
    """What is drawn, and nothing that is not."""
    better = board.column(key[0]).better.capitalize()
    words = [f"{better} is better. Dots: one training seed each."]
    if any(row.cells[key].summary.n > 1 for row in rows):
        words.append(
            "Tick: their mean. Bar: 95 % interval over training seeds; an arrow and a number where it goes on."
        )
    if _calibration(board, key):
        words.append("Dashed: the floor and the ceiling of the protocol, mean over seeds.")
    return " ".join(words)


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    """The first row on top, names on the left."""
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), [short(name) for name in names])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)


def _shown(row: Row, key: tuple[str, Checkpoint]) -> Sequence[float]:
    """What an axis must show: the values, and the interval unless it is many times wider than they are."""
    cell = row.cells[key]
    ends = [end for end in (cell.summary.low, cell.summary.high) if end is not None]
    width = max(cell.values) - min(cell.values)
    near = [end for end in ends if min(cell.values) - 2 * width <= end <= max(cell.values) + 2 * width]
    return [*cell.values, *near]


def _table(rows: Sequence[Row], metric: str, checkpoint: Checkpoint) -> Table:
    lines = []
    for row in rows:
        cell = row.cells[metric, checkpoint]
        raw = ", ".join(f"{seed}: {formats.number(value)}" for seed, value in zip(cell.seeds, cell.values, strict=True))
        found = cell.summary
        lines.append(
            (row.member, formats.number(found.mean), formats.number(found.low), formats.number(found.high),
             formats.number(found.sd, 2), raw)
        )  # fmt: skip
    return Table(("Member", "Mean", "Low", "High", "SD", "Seed: value"), tuple(lines))

"""Every seed a dot, every member its mean and interval: who is best, by how much, how sure."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from bench import formats
from bench.boards.metric_names import metric_name
from bench.boards.rows import RANKED, Board, Checkpoint, Row, ScoreSummary
from bench.report.figures.drawing import Drawing, Table, metric_axis, panel, short
from bench.report.theme import INK, MUTED, Look

SHOWN = ("ranked", "incomplete", "calibration")
ROW = 24
FIRST = 8  # members on the first screen


def seeds(board: Board, looks: Mapping[str, Look], metric: str, checkpoint: Checkpoint = RANKED) -> Drawing | None:
    """Per-seed dots with 95 % intervals of one metric; None when no row has it."""
    rows = [row for row in board.of(*SHOWN) if (metric, checkpoint) in row.cells]
    if not rows:
        return None
    figure, axes = panel(height=58 + ROW * len(rows), left=168, top=8)
    values = [value for row in rows for value in _shown(row, (metric, checkpoint))]
    metric_axis(axes, "x", metric, values)
    for place, row in enumerate(rows):
        _row(axes, place, row.cells[metric, checkpoint], looks[row.member])
    _name_rows(axes, rows)
    name = metric_name(metric)
    better = board.column(metric).better
    return Drawing(
        name=f"seeds-{metric}-{checkpoint}",
        title=f"{name.title}, every seed",
        caption=f"{better.capitalize()} is better. Dots: one training seed each. Tick: their mean. "
        f"Bar: 95 % interval over training seeds. {checkpoint.capitalize()} checkpoint.",
        figure=figure,
        table=_table(rows, metric, checkpoint),
    )


def leaders(board: Board, looks: Mapping[str, Look]) -> Drawing | None:
    """The first ranked members with their intervals; calibration rows are lines. None when fewer than two are ranked."""
    key = (board.ranking, RANKED)
    rows = [row for row in board.of("ranked") if key in row.cells and row.member in looks][:FIRST]
    if len(rows) < 2:
        return None
    figure, axes = panel(height=62 + ROW * len(rows), left=168, top=22)
    marks = [(row.member, row.cells[key].summary.mean) for row in board.of("calibration") if key in row.cells]
    metric_axis(
        axes, "x", board.ranking, [value for row in rows for value in _shown(row, key)] + [at for _, at in marks]
    )
    for place, row in enumerate(rows):
        _row(axes, place, row.cells[key], looks[row.member])
    for name, at in marks:
        axes.axvline(at, color=MUTED, lw=1, ls=(0, (3, 3)), zorder=0)
        axes.text(at, -0.62, short(name, 12), ha="center", va="bottom", fontsize=10, color=MUTED)
    _name_rows(axes, rows)
    name = metric_name(board.ranking)
    return Drawing(
        name="leaders",
        title=f"{name.title} of the first {len(rows)}",
        caption=f"{board.column(board.ranking).better.capitalize()} is better. Bar: 95 % interval over training seeds. Dashed: what real "
        "images, copies and a Gaussian get.",
        figure=figure,
        table=_table(rows, *key),
    )


def _row(axes: Axes, place: int, cell: ScoreSummary, look: Look) -> None:
    """One member: its interval, its seeds, its mean."""
    found = cell.summary
    if found.low is not None and found.high is not None:
        axes.plot([found.low, found.high], [place, place], color=look.colour, lw=5, alpha=0.28, gid=look.gid)
    axes.plot(
        cell.values, [place] * len(cell.values), look.marker, color=look.colour, ms=5, alpha=0.75, mew=0, gid=look.gid
    )
    axes.plot([found.mean, found.mean], [place - 0.3, place + 0.3], color=INK, lw=1.8, gid=look.gid)


def _name_rows(axes: Axes, rows: Sequence[Row]) -> None:
    """The first row on top, names on the left."""
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), [short(row.member) for row in rows])
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

"""Fidelity against diversity: precision against recall, density against coverage."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bench import formats
from bench.boards.metric_names import metric_name
from bench.boards.rows import RANKED, Board, Key, Row, ScoreSummary
from bench.report.figures import marks
from bench.report.figures.drawing import Drawing, Table, panel, plain, point_labels
from bench.report.theme import Look

SHOWN = ("ranked", "incomplete", "adopted", "variant", "calibration")
PAIRS = (("recall", "precision"), ("coverage", "density"))  # across, up


def pairs(board: Board) -> list[tuple[str, str]]:
    """The metric ids to draw against each other: of one network, against the same split."""
    ids = [column.metric for column in board.columns]
    return [
        (across + tail, up + tail)
        for across, up in PAIRS
        for tail in sorted({metric[len(up) :] for metric in ids if metric.partition("@")[0] == up})
        if across + tail in ids
    ]


def plane(board: Board, looks: Mapping[str, Look], across: str, up: str) -> Drawing | None:
    """One metric against another, means and seeds; None when there is one point in all."""
    keys: tuple[Key, Key] = ((across, RANKED), (up, RANKED))
    every = [row for row in board.of(*SHOWN) if all(key in row.cells for key in keys)]
    if sum(len(row.cells[across, RANKED].values) for row in every) < 2:
        return None
    rows = [row for row in every if row.kind != "calibration" or _near(row, every, keys)]
    beyond = [row for row in every if row not in rows]
    figure, axes = panel(right=28)
    names = metric_name(across), metric_name(up)
    axes.set_xlabel(names[0].title)
    axes.set_ylabel(names[1].title)
    points: list[tuple[float, float]] = []
    for row in reversed(rows):
        look, (x, y) = looks[row.member], [row.cells[key] for key in keys]
        axes.plot(x.values[: len(y.values)], y.values[: len(x.values)], "o", color=look.colour, ms=3, alpha=0.4, mew=0,
                  gid=look.gid, clip_on=False)  # fmt: skip
        points.append((x.summary.mean, y.summary.mean))
        axes.plot(
            [points[-1][0]], [points[-1][1]], look.marker, color=look.colour, ms=7, mew=0, gid=look.gid, clip_on=False
        )
    points.reverse()
    _limit(axes, [[value for row in rows for value in row.cells[key].values] for key in keys])
    labels = [(index, looks[row.member]) for index, row in enumerate(rows) if looks[row.member].labelled]
    point_labels(axes, points, labels)
    return Drawing(
        name=f"plane-{across}-{up}",
        title=f"{names[1].short} against {names[0].short.lower()}",
        caption="Up: more of the samples look real. Right: more of the real images are covered. "
        "Large marks: means over seeds; dots: seeds." + _elsewhere(beyond, keys),
        figure=figure,
        table=Table(
            ("Member", names[0].title, "95 % interval", names[1].title, "95 % interval"),
            tuple(
                (row.member, *(text for key in keys for text in _numbers(row.cells[key])))
                for row in every
            ),
        ),
    )  # fmt: skip


def _near(row: Row, every: Sequence[Row], keys: tuple[Key, Key]) -> bool:
    """Whether a calibration row can be drawn without squeezing the members into a corner."""
    for key in keys:
        means = [one.cells[key].summary.mean for one in every if one.kind != "calibration"]
        if not marks.near(means, [row.cells[key].summary.mean], log=False):
            return False
    return True


def _elsewhere(rows: Sequence[Row], keys: tuple[Key, Key]) -> str:
    """Where the rows lie that are beyond the axes."""
    places = [
        f"{row.member} at {' and '.join(formats.number(row.cells[key].summary.mean, 2) for key in keys)}"
        for row in rows
    ]
    return f" Beyond the axes: {', '.join(places)} (across and up)." if places else ""


def _limit(axes: Axes, values: Sequence[Sequence[float]]) -> None:
    """Both axes from the least to the greatest seed, with a little room, never below 0."""
    sides = ((axes.xaxis, axes.set_xlim, values[0]), (axes.yaxis, axes.set_ylim, values[1]))
    for axis, set_limits, of_side in sides:
        room = 0.06 * max(max(of_side) - min(of_side), 0.05)
        set_limits(max(min(of_side) - room, 0.0), max(of_side) + room)
        axis.set_major_locator(MaxNLocator(6))
        axis.set_major_formatter(FuncFormatter(plain))


def _numbers(cell: ScoreSummary) -> tuple[str, str]:
    found = cell.summary
    span = f"{formats.number(found.low)} to {formats.number(found.high)}" if found.low is not None else formats.NONE
    return formats.number(found.mean), span

"""The history of a suite: each member's score against the day of its last run, one point per version of its source."""

from collections.abc import Mapping, Sequence
from datetime import date

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bench.boards.columns import interval
from bench.boards.metric_names import metric_name
from bench.boards.rows import RANKED, Board, Row
from bench.report.figures.drawing import Drawing, Table, end_labels, metric_axis, panel
from bench.report.theme import Look

SHOWN = ("ranked", "incomplete", "flagged", "superseded")


def versions(board: Board) -> dict[str, list[Row]]:
    """Member -> its rows with a score and a day, the oldest first."""
    found: dict[str, list[Row]] = {}
    for row in board.of(*SHOWN):
        if (board.ranking, RANKED) in row.cells and row.finished:
            found.setdefault(row.member, []).append(row)
    return {
        member: sorted(rows, key=lambda row: (row.finished, row.kind != "superseded")) for member, rows in found.items()
    }


def scores(board: Board, looks: Mapping[str, Look], name: str = "history") -> Drawing | None:
    """Score against date with 95 % intervals over training seeds; None when all runs are of one day."""
    lines = versions(board)
    if len({row.finished for rows in lines.values() for row in rows}) < 2:
        return None
    figure, axes = panel(width=900, height=400, right=180)
    values = [value for rows in lines.values() for row in rows for value in _extent(board, row)]
    metric_axis(axes, "y", board.ranking, values)
    ends = {member: _draw(axes, board, lines[member], looks[member]) for member in reversed(list(lines))}
    days = [_day(row) for rows in lines.values() for row in rows]
    room = max((max(days) - min(days)) * 0.05, 1)
    axes.set_xlim(min(days) - room, max(days) + room)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda day, _: date.fromordinal(round(day)).isoformat()))
    end_labels(axes, {member: ends[member] for member in lines}, looks)
    return Drawing(
        name=name,
        title=f"{metric_name(board.ranking).title} against date",
        caption="Each mark: one version of a member’s source, on the day of its last run. Bar: 95 % interval over training seeds.",
        figure=figure,
        table=_table(board, lines),
    )


def _draw(axes: Axes, board: Board, rows: Sequence[Row], look: Look) -> tuple[float, float]:
    """One member; returns where its line ends."""
    days = [_day(row) for row in rows]
    means = [row.cells[board.ranking, RANKED].summary.mean for row in rows]
    for row, day in zip(rows, days, strict=True):
        low, *_, high = _extent(board, row)
        axes.plot([day, day], [low, high], color=look.colour, lw=3, alpha=0.28, gid=look.gid, solid_capstyle="butt")
    axes.plot(days, means, color=look.colour, ls=look.dash, lw=1.4, gid=look.gid)
    axes.plot(days, means, look.marker, color=look.colour, ms=6, mew=0, gid=look.gid)
    return days[-1], means[-1]


def _extent(board: Board, row: Row) -> tuple[float, ...]:
    """The ends of the interval, or of the seeds where there is no interval."""
    cell = row.cells[board.ranking, RANKED]
    if cell.summary.low is None or cell.summary.high is None:
        return min(cell.values), max(cell.values)
    return cell.summary.low, cell.summary.high


def _day(row: Row) -> float:
    return float(date.fromisoformat(row.finished).toordinal())


def _table(board: Board, lines: Mapping[str, Sequence[Row]]) -> Table:
    name = metric_name(board.ranking).title
    rows = tuple(
        (
            member,
            row.finished,
            row.source[:10],
            ", ".join(one[:10] for one in row.revisions),
            interval(row.cells[board.ranking, RANKED]),
        )
        for member, rows in lines.items()
        for row in rows
    )
    return Table(("Member", "Date", "Source", "Commits", f"{name} [95 % interval]"), rows)

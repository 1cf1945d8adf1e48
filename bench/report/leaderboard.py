"""The leaderboard as the page shows it: numbers with an interval bar in the cell, ordered groups of rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench import formats
from bench.boards import published as references
from bench.boards.columns import BoardColumn
from bench.boards.rows import RANKED, Board, Column, Row, ScoreSummary
from bench.boards.text import TITLES

BAR = 100.0  # width of a bar's drawing; its height is 12


@dataclass(frozen=True)
class Bar:
    """An interval in a cell, in units of the bar's width; None where the value lies outside what is shown."""

    low: float | None
    high: float | None
    mean: float
    seeds: tuple[float, ...]
    open_low: bool  # the interval goes on beyond the left edge
    open_high: bool


@dataclass(frozen=True)
class Cell:
    """One cell: what the board's column says of a row."""

    column: BoardColumn
    text: str  # of a score: its mean
    interval: str  # of a score: "low to high", or ""
    sort: str  # "" where there is nothing to sort by
    bar: Bar | None
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Line:
    """One row of the leaderboard."""

    index: int
    row: Row
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Group:
    """Rows that belong together."""

    kind: str
    title: str
    lines: tuple[Line, ...]


def groups(board: Board, shown: Sequence[BoardColumn], places: Mapping[str, int]) -> tuple[Group, ...]:
    """The rows by kind; `places` number the members as everywhere on the page."""
    spans = {column.metric: _span(board, column) for column in board.columns}
    return tuple(
        Group(
            kind,
            title,
            tuple(
                Line(places[row.member], row, tuple(_cell(column, row, spans) for column in shown))
                for row in board.of(kind)
            ),
        )
        for kind, title in TITLES.items()
        if board.of(kind)
    )


def _cell(column: BoardColumn, row: Row, spans: Mapping[str, "Span"]) -> Cell:
    value = column.sort(row)
    sort = "" if value is None else f"{value:.9g}" if isinstance(value, float) else str(value)
    score = row.cells.get(column.score) if column.score else None
    if column.score is None or score is None:
        return Cell(column, column.text(row), "", sort, None, ())
    digits = 4 if column.score[0] != column.key else 3  # the metric that ranks is shown more exactly
    ends = [formats.number(end, digits) for end in (score.summary.low, score.summary.high) if end is not None]
    mean = formats.number(score.summary.mean, digits)
    return Cell(column, mean, " to ".join(ends), sort, _bar(score, spans[column.score[0]]), score.flags)


@dataclass(frozen=True)
class Span:
    """What the bars of a column show: from `low` to `high` on the scale where the metric's noise is additive."""

    column: Column
    low: float
    high: float

    def place(self, value: float) -> float:
        """The position of a value, clamped to the bar and to a hundredth."""
        inside = (self.column.scale.forward(value) - self.low) / (self.high - self.low)
        return round(min(max(inside, 0.0), 1.0) * BAR, 2)

    def beyond(self, value: float) -> tuple[bool, bool]:
        """Whether a value lies left of the bar, and right of it."""
        where = self.column.scale.forward(value)
        return where < self.low - 1e-9, where > self.high + 1e-9


def _span(board: Board, column: Column) -> Span:
    """From the least to the greatest seed of the shown rows, with a little room; intervals may run over the edge."""
    forward = column.scale.forward
    values = [
        forward(value)
        for row in board.rows
        if (column.metric, RANKED) in row.cells
        for value in row.cells[column.metric, RANKED].values
    ]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    room = (high - low) * 0.06 or max(abs(low) * 0.05, 1e-9)
    return Span(column, low - room, high + room)


def _bar(cell: ScoreSummary, span: Span) -> Bar:
    low, high = cell.summary.low, cell.summary.high
    return Bar(
        low=None if low is None else span.place(low),
        high=None if high is None else span.place(high),
        mean=span.place(cell.summary.mean),
        seeds=tuple(span.place(value) for value in cell.values),
        open_low=low is not None and span.beyond(low)[0],
        open_high=high is not None and span.beyond(high)[1],
    )


@dataclass(frozen=True)
class Published:
    """A score that somebody else reported."""

    member: str
    model: str
    scores: str
    source: str
    address: str
    read: str
    comparable: str
    note: str


def published(board: Board) -> tuple[Published, ...]:
    """What others report for the board's members on its data set, with the reason why it is not comparable."""
    return tuple(
        Published(
            member=one.reference.member or formats.NONE,
            model=one.reference.model + ("" if one.reference.verified else " (unverified)"),
            scores=references.scores(one.reference),
            source=one.reference.source.title,
            address=one.reference.source.address,
            read=one.reference.source.read,
            comparable=references.reason(one),
            note=one.reference.note,
        )
        for one in references.beside(board)
    )

"""The leaderboard as the page shows it: numbers with an interval bar in the cell, ordered groups of rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench import formats
from bench.boards import published as references
from bench.boards import text as tables
from bench.boards.rows import RANKED, Board, Column, Row, ScoreSummary
from bench.report.frames import MetricName, metric_name

BAR = 100.0  # width of a bar's drawing; its height is 12
TITLES = {
    "ranked": "Ranked",
    "incomplete": "Incomplete: not ranked, never averaged over fewer runs",
    "calibration": "Calibration: the floor and the ceiling of this protocol, never ranked",
    "superseded": "Superseded by a later version of the member's source",
}


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
class Number:
    """One cell."""

    text: str  # the mean
    interval: str  # "low to high", or ""
    sort: str  # for sorting: the mean, or "" for none
    bar: Bar | None
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Head:
    """The head of a metric's column."""

    name: MetricName
    metric: str
    note: str  # what tells it from a column of the same name: the network, "held-out"
    arrow: str
    better: str


@dataclass(frozen=True)
class Line:
    """One row of the leaderboard."""

    index: int
    row: Row
    last: Number  # the ranking metric where the budget ended
    best: Number  # the ranking metric at the best checkpoint
    numbers: tuple[Number, ...]  # the other metrics where the budget ended, as the heads
    runs: str
    seconds: float | None
    images: int | None
    parameters: int | None

    @property
    def time(self) -> str:
        """Mean training time of a run."""
        return formats.duration(self.seconds)

    @property
    def size(self) -> str:
        """Trainable parameters of all players."""
        return formats.count(self.parameters) if self.parameters is not None else formats.NONE


@dataclass(frozen=True)
class Group:
    """Rows that belong together."""

    kind: str
    title: str
    lines: tuple[Line, ...]


def heads(board: Board) -> tuple[Head, ...]:
    """One head per metric, the ranking one first, whether a run reports it or not."""
    columns = {column.metric: column.better for column in board.columns}
    better = columns.pop(board.ranking, "lower")
    found = [(metric_name(metric), metric, which) for metric, which in [(board.ranking, better), *columns.items()]]
    several = len({name.network for name, _, _ in found if name.network}) > 1
    return tuple(
        Head(name, metric, _note(name, several), "↓" if which == "lower" else "↑", which)
        for name, metric, which in found
    )


def _note(name: MetricName, several: bool) -> str:
    return ", ".join(part for part in (name.network if several else "", "held-out" if name.held_out else "") if part)


def groups(board: Board, places: Mapping[str, int]) -> tuple[Group, ...]:
    """The rows by kind; `places` number the members as everywhere on the page."""
    scales = {column.metric: _span(board, column) for column in board.columns}
    return tuple(
        Group(kind, TITLES[kind], tuple(_line(board, row, places[row.member], scales) for row in board.of(kind)))
        for kind in TITLES
        if board.of(kind)
    )


def _line(board: Board, row: Row, index: int, spans: Mapping[str, "Span"]) -> Line:
    cost = row.cost
    return Line(
        index=index,
        row=row,
        last=_number(row.cells.get((board.ranking, RANKED)), spans.get(board.ranking), 4),
        best=_number(row.cells.get((board.ranking, "best")), spans.get(board.ranking), 4),
        numbers=tuple(
            _number(row.cells.get((column.metric, RANKED)), spans[column.metric], 3)
            for column in board.columns
            if column.metric != board.ranking
        ),
        runs=tables.runs_ok(row),
        seconds=cost.train_seconds or None if cost else None,  # a calibration row trains nothing
        images=cost.images if cost else None,
        parameters=sum(size for _, size in cost.parameters) or None if cost else None,
    )


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


def _number(cell: ScoreSummary | None, span: Span | None, digits: int) -> Number:
    if cell is None or span is None:
        return Number(formats.NONE, "", "", None, ())
    found = cell.summary
    ends = [formats.number(end, digits) for end in (found.low, found.high) if end is not None]
    return Number(
        formats.number(found.mean, digits), " to ".join(ends), f"{found.mean:.9g}", _bar(cell, span), cell.flags
    )


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


def verdict(board: Board) -> str:
    """What can be claimed, in one sentence or two."""
    ranked = board.of("ranked")
    if not ranked:
        return "Nothing can be ranked yet: no member has finished all its runs."
    seeds = min(len(row.seeds) for row in ranked)
    leaders = [row for row in ranked if row.rank == 1]
    if len(ranked) == 1:
        return f"{ranked[0].member} is the only member with all its runs; there is nothing to compare it with."
    if seeds < 2:
        return f"{ranked[0].member} scores best, on a single seed: the order of the rows may be luck."
    if len(leaders) == len(ranked):
        both = "both members" if len(ranked) == 2 else f"all {len(ranked)} members"
        return f"No winner: {both} are inside each other's noise with {seeds} seeds."
    if len(leaders) > 1:
        return f"{_listed([row.member for row in leaders])} lead; their difference is inside the noise."
    return _single(board, ranked[0], ranked[1])


def _single(board: Board, first: Row, second: Row) -> str:
    """The sentence for one leader, whose difference from the next row is proven."""
    column = board.column(board.ranking)
    means = [row.cells[board.ranking, RANKED].summary.mean for row in (first, second)]
    if column.scale.kind != "log" or min(means) <= 0:
        return f"{first.member} leads, ahead of {second.member} by more than the noise."
    percent = formats.number(abs(1 - means[0] / means[1]) * 100, 2)
    word = "lower" if column.better == "lower" else "higher"
    name = metric_name(board.ranking).short
    return f"{first.member} leads: {name} {percent} % {word} than {second.member}’s, a difference beyond the noise."


def _listed(names: Sequence[str], most: int = 4) -> str:
    shown, rest = list(names[:most]), len(names) - most
    if rest > 0:
        return f"{', '.join(shown)} and {rest} more"
    return f"{', '.join(shown[:-1])} and {shown[-1]}" if len(shown) > 1 else shown[0]

"""The index over suites: what each is about, who leads, and every member on every data set at a glance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.boards import headline
from bench.boards.metric_names import metric_name
from bench.boards.rows import RANKED, Board, Row
from bench.boards.short_names import shortened
from bench.report import links, page
from bench.report.figures.drawing import Drawing
from bench.report.figures.heat import LEGEND, Square, goodness, squares
from bench.report.shown import show
from bench.report.theme import house_style


@dataclass(frozen=True)
class Card:
    """One suite."""

    suite: str
    version: str
    link: str
    data: str
    verdict: str
    members: int
    seeds: int
    runs: str


def build(boards: Sequence[Board]) -> str:
    """The page as HTML."""
    with house_style():
        figures = show([matrix(boards)] if len(boards) > 1 else [])
    return page.render("index.html", cards=[_card(board) for board in boards], figures=figures)


def _card(board: Board) -> Card:
    rows = board.of("ranked", "flagged", "incomplete")
    ok = sum(row.statuses["ok"] for row in rows)
    return Card(
        suite=board.suite,
        version=board.suite_version,
        link=f"{links.slug(board.suite)}.html",
        data=str(board.protocol.get("data", {}).get("name", "")),
        verdict=headline.verdict(shortened(board)),
        members=len(rows),
        seeds=len({seed for row in rows for seed in row.seeds}),
        runs=f"{ok}/{sum(sum(row.statuses.values()) for row in rows)}",
    )


def matrix(boards: Sequence[Board]) -> Drawing:
    """Members x suites: the ranking metric of each suite, coloured from the worst to the best of its column."""
    columns = {f"{board.suite} {metric_name(board.ranking).short}": _column(shortened(board)) for board in boards}
    members = sorted(
        {member for column in columns.values() for member in column}, key=lambda name: _standing(name, columns)
    )
    grid = {member: [column.get(member, Square(status="")) for column in columns.values()] for member in members}
    caption = f"The ranking metric of each suite; colours compare within a column, stronger is better. {LEGEND}"
    return squares("matrix", "Every member on every data set", caption, list(columns), grid)


def _standing(member: str, columns: Mapping[str, Mapping[str, Square]]) -> tuple[float, str]:
    """Members by their mean goodness over the suites that ranked them; the others last."""
    found = [
        column[member].good for column in columns.values() if member in column and column[member].value is not None
    ]
    return (-sum(found) / len(found) if found else 1.0), member


def _column(board: Board) -> dict[str, Square]:
    rows = board.of("ranked", "flagged", "incomplete")
    key = (board.ranking, RANKED)
    means = {row.member: row.cells[key].summary.mean for row in rows if key in row.cells}
    column = next((column for column in board.columns if column.metric == board.ranking), None)
    good = (
        goodness(list(means.values()), column) if len(means) > 1 else dict.fromkeys(means.values(), 0.0)
    )  # one alone is not best
    return {
        row.member: Square(means[row.member], good[means[row.member]])
        if row.member in means
        else Square(status=_status(row))
        for row in rows
    }


def _status(row: Row) -> str:
    """Why a row has no score: how most of its runs ended."""
    ended = {status: count for status, count in row.statuses.items() if status != "ok" and count}
    return max(sorted(ended), key=ended.__getitem__) if ended else "missing"

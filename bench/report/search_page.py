"""A search over suites and members: one table, narrowed as one types."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.boards import headline
from bench.boards.rows import Board
from bench.boards.short_names import short_names
from bench.report import links, page, suite_page

FILE = "search.html"


@dataclass(frozen=True)
class Hit:
    """A member in a suite."""

    member: str
    suite: str
    version: str
    link: str
    home: str
    kind: str
    ranks: str
    score: str
    data: str


def build(every: Sequence[Board]) -> str:
    """The page as HTML."""
    return page.render("search.html", hits=[hit for board in every for hit in _hits(board)], suites=len(every))


def _hits(board: Board) -> list[Hit]:
    names = short_names(board)
    return [
        Hit(
            member=names[row.member],
            suite=board.suite,
            version=board.suite_version,
            link=suite_page.member_page(board.suite, row.member) if row.records else "",
            home=f"{links.slug(board.suite)}.html",
            kind=row.kind,
            ranks=str(row.ranks) if row.ranks else "",
            score=headline.score(board, row),
            data=str(board.protocol.get("data", {}).get("name", "")),
        )
        for row in board.rows
        if row.kind != "superseded"
    ]

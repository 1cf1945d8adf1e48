"""The history of a suite as a page: a figure for each protocol that it has had."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.boards import board as boards
from bench.boards.rows import Board
from bench.records.record import Record
from bench.report import links, page, suite_page
from bench.report.figures import history
from bench.report.shown import InlineFigure, show
from bench.report.theme import house_style


@dataclass(frozen=True)
class Other:
    """The suite under another protocol: an earlier version of it."""

    version: str
    protocol: str
    figures: tuple[InlineFigure, ...]


def file_name(suite: str) -> str:
    """``<suite>.history.html``."""
    return f"{links.slug(suite)}.history.html"


def build(board: Board, records: Sequence[Record]) -> str:
    """The page as HTML; `records` are all of the suite's."""
    digests = sorted({record.protocol_digest for record in records} - {board.protocol_digest})
    others = [boards.build(records, protocol=digest) for digest in digests]
    return page.render(
        "history.html",
        board=board,
        figures=_figures(board, "now"),
        earlier=[
            Other(one.suite_version, one.protocol_digest[:10], _figures(one, one.protocol_digest[:10]))
            for one in others
        ],
        home=f"{links.slug(board.suite)}.html",
    )


def _figures(board: Board, name: str) -> tuple[InlineFigure, ...]:
    with house_style():
        drawing = history.scores(board, suite_page.member_looks(board), f"history-{name}")
        return show([drawing] if drawing else [])

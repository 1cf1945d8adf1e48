"""The raw scores to download: inside the page, or, where they would make it heavy, the file beside it."""

import base64
import csv
import io
from collections.abc import Sequence

from bench.boards import render
from bench.boards.rows import Board
from bench.formats import spreadsheet
from bench.report import links

INSIDE = 300_000  # bytes of CSV that a page carries itself


def href(board: Board) -> str:
    """Where the board's CSV is, one line per seed: a data URI, or the name of the file that a report writes beside the page."""
    content = render.render(board, "csv").encode()
    if len(content) > INSIDE:
        return f"{links.slug(board.suite)}.csv"
    return "data:text/csv;base64," + base64.b64encode(content).decode()


def of_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as CSV; text that a spreadsheet would take for a formula is made harmless."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([map(_cell, line) for line in (header, *rows)])
    return text.getvalue()


def _cell(text: str) -> object:
    """A cell: a negative number is a number, whatever else begins like a formula is text."""
    try:
        float(text)
    except ValueError:
        return spreadsheet(text)
    return text

"""The raw scores to download: inside the page, or, where they would make it heavy, the file beside it."""

import base64

from bench.boards import render
from bench.boards.rows import Board
from bench.report import links

INSIDE = 300_000  # bytes of CSV that a page carries itself


def href(board: Board) -> str:
    """Where the board's CSV is, one line per seed: a data URI, or the name of the file that a report writes beside the page."""
    content = render.render(board, "csv").encode()
    if len(content) > INSIDE:
        return f"{links.slug(board.suite)}.csv"
    return "data:text/csv;base64," + base64.b64encode(content).decode()

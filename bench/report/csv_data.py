"""The raw scores as a file inside the page."""

import base64

from bench.boards import render
from bench.boards.rows import Board


def uri(board: Board) -> str:
    """The board's CSV, one line per seed, as a data URI to download."""
    return "data:text/csv;base64," + base64.b64encode(render.render(board, "csv").encode()).decode()

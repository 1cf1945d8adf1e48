"""The raw scores as a file inside the page."""

import base64

from bench.boards import board as boards
from bench.boards.board import Board


def uri(board: Board) -> str:
    """The board's CSV, one line per seed, as a data URI to download."""
    return "data:text/csv;base64," + base64.b64encode(boards.render(board, "csv").encode()).decode()

"""How much of a large board is drawn: pages stay readable, quick to make and small however many members there are.

Tables, texts and files always hold everything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bench.boards.rows import Board
from bench.records.record import Record
from bench.report.theme import Look

DRAWN = 50  # members of a board that are drawn: the first in its order
CONTEXT = 24  # other members behind a member's own curve
PICTURES = 1_500_000  # bytes of base64 in a member's page
PICTURES_OF_ALL = 120_000_000  # in the pages of all members of a suite


def drawn(board: Board) -> Board:
    """The board's first members, for figures."""
    if len({row.member for row in board.rows}) <= DRAWN:
        return board
    members = list(dict.fromkeys(row.member for row in board.rows))[:DRAWN]
    return replace(board, rows=tuple(row for row in board.rows if row.member in members))


def note(board: Board) -> str:
    """What a page must say where not every member is drawn; "" where all are."""
    members = len({row.member for row in board.rows})
    if members <= DRAWN:
        return ""
    return f"Figures and pictures show the first {DRAWN} of {members} members of the board; tables and files hold all of them."


def looks_of(looks: Mapping[str, Look], board: Board) -> dict[str, Look]:
    """The looks of the members that are drawn."""
    members = {row.member for row in drawn(board).rows}
    return {member: look for member, look in looks.items() if member in members}


def records_of(records: Sequence[Record], board: Board) -> list[Record]:
    """The records of the members that are drawn."""
    members = {row.member for row in drawn(board).rows}
    return [record for record in records if record.member.label in members]


def pictures_in_a_page(board: Board) -> int:
    """The bytes of pictures that a member's page may hold."""
    return min(PICTURES, PICTURES_OF_ALL // max(len({row.member for row in board.rows}), 1))

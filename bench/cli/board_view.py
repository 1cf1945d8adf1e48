"""A board on a terminal: the columns that fit, in the board's own order, under what can be claimed."""

import shutil
from collections.abc import Mapping, Sequence

import typer

from bench.boards import headline
from bench.boards.columns import BoardColumn, columns
from bench.boards.rows import Board, Row
from bench.boards.short_names import shared_words, shortened
from bench.boards.text import TITLES, remarks, rules
from bench.cli.output import GAP, table
from bench.formats import indented, plain


def show(board: Board) -> None:
    """Print the board for a person at a terminal. Markdown, HTML and JSON have every column."""
    shared, board = shared_words(board), shortened(board)
    typer.echo(f"{plain(board.suite)} {plain(board.suite_version)}, ranked by {plain(board.ranking)}\n")
    typer.echo(f"{plain(headline.verdict(board))}\n")
    every = columns(board)
    shown = fitting(every, board.rows, shutil.get_terminal_size().columns)
    for kind, title in TITLES.items():
        if rows := board.of(kind):
            typer.echo("" if kind == "ranked" else f"\n{title}\n", nl=kind != "ranked")
            table([_cells(shown, row) for row in rows], as_json=False)
    typer.echo("")
    for line in (*rules(board), *([shared] if shared else []), *remarks(board)):
        typer.echo(indented(line))
    if left := [column.title for column in every if column not in shown]:
        typer.echo(f"Not shown for want of width: {', '.join(left)}. `--format md` prints every column.")


def fitting(every: Sequence[BoardColumn], rows: Sequence[Row], width: int) -> list[BoardColumn]:
    """As many of the first columns as a terminal has room for; never fewer than rank, member and score."""
    shown: list[BoardColumn] = []
    used = 0
    for column in every:
        used += max(map(len, (column.title, *(column.text(row) for row in rows)))) + GAP
        if used > width and len(shown) >= 3:
            break
        shown.append(column)
    return shown


def _cells(shown: Sequence[BoardColumn], row: Row) -> Mapping[str, str]:
    return {column.title: column.text(row) for column in shown}

"""Boards as text. Fixed number formats and no clock, so the same board is the same bytes everywhere."""

import csv
import io
from collections.abc import Iterator, Sequence

from bench.boards.caveats import caveats
from bench.boards.columns import BoardColumn, columns, long_form
from bench.boards.ranks import PROOF_RULE, RANK_RULE
from bench.boards.rows import Board, Row
from bench.boards.trust import TRUST_RULE, flag_lines
from bench.formats import escape, grid, spreadsheet

TITLES = {  # kinds of rows, as every output calls them
    "ranked": "Ranked",
    "flagged": "Flagged as memorised or collapsed: not ranked",
    "incomplete": "Incomplete: not ranked; means over the runs that finished",
    "adopted": "Trained elsewhere: not ranked, because the budget is stated and not held by this protocol",
    "variant": "Compressed copies of members above: not ranked",
    "calibration": "Calibration: the floor and the ceiling of this protocol, never ranked",
    "superseded": "Superseded by a later version of the member's source",
}


def rules(board: Board) -> tuple[str, ...]:
    """The sentences that every board carries: how rows are ranked, and what takes them out of the ranking."""
    flagged = (TRUST_RULE,) if any(row.warnings for row in board.rows) else ()
    return (RANK_RULE, PROOF_RULE, *flagged)


def remarks(board: Board) -> tuple[str, ...]:
    """What else must be known of the board, the gravest first."""
    return (*caveats(board), *flag_lines(board), *board.notes)


def markdown(board: Board, headline: str, published: Sequence[str] = (), shared: str = "") -> str:
    """The board for people: what can be claimed, the rows, the lines on published scores, then what else must be known.

    `shared` says the parameters that all members share and that their names leave out.
    """
    tracks = " and ".join(sorted({row.track for row in board.rows}))
    reported = next((column for column in board.columns if column.metric == board.ranking), None)
    lines = [
        f"# {escape(board.suite)} {escape(board.suite_version)}",
        "",
        f"**{escape(headline)}**",
        "",
        f"Ranked by {escape(board.ranking)} ({reported.better} is better) at the last checkpoint."
        if reported
        else f"Ranked by {escape(board.ranking)}, which no run reports.",
        f"Mean and 95 % interval over training seeds. {tracks.capitalize()} track, protocol {board.protocol_digest[:10]}.",
        *rules(board),
        *([escape(shared)] if shared else []),
        "",
        *_tables(board),
        *published,
        *(f"- {escape(note)}" for note in remarks(board)),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def _tables(board: Board) -> Iterator[str]:
    """The columns in two tables per kind of row, because Markdown has no sideways scrolling: facts, then other metrics."""
    every = columns(board)
    metrics = [column for column in every if column.score and column.key == column.score[0]]
    main = [column for column in every if column not in metrics]
    for kind, title in TITLES.items():
        if rows := board.of(kind):
            yield from [f"## {title}", ""] if kind != "ranked" else []
            yield from _table(main, rows)
    shown = [row for row in board.rows if row.cells and row.kind != "superseded"]
    if shown and metrics:
        member = [column for column in main if column.key == "member"]
        yield from ["## Every other metric at the last checkpoint", "", *_table([*member, *metrics], shown)]


def _table(shown: Sequence[BoardColumn], rows: Sequence[Row]) -> list[str]:
    titles = [escape(column.title) for column in shown]
    return grid(
        titles,
        [[cell(column, row) for column in shown] for row in rows],
        left=shown.index(next(column for column in shown if column.free)) + 1,
    )


def cell(column: BoardColumn, row: Row) -> str:
    """What a row shows in a column, safe in Markdown."""
    return escape(column.text(row)) if column.free else column.text(row)


def as_csv(board: Board) -> str:
    """One line per row, metric, checkpoint and seed: raw values, from which everything else can be recomputed."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names, lines = long_form(board)
    writer.writerow(["suite", "suite_version", "protocol", *names])
    head = (board.suite, board.suite_version, board.protocol_digest)
    writer.writerows([spreadsheet(value) for value in (*head, *line)] for line in lines)
    return text.getvalue()

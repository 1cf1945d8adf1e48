"""Boards for papers: a table for the package booktabs, with the source of its numbers above it as a comment."""

import re
from collections.abc import Sequence

from bench.boards import citation
from bench.boards.columns import BoardColumn, columns
from bench.boards.metric_names import metric_name
from bench.boards.rows import Board, Row
from bench.boards.short_names import shared_words, shortened
from bench.boards.text import TITLES
from bench.formats import visible

CHIEF = ("rank", "member", "score_last", "score_best", "runs_ok", "train_seconds", "parameters")
SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    "↓": r"$\downarrow$", "↑": r"$\uparrow$", "—": "--", "–": "--", "…": r"\ldots{}", "’": "'", "×": r"$\times$",
    "∞": r"$\infty$", "[": "{[}", "]": "{]}", '"': "''",
}  # fmt: skip
PATTERN = re.compile("|".join(map(re.escape, SPECIAL)))


def escape(text: object) -> str:
    """Text that LaTeX prints as it is, in one line; square brackets too, which would be an argument after ``\\\\``."""
    return PATTERN.sub(lambda match: SPECIAL[match[0]], visible(str(text)))


def render(board: Board) -> str:
    """Two tables: rank, score and cost of every row, then every other metric; the best ranked mean of a column is bold."""
    said = shortened(board)
    every = columns(said)
    chief = [column for column in every if column.key in CHIEF]
    metrics = [column for column in every if column.score and column.key == column.score[0]]
    member = [column for column in chief if column.key == "member"]
    ranking = metric_name(board.ranking).title
    caption = (
        f"Suite {board.suite} {board.suite_version}, ranked by {ranking} where the budget ended: mean and 95 % interval over "
        f"training seeds. {shared_words(board)}"
    ).strip()
    tables = [_table(said, chief, caption, board.suite)]
    if metrics:
        words = f"Every other metric of suite {board.suite} {board.suite_version}, means over training seeds."
        tables.append(_table(said, [*member, *metrics], words, f"{board.suite}-metrics"))
    return "\n".join([f"% {visible(citation.text(board))}", "% Needs \\usepackage{booktabs}.", *tables])


def _table(board: Board, shown: Sequence[BoardColumn], caption: str, label: str) -> str:
    left = sum(column.key in ("rank", "member") for column in shown)
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escape(caption)}}}",
        rf"\label{{tab:{re.sub(r'[^A-Za-z0-9-]+', '-', label)}}}",
        rf"\begin{{tabular}}{{{'l' * left}{'r' * (len(shown) - left)}}}",
        r"\toprule",
        _line([escape(column.title) for column in shown]),
    ]
    for kind, title in TITLES.items():
        if kind == "superseded" or not (rows := board.of(kind)):
            continue
        lines.append(r"\midrule")
        if kind != "ranked":
            lines.append(rf"\multicolumn{{{len(shown)}}}{{l}}{{\emph{{{escape(title.partition(':')[0])}}}}} \\")
        best = {column.key: _best(column, rows) for column in shown} if kind == "ranked" else {}
        lines += [_line([_cell(column, row, best) for column in shown]) for row in rows]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}", ""])


def _line(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _cell(column: BoardColumn, row: Row, best: dict[str, float | None]) -> str:
    text = escape(column.text(row))
    value = column.sort(row)
    return rf"\textbf{{{text}}}" if value is not None and value == best.get(column.key) else text


def _best(column: BoardColumn, rows: Sequence[Row]) -> float | None:
    """The best mean of a score; None where one row is all there is, or the column is no score."""
    values = [value for row in rows if isinstance(value := column.sort(row), int | float)]
    if column.score is None or len(values) < 2:
        return None
    return min(values) if column.better == "lower" else max(values)

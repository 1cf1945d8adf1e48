"""A heat map of cells: how each ended and how good it was, in colour, number and glyph."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import seaborn as sns
from matplotlib.colors import ListedColormap

from bench import formats
from bench.boards.metric_names import metric_name
from bench.boards.rows import RANKED, Board, Column
from bench.boards.short_names import short_names
from bench.records.record import Record
from bench.report.figures.drawing import Drawing, Table, panel, short
from bench.report.theme import BAD, HEAT, INK, MUTED, PAPER

GLYPHS = {"diverged": "↯", "failed": "✕", "out-of-memory": "▤", "missing": "–"}
LEGEND = "↯ diverged   ✕ failed   ▤ out of memory   – missing"
ROW, COLUMN = 26, 76


@dataclass(frozen=True)
class Square:
    """One cell of the map: a value with its goodness from 0 (worst shown) to 1 (best), or a status."""

    value: float | None = None
    good: float = 0.0
    status: str = "ok"

    @property
    def text(self) -> str:
        """What is written into the cell."""
        return formats.number(self.value, 3) if self.value is not None else GLYPHS.get(self.status, "")

    @property
    def words(self) -> str:
        """What the table behind the figure says."""
        return formats.number(self.value) if self.value is not None else self.status


def by_seed(board: Board, records: Sequence[Record]) -> Drawing | None:
    """Members x training seeds of the ranking metric: which runs ended how."""
    rows = board.of("ranked", "flagged", "incomplete")
    seeds = sorted({seed for row in rows for seed in row.seeds})
    if not rows or not seeds:
        return None
    statuses = {(record.member.label, record.member.source_digest, record.seed): record.status for record in records}
    values = {
        (row.member, seed): value
        for row in rows
        if (cell := row.cells.get((board.ranking, RANKED)))
        for seed, value in zip(cell.seeds, cell.values, strict=True)
    }
    columns = {column.metric: column for column in board.columns}
    good = goodness(list(values.values()), columns.get(board.ranking))
    names = short_names(board)
    grid = {
        names[row.member]: [
            Square(values[row.member, seed], good[values[row.member, seed]])
            if (row.member, seed) in values
            else Square(status=statuses.get((row.member, row.source, seed), "missing" if seed in row.seeds else ""))
            for seed in seeds
        ]
        for row in rows
    }
    name = metric_name(board.ranking)
    return squares(
        "cells", f"{name.title} of every run", f"Members and training seeds; stronger colour is better. {LEGEND}",
        [f"seed {seed}" for seed in seeds], grid,
    )  # fmt: skip


def goodness(values: Sequence[float], column: Column | None) -> dict[float, float]:
    """From 0 for the worst of some values to 1 for the best, on the scale of the metric."""
    if not values or column is None:
        return dict.fromkeys(values, 0.0)
    losses = {value: column.loss(value) for value in values}
    low, high = min(losses.values()), max(losses.values())
    return {value: (high - loss) / (high - low) if high > low else 1.0 for value, loss in losses.items()}


def squares(
    name: str, title: str, caption: str, columns: Sequence[str], grid: Mapping[str, Sequence[Square]]
) -> Drawing:
    """Draw a grid of squares: rows by name, one square per column."""
    left, top = 168, 30
    figure, axes = panel(
        max(left + COLUMN * len(columns) + 14, 400), top + ROW * len(grid) + 10, left=left, top=top, bottom=10,
        right=max(14, 400 - left - COLUMN * len(columns)),
    )  # fmt: skip
    steps = np.array([[_step(square) for square in row] for row in grid.values()])
    texts = np.array([[square.text for square in row] for row in grid.values()])
    sns.heatmap(
        np.ma.masked_invalid(steps), ax=axes, cmap=ListedColormap(list(HEAT)), vmin=0, vmax=len(HEAT) - 1, cbar=False,
        xticklabels=False, yticklabels=False,  # else the whole figure is drawn to see whether they overlap
        annot=texts, fmt="", annot_kws={"size": 10.5, "color": INK}, linewidths=2, linecolor=PAPER, mask=np.isnan(steps),
    )  # fmt: skip
    for row, squares_of in enumerate(grid.values()):
        for column, square in enumerate(squares_of):
            if square.value is None:
                colour = BAD if square.status not in ("missing", "") else MUTED
                axes.text(column + 0.5, row + 0.5, square.text, ha="center", va="center", color=colour, fontsize=12)
    axes.set_yticks(np.arange(len(grid)) + 0.5, [short(member) for member in grid], rotation=0)
    axes.set_xticks(np.arange(len(columns)) + 0.5, [short(column, 12) for column in columns], rotation=0)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.tick_params(axis="y", labelcolor=INK)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    table = Table(("Member", *columns), tuple((member, *(s.words for s in row)) for member, row in grid.items()))
    return Drawing(name, title, caption, figure, table)


def _step(square: Square) -> float:
    return math.floor(square.good * (len(HEAT) - 1) + 0.5) if square.value is not None else math.nan

"""The rows of a board in order: ranked ones by mean with the ranks that they can have, then the others by kind."""

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

from bench import formats
from bench.boards.ranks import rank_intervals
from bench.boards.rows import RANKED, Column, Key, Kind, Row
from bench.boards.statistics import mean

LOW_POWER = 5  # seeds below which close rows cannot be told apart


def in_order(rows: list[Row], column: Column | None, ranking: str) -> tuple[tuple[Row, ...], list[str]]:
    """The rows in order, the ranked ones with their ranks, and what must be said about the ranking."""
    key: Key = (ranking, RANKED)
    rows, shown = _reconstructions_apart(rows)
    rest = [row for row in rows if row.kind != "ranked"]
    full = [row for row in rows if row.kind == "ranked"]
    worst = _worst(rows, key, column)
    values = {row.member: _values(row, key, worst) for row in full}
    sign = -1 if column and column.better == "higher" else 1
    full.sort(key=lambda row: (sign * mean(values[row.member]), row.statuses.get("diverged", 0), row.member))
    losses = [[column.loss(value) if column else value for value in values[row.member]] for row in full]
    ranked = [replace(row, ranks=ranks) for row, ranks in zip(full, rank_intervals(losses), strict=True)]
    order = {name: place for place, name in enumerate(get_args(Kind))}
    rest.sort(key=lambda row: (order[row.kind], _rest_key(row, key, column), row.member, row.source))
    return (*ranked, *rest), [*shown, *_ranking_notes(ranked, column, worst)]


def _reconstructions_apart(rows: list[Row]) -> tuple[list[Row], list[str]]:
    """Reconstruction members are not ranked against generators; they are shown as a ceiling."""
    ranked = [row for row in rows if row.kind == "ranked"]
    apart = [row.member for row in ranked if row.task == "reconstruction"]
    if len(apart) == len(ranked):
        return rows, []
    turned = [replace(row, kind="calibration") if row.member in apart and row.kind == "ranked" else row for row in rows]
    return turned, [f"{member} rebuilds real images: it is shown and not ranked." for member in sorted(apart)]


def _worst(rows: Sequence[Row], key: Key, column: Column | None) -> float:
    values = [value for row in rows if row.kind != "superseded" and key in row.cells for value in row.cells[key].values]
    return max(values, key=column.loss, default=0.0) if column else 0.0


def _values(row: Row, key: Key, worst: float) -> list[float]:
    """A ranked row's scores; a run that diverged counts as the worst on the board."""
    done = list(row.cells[key].values) if key in row.cells else []
    return done + [worst] * (len(row.seeds) - len(done))


def _rest_key(row: Row, key: Key, column: Column | None) -> float:
    """Incomplete rows stand by name, calibration rows by score."""
    if row.kind == "incomplete" or column is None or key not in row.cells:
        return 0.0
    return mean([column.loss(value) for value in row.cells[key].values])


def _ranking_notes(ranked: Sequence[Row], column: Column | None, worst: float) -> list[str]:
    notes: list[str] = []
    if column and any(row.statuses.get("diverged") for row in ranked):
        notes.append(
            f"A run that diverged counts as the worst score on this board ({formats.number(worst)}) when rows are ranked."
        )
    fewest = min((len(row.seeds) for row in ranked), default=0)
    if fewest == 1:
        notes.append("One seed: there is no interval, and the order of the rows may be luck.")
    elif 1 < fewest < LOW_POWER:
        notes.append(f"{fewest} seeds: low power. Five or more are needed to tell close rows apart.")
    return notes

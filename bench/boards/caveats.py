"""What a reader should know before he believes a board, found by the program: sentences, the gravest first."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from scipy.stats import rankdata

from bench import formats
from bench.boards.metric_names import metric_name
from bench.boards.rows import RANKED, Board, Key, Row
from bench.boards.trust import listed

FACTOR = 3.0  # sizes or times that differ by more are said
AGREE = 0.5  # rank correlation below which two metrics order the members differently
ENOUGH = 5  # ranked members from which a correlation is looked at
VARIETY = 0.5  # a leader's share of the largest recall, below which that is said
RECALL = 0.05  # below it next to nothing of the real variety is found among the fakes
POWER = 3  # training seeds below which an order is mostly luck
FLOOR = "gaussian"  # the calibration row that a trained generator should beat
NAMED = 3


def caveats(board: Board) -> tuple[str, ...]:
    """The sentences; none where nothing is to be said."""
    ranked = [row for row in board.of("ranked") if (board.ranking, RANKED) in row.cells]
    return tuple(
        line
        for find in (_floor, _seeds, _recall, _disagreement, _times, _sizes)
        for line in (find(board, ranked) if ranked else ())
    )


def _floor(board: Board, ranked: Sequence[Row]) -> Iterator[str]:
    """Members that a Gaussian of the pixels beats."""
    key: Key = (board.ranking, RANKED)
    floor = next(
        (row.cells[key].summary.mean for row in board.of("calibration") if row.member == FLOOR and key in row.cells),
        None,
    )
    if floor is None:
        return
    column = board.column(board.ranking)
    below = [row.member for row in ranked if column.loss(row.cells[key].summary.mean) > column.loss(floor)]
    if below:
        name = metric_name(board.ranking).short
        verb = "scores" if len(below) == 1 else "score"
        yield (
            f"{len(below)} of {len(ranked)} members {verb} worse than a Gaussian of the pixels ({name} {formats.number(floor, 3)}): "
            f"{listed(below, NAMED)}."
        )


def _seeds(board: Board, ranked: Sequence[Row]) -> Iterator[str]:
    seeds = min(len(row.seeds) for row in ranked)
    if seeds < POWER and len(ranked) > 1:
        count = "One training seed cannot" if seeds == 1 else "Two training seeds can hardly"
        yield f"{count} rank members: another seed may turn the order over."


def _recall(board: Board, ranked: Sequence[Row]) -> Iterator[str]:
    """A leader whose samples lack the variety of the data."""
    leader = ranked[0]
    for column in board.columns:
        key: Key = (column.metric, RANKED)
        if column.metric.partition("@")[0] != "recall" or key not in leader.cells:
            continue
        own = leader.cells[key].summary.mean
        most = max((row for row in ranked if key in row.cells), key=lambda row: row.cells[key].summary.mean)
        said = f"{leader.member} leads with a recall of {formats.number(own, 2)}"
        if own < RECALL:
            yield f"{said}: nearly none of the real images lies among its samples."
        elif own < VARIETY * (best := most.cells[key].summary.mean):
            yield f"{said}, {most.member} has {formats.number(best, 2)}: the leader's samples lack much of the data's variety."


def _disagreement(board: Board, ranked: Sequence[Row]) -> Iterator[str]:
    """Metrics that order the members otherwise than the ranking metric does."""
    first = board.column(board.ranking)
    key: Key = (board.ranking, RANKED)
    found: list[tuple[float, str]] = []
    for column in board.columns:
        both = [row for row in ranked if key in row.cells and (column.metric, RANKED) in row.cells]
        if column.metric == board.ranking or len(both) < ENOUGH:
            continue
        ours = [first.loss(row.cells[key].summary.mean) for row in both]
        theirs = [column.loss(row.cells[column.metric, RANKED].summary.mean) for row in both]
        if len(set(theirs)) > 1 and len(set(ours)) > 1:
            found.append((float(np.corrcoef(rankdata(ours), rankdata(theirs))[0, 1]), metric_name(column.metric).title))
    apart = sorted((correlation, title) for correlation, title in found if correlation < AGREE)
    if apart:
        titles = listed([f"{title} ({correlation:.2f})" for correlation, title in apart], NAMED)
        yield f"Other metrics order the members differently (rank correlation with {metric_name(board.ranking).short}): {titles}."


def _times(board: Board, ranked: Sequence[Row]) -> Iterator[str]:
    yield from _spread(
        ranked, "Training times", lambda row: row.cost.train_seconds if row.cost else None, formats.duration
    )


def _sizes(board: Board, ranked: Sequence[Row]) -> Iterator[str]:
    yield from _spread(
        ranked,
        "Numbers of parameters",
        lambda row: row.cost.size if row.cost else None,
        lambda value: formats.count(round(value)),
    )


def _spread(
    ranked: Sequence[Row], what: str, of: Callable[[Row], float | None], words: Callable[[float], str]
) -> Iterator[str]:
    """Costs so different that equal images are no equal cost."""
    known = sorted((value, row.member) for row in ranked if (value := of(row)))
    if len(known) > 1 and known[-1][0] > FACTOR * known[0][0]:
        (low, least), (high, most) = known[0], known[-1]
        yield f"{what} differ by a factor of {formats.number(high / low, 2)}: {words(low)} ({least}) to {words(high)} ({most})."

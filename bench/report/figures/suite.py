"""Every figure of a suite, in the groups in which a reader meets them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.boards.rows import Board
from bench.records.record import Record
from bench.report.figures import curves, dots, fidelity, heat, sample_size, tradeoffs
from bench.report.figures.drawing import Drawing
from bench.report.frames import curve_frame, in_order
from bench.report.theme import Look


@dataclass(frozen=True)
class Figures:
    """The drawings of a suite."""

    overview: tuple[Drawing, ...]  # every seed, quality against cost
    cells: tuple[Drawing, ...]  # how each run ended
    curves: tuple[tuple[Drawing, ...], ...]  # per metric: over images, over wall time
    planes: tuple[Drawing, ...]  # fidelity against diversity, FID against sample size
    seeds: tuple[Drawing, ...]  # every seed of the other metrics

    def every(self) -> tuple[Drawing, ...]:
        """All of them in order."""
        pairs = tuple(drawing for pair in self.curves for drawing in pair)
        return (*self.overview, *self.cells, *pairs, *self.planes, *self.seeds)


def draw(board: Board, records: Sequence[Record], looks: Mapping[str, Look], results: Path) -> Figures:
    """Draw a suite; `records` are those of the board's protocol, below the folder `results`.

    Call inside `bench.report.theme.house_style`.
    """
    others = [column.metric for column in board.columns if column.metric != board.ranking]
    planes = [fidelity.plane(board, looks, across, up) for across, up in fidelity.pairs(board)]
    limits = sample_size.drawings(board, records, looks, results)
    return Figures(
        overview=_drawn(
            [dots.seeds(board, looks, board.ranking)]
            + [tradeoffs.against(board, records, looks, cost) for cost in tradeoffs.COSTS]
        ),
        cells=_drawn([heat.by_seed(board, records)]),
        curves=tuple(pair for pair in _curves(board, records, looks) if pair),
        planes=_drawn([*planes, *limits]),
        seeds=_drawn(dots.seeds(board, looks, metric) for metric in others),
    )


def _curves(board: Board, records: Sequence[Record], looks: Mapping[str, Look]) -> list[tuple[Drawing, ...]]:
    """The selection metric first, then as the board orders its columns."""
    frame = curve_frame(records)
    scored = {key for record in records for point in record.curve for key in point.scores}
    selection = board.protocol.get("evaluation", {}).get("selection", "")
    wanted = [selection, *(name for column in board.columns for name in (column.metric, f"{column.metric}:held-out"))]
    return [
        _drawn([curves.curve(frame, looks, key, "images"), curves.curve(frame, looks, key, "seconds")])
        for key in in_order(scored, wanted)
    ]


def _drawn(drawings: Iterable[Drawing | None]) -> tuple[Drawing, ...]:
    return tuple(drawing for drawing in drawings if drawing is not None)

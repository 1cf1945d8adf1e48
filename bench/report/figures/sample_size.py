"""FID against the number of samples it was computed from, down to its limit: how much of a score is only bias.

FID_N is close to FID_infinity + slope / N (Chong and Forsyth 2020, arXiv:1911.07023, section 4), with a slope of each
member's own, so that two members may change places with N. The points come from the tables that runs leave; where there
are none, the line is drawn through the reported FID and its reported limit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import formats
from bench.boards.metric_names import metric_name
from bench.boards.rows import RANKED, Board, Row
from bench.records.record import Record
from bench.report import pictures
from bench.report.figures.drawing import Drawing, Table, end_labels, metric_axis, panel
from bench.report.theme import Look

SHOWN = ("ranked", "incomplete", "adopted", "variant", "calibration")
MARKS = (1.0, 2.0, 5.0, 10.0)  # sample sizes on the axis, as parts of the largest: N, N/2, N/5, N/10


@dataclass(frozen=True)
class Line:
    """One member's FIDs, means over its runs, and the line through them."""

    samples: tuple[int, ...]  # ascending
    values: tuple[float, ...]
    limit: float
    slope: float  # of FID over 1/N

    def at(self, samples: float) -> float:
        """The line's value."""
        return self.limit + self.slope / samples


def drawings(board: Board, records: Sequence[Record], looks: Mapping[str, Look], results: Path) -> list[Drawing]:
    """One drawing per FID of which a run has several sizes, or of which the limit was measured."""
    ids = {column.metric for column in board.columns}
    found: list[Drawing] = []
    for metric in sorted(name for name in ids if name.startswith("fid@")):
        measured = {
            row.member: line for row in board.of(*SHOWN) if (line := _line(board, row, records, results, metric))
        }
        if measured:
            found.append(sizes(metric, measured, looks))
    return found


def _line(board: Board, row: Row, records: Sequence[Record], results: Path, metric: str) -> Line | None:
    mine = [r for r in records if (r.member.label, r.member.source_digest, r.status) == (row.member, row.source, "ok")]
    curves = [curve for record in mine if (curve := _curve(results, record, metric))]
    same = [values for samples, values in curves if samples == curves[0][0]]
    if same:
        return _through(curves[0][0], np.mean(same, axis=0))
    return _reported(row, metric, board.protocol.get("evaluation", {}).get("samples"))


def _reported(row: Row, metric: str, samples: object) -> Line | None:
    """Through the reported FID and its reported limit."""
    at = row.cells.get((metric, RANKED))
    limit = row.cells.get((f"fid-infinity{metric.removeprefix('fid')}", RANKED))
    if not isinstance(samples, int) or at is None or limit is None:
        return None
    value, end = at.summary.mean, limit.summary.mean
    return Line((samples,), (value,), end, (value - end) * samples)


def _curve(results: Path, record: Record, metric: str) -> tuple[tuple[int, ...], tuple[float, ...]] | None:
    """Sample sizes and FIDs of one run; None from fewer than three."""
    rows = [row for row in pictures.data_of(results, record, pictures.SIZES).rows if row.get("metric") == metric]
    pairs = [(pictures.number(row.get("samples")), pictures.number(row.get("fid"))) for row in rows]
    sound = sorted({int(count): value for count, value in pairs if count and count >= 1 and value is not None}.items())
    return (tuple(count for count, _ in sound), tuple(value for _, value in sound)) if len(sound) >= 3 else None


def _through(samples: Sequence[int], values: Sequence[float] | np.ndarray) -> Line:
    slope, limit = np.polyfit(1 / np.array(samples), np.array(values), 1)
    return Line(tuple(samples), tuple(float(value) for value in values), float(limit), float(slope))


def sizes(metric: str, measured: Mapping[str, Line], looks: Mapping[str, Look]) -> Drawing:
    """Every member's points and line over 1/N, from its limit to a tenth of the largest N."""
    figure, axes = panel(right=150)
    largest = max(max(line.samples) for line in measured.values())
    ends: dict[str, tuple[float, float]] = {}
    heights: list[float] = []
    for member in reversed(list(measured)):  # the best on top
        look, line = looks[member], measured[member]
        ends[member] = (MARKS[-1], line.at(largest / MARKS[-1]))
        heights += [line.limit, ends[member][1], *line.values]
        parts = np.linspace(0, MARKS[-1], 41)  # on a logarithmic axis the line is a curve
        axes.plot(
            parts, line.limit + line.slope / largest * parts, color=look.colour, ls=look.dash, lw=1.4, gid=look.gid
        )
        axes.plot([largest / count for count in line.samples], line.values, look.marker, color=look.colour, ms=3.5, mew=0,
                  gid=look.gid)  # fmt: skip
        axes.plot([0.0], [line.limit], look.marker, color=look.colour, ms=7, mew=0, gid=look.gid, clip_on=False)
    axes.set_xlim(0, MARKS[-1] * 1.01)
    metric_axis(axes, "y", metric, heights)
    axes.set_xticks([0.0, *MARKS], ["∞", *(formats.count(round(largest / part)) for part in MARKS)])
    axes.set_xlabel("samples N, drawn at 1/N")
    end_labels(axes, {member: ends[member] for member in measured}, looks)
    name = metric_name(metric)
    return Drawing(
        name=f"sample-size-{metric}",
        title=f"{name.title} against sample size",
        caption="Small marks: measured on random subsets of one sample, means over training seeds. Large marks: the limit ∞ of "
        "the line through them (Chong and Forsyth 2020). Lines that cross are members whose order depends on N.",
        figure=figure,
        table=Table(
            ("Member", "Largest N", "FID there", "FID at ∞", "Bias"), tuple(map(_row, measured, measured.values()))
        ),
    )


def _row(member: str, line: Line) -> tuple[str, ...]:
    at = line.values[-1]
    return member, f"{line.samples[-1]:,}", *(formats.number(value) for value in (at, line.limit, at - line.limit))

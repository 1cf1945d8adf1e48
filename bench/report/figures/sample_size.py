"""FID against the number of samples it was computed from, down to its limit: how much of a score is only bias.

FID_N is close to FID_infinity + slope / N (Chong and Forsyth 2020, arXiv:1911.07023, section 4), with a slope of each
member's own, so that two members may change places with N. The line is drawn through the reported FID and its limit.
"""

from collections.abc import Mapping

from bench import tables
from bench.board import RANKED, Board
from bench.report.figures.drawing import Drawing, Table, end_labels, metric_axis, panel
from bench.report.frames import metric_name
from bench.report.theme import Look

SHOWN = ("ranked", "incomplete", "calibration")
MARKS = (1.0, 2.0, 5.0, 10.0)  # sample sizes on the axis, as parts of the reported one: N, N/2, N/5, N/10


def pairs(board: Board) -> list[tuple[str, str]]:
    """The ids of an FID and of its limit on the same network and split."""
    ids = {column.metric for column in board.columns}
    return [(metric, limit) for metric in sorted(ids) if metric.startswith("fid@")
            if (limit := "fid-infinity" + metric.removeprefix("fid")) in ids]  # fmt: skip


def sizes(board: Board, looks: Mapping[str, Look], metric: str, limit: str) -> Drawing | None:
    """The line of each member from its FID at N / 10 samples to the limit; None where the protocol has no N."""
    samples = board.protocol.get("evaluation", {}).get("samples")
    rows = [row for row in board.of(*SHOWN) if all((name, RANKED) in row.cells for name in (metric, limit))]
    if not rows or not isinstance(samples, int):
        return None
    figure, axes = panel(right=150)
    ends: dict[str, tuple[float, float]] = {}
    lines: list[tuple[str, ...]] = []
    values: list[float] = []
    for row in rows:
        look = looks[row.member]
        at, infinite = (row.cells[name, RANKED].summary.mean for name in (metric, limit))
        heights = [infinite + (at - infinite) * part for part in (0.0, *MARKS)]
        values += heights
        axes.plot([0.0, MARKS[-1]], [heights[0], heights[-1]], color=look.colour, ls=look.dash, lw=1.4, gid=look.gid)
        axes.plot([0.0, 1.0], [infinite, at], look.marker, color=look.colour, ms=6, mew=0, gid=look.gid)
        ends[row.member] = (MARKS[-1], heights[-1])
        lines.append((row.member, tables.number(at), tables.number(infinite), tables.number(at - infinite)))
    axes.set_xlim(0, MARKS[-1])
    metric_axis(axes, "y", metric, values)
    axes.set_xticks([0.0, *MARKS], ["∞", *(tables.count(round(samples / part)) for part in MARKS)])
    axes.set_xlabel("samples N, drawn at 1/N")
    end_labels(axes, ends, looks)
    name = metric_name(metric)
    return Drawing(
        name=f"sample-size-{metric}",
        title=f"{name.title} against sample size",
        caption=f"Marks: measured with {samples:,} samples, and the limit ∞ extrapolated from subsets (Chong and Forsyth "
        "2020). Lines that cross are members whose order depends on the sample size.",
        figure=figure,
        table=Table(("Member", f"FID at {samples:,}", "FID at ∞", "Bias"), tuple(lines)),
    )

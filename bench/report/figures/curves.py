"""Curves over training: every metric over images seen and over wall time, with a band over seeds."""

from collections.abc import Mapping
from typing import Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bench import formats
from bench.boards.metric_names import metric_name
from bench.report.figures.drawing import Drawing, Table, compact, end_labels, metric_axis, panel, plain
from bench.report.frames import Line, over_seeds
from bench.report.theme import Look

Against = Literal["images", "seconds"]
UNITS = ((7200.0, 3600.0, "hours"), (120.0, 60.0, "minutes"), (0.0, 1.0, "seconds"))


def curve(frame: pd.DataFrame, looks: Mapping[str, Look], metric: str, against: Against) -> Drawing | None:
    """One metric over training; `frame` as `bench.report.frames.curve_frame` makes it. None when no curve has it."""
    return drawing(over_seeds(frame, metric), looks, metric, against)


def drawing(lines: Mapping[str, Line], looks: Mapping[str, Look], metric: str, against: Against) -> Drawing | None:
    """The same from the lines of the members; None when none of `looks` has one."""
    lines = {member: line for member, line in lines.items() if member in looks}
    if not lines:
        return None
    longest = max(float((line.images if against == "images" else line.seconds).max()) for line in lines.values())
    unit, word = (1.0, "") if against == "images" else _time_unit(longest)
    figure, axes = panel(right=150)
    metric_axis(axes, "y", metric, [float(value) for line in lines.values() for value in (*line.low, *line.high)])
    shown = [member for member in looks if member in lines]
    ends = {
        member: _draw(axes, lines[member], against, unit, looks[member])
        for member in reversed(shown)  # the best on top
    }
    axes.set_xlim(0, longest / unit * 1.02)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(compact if against == "images" else plain))
    axes.set_xlabel("real images seen" if against == "images" else f"training time ({word})")
    end_labels(axes, {member: ends[member] for member in shown}, looks)
    return Drawing(
        name=f"curve-{metric}-{against}",
        title=f"{metric_name(metric).title} over {'images seen' if against == 'images' else 'wall time'}",
        caption="Line: mean over seeds. Band: lowest to highest seed."
        + (" Time spent training only, mean over seeds; machines may differ." if against == "seconds" else ""),
        figure=figure,
        table=_table({member: lines[member] for member in shown}),
    )


def _draw(axes: Axes, line: Line, against: Against, unit: float, look: Look) -> tuple[float, float]:
    """Draw one member; returns where its line ends."""
    x = (line.images if against == "images" else line.seconds) / unit
    if look.named and (line.seeds > 1).any():
        axes.fill_between(x, line.low, line.high, color=look.colour, alpha=0.13, lw=0, gid=look.gid)
    axes.plot(x, line.mean, color=look.colour, ls=look.dash, lw=1.8 if look.named else 1.0, gid=look.gid)
    last = float(x[-1]), float(line.mean[-1])
    axes.plot([last[0]], [last[1]], look.marker, color=look.colour, ms=5, mew=0, gid=look.gid)
    return last


def _time_unit(longest: float) -> tuple[float, str]:
    return next((size, word) for least, size, word in UNITS if longest >= least)


def _table(lines: Mapping[str, Line]) -> Table:
    rows = tuple(
        (
            member,
            f"{images:,.0f}",
            formats.duration(float(seconds)),
            *(formats.number(float(value)) for value in (mean, low, high)),
            str(seeds),
        )
        for member, line in lines.items()
        for images, seconds, mean, low, high, seeds in zip(
            line.images, line.seconds, line.mean, line.low, line.high, line.seeds, strict=True
        )
    )
    return Table(("Member", "Images", "Training time", "Mean", "Lowest seed", "Highest seed", "Seeds"), rows)

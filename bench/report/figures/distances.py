"""Memorisation: how far generated images are from the closest training image, beside what held-out images get."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bench import tables
from bench.report.figures.drawing import Drawing, Table, compact, panel
from bench.report.theme import MUTED, SERIES

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75)


def sound(content: object) -> dict[str, list[float]]:
    """The distances of a data file by group, ``{"samples": [...], "held-out": [...]}``; {} when it is anything else."""
    if not isinstance(content, Mapping):
        return {}
    return {
        str(name): sorted(float(value) for value in values)
        for name, values in content.items()
        if isinstance(values, list)
        and values
        and all(isinstance(value, int | float) and math.isfinite(value) for value in values)
    }


def nearest(member: str, space: str, content: Mapping[str, Any], name: str) -> Drawing | None:
    """The cumulative distribution of distances to the nearest training image; None when there is nothing to draw."""
    groups = sound(content)
    if not groups:
        return None
    figure, axes = panel(right=24)
    for place, (group, values) in enumerate(groups.items()):
        colour, dash = (SERIES[0], "-") if group == "samples" else (MUTED, (0, (5, 2)))
        axes.step(
            values, [(rank + 1) / len(values) for rank in range(len(values))], where="post", color=colour, ls=dash
        )
        axes.text(0.97, 0.06 + 0.07 * place, group, transform=axes.transAxes, ha="right", color=colour)
    axes.set_ylim(0, 1.02)
    axes.set_ylabel("share of images")
    axes.set_xlabel(f"distance to the nearest training image ({space})")
    axes.xaxis.set_major_formatter(lambda value, _position: compact(value))
    rows = tuple((group, *(tables.number(_quantile(values, q)) for q in QUANTILES)) for group, values in groups.items())
    return Drawing(
        name=name,
        title=f"{member}: distance to the training set, {space}",
        caption="A curve of the samples left of the held-out one means copies: images nearer to training than new real "
        "images are.",
        figure=figure,
        table=Table(("Images", *(f"{q:.0%} quantile".replace("%", " %") for q in QUANTILES)), rows),
    )


def _quantile(values: Sequence[float], q: float) -> float:
    return values[min(int(q * len(values)), len(values) - 1)]

"""Records as long tables, one line per number: what seaborn and the data tables behind the figures are made from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.boards.scales import Scale, scale_of
from bench.records.record import Record

CURVE = ("member", "seed", "images", "seconds", "key", "value")


def axis_scale(metric: str) -> Scale:
    """The scale on which an axis of this metric is drawn."""
    return scale_of(metric)


def curve_frame(records: Iterable[Record]) -> pd.DataFrame:
    """Every number of every training curve: scores under their metric id, diagnostics under ``player/term``."""
    lines = [
        (record.member.label, record.seed, point.images, point.train_seconds, key, value)
        for record in records
        for point in record.curve
        for key, value in (*point.scores.items(), *point.terms.items())
    ]
    return pd.DataFrame(lines, columns=list(CURVE))


@dataclass(frozen=True)
class Line:
    """One member's curve over its seeds; arrays of one length, one entry per point."""

    images: NDArray[np.float64]
    seconds: NDArray[np.float64]  # of training, mean over seeds
    mean: NDArray[np.float64]
    low: NDArray[np.float64]  # the lowest seed
    high: NDArray[np.float64]
    seeds: NDArray[np.int64]


def over_seeds(frame: pd.DataFrame, key: str) -> dict[str, Line]:
    """One key of a curve frame, gathered over seeds: member -> its line."""
    points = (
        frame.loc[frame["key"] == key]
        .groupby(["member", "images"])
        .agg(
            seconds=("seconds", "mean"),
            mean=("value", "mean"),
            low=("value", "min"),
            high=("value", "max"),
            seeds=("value", "size"),
        )
        .reset_index()
    )
    return {
        str(member): Line(*(mine[name].to_numpy() for name in ("images", "seconds", "mean", "low", "high", "seeds")))
        for member, mine in points.groupby("member")
    }


def in_order(names: Iterable[str], first: Sequence[str]) -> list[str]:
    """The names, those in `first` first and in that order, the others alphabetically after them."""
    found = set(names)
    return [name for name in dict.fromkeys(first) if name in found] + sorted(found - set(first))

"""Margins of the gate: how much worse a score may be before it counts. ``fid=5%``, ``precision=0.02``, ``parameters=1%``, ``flops=0``."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bench.boards.rows import Column
from bench.errors import UserError, unknown

PARAMETERS, FLOPS = "parameters", "flops"
TIMINGS = {"train_seconds", "seconds", "time", "training", "latency", "throughput"}
PATTERN = re.compile(r"(?P<value>[^%\s]+)\s*(?P<percent>%?)")


@dataclass(frozen=True)
class Margin:
    """How much worse a score may be: a share of the baseline, or in the score's own unit."""

    value: float
    relative: bool

    def __str__(self) -> str:
        return f"{100 * self.value:g} %" if self.relative else f"{self.value:g}"

    def worst(self, baseline: float, column: Column) -> float:
        """The worst raw value that still passes."""
        room = abs(baseline) * self.value if self.relative else self.value
        return baseline + room if column.better == "lower" else baseline - room


DEFAULT = Margin(0.05, relative=True)
EXACT = Margin(0.0, relative=True)
LARGEST_SHARE = 1.0  # of the baseline: a distance may double
LARGEST_AMOUNT = 10_000.0  # in the own unit of a metric


def parse(texts: Iterable[str], columns: Mapping[str, Column]) -> dict[str, Margin]:
    """Margins by metric id, from ``METRIC=SHARE%`` or ``METRIC=AMOUNT``.

    A metric is named in full (``fid@digits-cnn``) or without its network, meaning every column of that name. Raises
    UserError for what is not a margin, a metric that nothing reports, a margin given twice, and one that makes no sense.
    """
    margins: dict[str, Margin] = {}
    for text in texts:
        name, equals, amount = text.partition("=")
        found = PATTERN.fullmatch(amount.strip())
        if not (equals and name.strip() and found):
            raise UserError(f"margin {text!r} is not METRIC=AMOUNT. Write for instance fid=5% or precision=0.02.")
        margin = Margin(_number(text, found["value"]) / (100 if found["percent"] else 1), bool(found["percent"]))
        for metric in _metrics(name.strip(), columns):
            if metric in margins:
                raise UserError(f"margin {text!r}: {metric} has a margin already. Give each metric one.")
            _check(text, margin, columns.get(metric))
            margins[metric] = margin
    return margins


def _number(text: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise UserError(
            f"margin {text!r}: {value!r} is not an amount. Give a number of zero or more, such as 5% or 0.02."
        )
    return number


def _metrics(name: str, columns: Mapping[str, Column]) -> list[str]:
    if name in (PARAMETERS, FLOPS):
        return [name]
    if name in TIMINGS:
        raise UserError(
            f"margin {name}: seconds of separate runs do not gate, they differ by machine and by hour. "
            "Measure both sides interleaved on one machine: bench perf MEMBER --against BASELINE."
        )
    matching = [metric for metric in columns if name in (metric, metric.partition("@")[0])]
    if not matching:
        short = {metric.partition("@")[0] for metric in columns}
        raise unknown("metric of a margin", name, [*columns, *short, PARAMETERS, FLOPS])
    return matching


def _check(text: str, margin: Margin, column: Column | None) -> None:
    """Refuse what tolerates everything."""
    falling = column is not None and column.better == "higher"
    if margin.relative and margin.value >= 1 and falling:
        raise UserError(f"margin {text!r}: a score may not fall by 100 % or more. Give less.")
    if margin.value > (LARGEST_SHARE if margin.relative else LARGEST_AMOUNT) and (margin.relative or column):
        raise UserError(f"margin {text!r}: next to nothing could fail. Give a margin that can be exceeded, such as 5%.")
    if column and column.scale.kind == "logit" and not margin.relative and margin.value >= 1:
        raise UserError(f"margin {text!r}: {column.metric} lies between 0 and 1. Did you mean {margin.value:g}%?")

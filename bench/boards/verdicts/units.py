"""Differences between two groups of runs, back in the unit that people think in.

Tests happen on a metric's additive scale, turned so that lower is better; people read per cent (ratios of FIDs), points
(proportions) or the metric's own unit.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bench.boards import statistics as st
from bench.boards.rows import Column
from bench.formats import number


@dataclass(frozen=True)
class Unit:
    """What a shift on a metric's additive scale means beside a baseline."""

    column: Column
    base: float  # the baseline's mean on the additive scale

    def gain(self, shift: float) -> float:
        """The improvement (negative: the loss) that a shift of the loss means, in the unit of `words`."""
        raw = shift if self.column.better == "lower" else -shift
        scale = self.column.scale
        if scale.kind == "log":
            change = 100 * math.expm1(min(raw, 700.0))
        elif scale.kind == "logit":
            change = 100 * (scale.inverse(self.base + raw) - scale.inverse(self.base))
        else:
            change = raw
        return -change if self.column.better == "lower" else change

    def size(self, shift: float) -> float:
        """The size of a worsening by `shift`, in the unit of `words`."""
        return abs(self.gain(abs(shift)))

    def words(self, gain: float) -> str:
        """``12 %``, ``3.1 points`` or ``0.0021``."""
        text = number(gain, 2).replace("-", "−")
        return text + {"log": " %", "logit": " points", "identity": ""}[self.column.scale.kind]

    def span(self, one: float, other: float) -> str:
        """``5 to 19 %``, lower first."""
        low, high = sorted((one, other))
        return f"{number(low, 2).replace('-', '−')} to {self.words(high)}"

    def shift(self, worst: float) -> float:
        """How far from the baseline a raw value is on the additive scale."""
        return abs(self.column.scale.forward(worst) - self.base)

    @property
    def value(self) -> float:
        """The baseline's raw value."""
        return self.column.scale.inverse(self.base)


def unit(column: Column, baseline: Sequence[float]) -> Unit:
    """The unit of a metric beside the baseline's runs."""
    return Unit(column, st.mean([column.scale.forward(value) for value in baseline]))


def identical(count: int) -> str:
    """``identical in all 3 seeds``."""
    return "identical in 1 seed" if count == 1 else f"identical in all {count} seeds"


def seeds(count: int | None) -> str:
    """``8 seeds``, or that a thousand would not do."""
    if count is None:
        return f"more than {st.SEEDS_LIMIT:,} seeds"
    return "1 seed" if count == 1 else f"{count} seeds"

"""The scale on which a metric's noise is additive: the logarithm for distances such as FID, the log-odds for proportions,
the value itself otherwise.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from scipy import special  # pyright: ignore[reportMissingTypeStubs]

from bench import metric_facts
from bench.metric_facts import MetricFacts


@dataclass(frozen=True)
class Scale:
    """Where a score's noise is additive, and the smallest value that it can tell from its bound."""

    kind: Literal["log", "logit", "identity"]
    floor: float = 1e-6

    def forward(self, value: float) -> float:
        """The value on this scale. Values at a bound (FID 0, precision 1) are moved `floor` away from it."""
        if self.kind == "log":
            return math.log(max(value, self.floor))
        if self.kind == "logit":
            inside = min(max(value, self.floor), 1 - self.floor)
            return math.log(inside / (1 - inside))
        return value

    def inverse(self, value: float) -> float:
        """The value from this scale back."""
        if self.kind == "log":
            return math.exp(min(value, 700.0))
        if self.kind == "logit":
            return float(special.expit(value))
        return value


def scale_of(metric: str, samples: int = 10_000, recorded: Mapping[str, MetricFacts] = MappingProxyType({})) -> Scale:
    """The scale of a metric id such as ``fid@digits-cnn:held-out``; the value itself for a metric that is not known here.

    A proportion over `samples` images cannot be told from its bound by less than half an image. `recorded` are the facts
    of plug-in metrics that a record carries.
    """
    facts = metric_facts.known(metric, recorded)
    if facts is None:
        return Scale("identity")
    return Scale("logit", floor=0.5 / max(samples, 2)) if facts.scale == "logit" else Scale(facts.scale)

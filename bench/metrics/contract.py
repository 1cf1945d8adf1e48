"""What a metric gives, and a metric: its facts and its function."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.metric_facts import MetricFacts


@dataclass(frozen=True)
class Estimate:
    """A value with what is known about it. A metric may return this or a plain float."""

    value: float
    error: float | None = None  # standard deviation or standard error; the metric's summary says of what
    baseline: float | None = None  # the figure that held-out real images get in the place of the fakes
    flags: tuple[str, ...] = ()  # what the reader must know, e.g. "memorised"


@dataclass(frozen=True)
class Metric:
    """A metric that can be computed. ``function`` is pure: the inputs named in ``facts.needs``, by keyword, to a number."""

    name: str
    facts: MetricFacts
    function: Callable[..., float | Estimate]

"""Metrics: pure functions over features. Their facts are in metrics.toml, their functions in bench.metrics.table.

Other packages add theirs under the entry point group ``bench.metrics``, see docs/metrics.md.
"""

from collections.abc import Callable
from functools import cache
from typing import cast

from bench import metric_facts
from bench.errors import UserError
from bench.features.features import Features
from bench.metric_facts import MetricId
from bench.metrics import inputs
from bench.metrics.contract import Estimate, Metric
from bench.metrics.table import FUNCTIONS

__all__ = ["Estimate", "Features", "Metric", "MetricId", "find"]


@cache
def find(name: str) -> Metric:
    """The metric of that name (without extractor or split).

    Raises UserError with the nearest known name, or with what is wrong with the plug-in of that name.
    """
    facts = metric_facts.find(name)
    if name in FUNCTIONS:
        return Metric(name, facts, FUNCTIONS[name])
    point = metric_facts.plugins().points[name]
    try:
        function = point.load()
        for need in facts.needs:
            inputs.parse(need)
    except (Exception, SystemExit) as error:
        raise UserError(
            f"the metric {name!r} ({point.value}) cannot be loaded: {error!r}. Fix or uninstall its package."
        ) from error
    if not callable(function):
        raise UserError(f"the metric {name!r}: {point.value} is not a function. Fix or uninstall its package.")
    return Metric(name, facts, cast("Callable[..., float | Estimate]", function))

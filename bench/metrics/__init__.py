"""Metrics: pure functions over features, and the table that names them.

``METRICS`` holds what comes with the suite; ``installed`` adds what other packages register under the entry point group
``bench.metrics`` (each entry point names a ``Metric``).
"""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType

from bench.errors import UserError, unknown
from bench.features.features import Features
from bench.metrics.contract import Estimate, Metric, MetricId
from bench.metrics.table import ROWS

__all__ = ["METRICS", "Estimate", "Features", "Metric", "MetricId", "find", "installed"]

METRICS: Mapping[str, Metric] = MappingProxyType({row.name: row for row in ROWS})


@cache
def installed() -> Mapping[str, Metric]:
    """Every metric by name, those of other packages included; raises UserError when one of theirs is broken."""
    found = dict(METRICS)
    for point in entry_points(group="bench.metrics"):
        try:
            metric = point.load()
        except Exception as error:
            raise UserError(
                f"the metric {point.name!r} ({point.value}) cannot be imported: {error!r}. Mend or uninstall its package."
            ) from error
        if not isinstance(metric, Metric) or metric.name != point.name:
            raise UserError(
                f"the entry point {point.name!r} in the group 'bench.metrics' ({point.value}) was expected to be a "
                f"bench.metrics.Metric of that name. Mend or uninstall its package."
            )
        if metric.name in METRICS:
            raise UserError(f"{point.value} registers the metric {metric.name!r}, which the suite has. Rename it.")
        found[metric.name] = metric
    return MappingProxyType(found)


def find(name: str) -> Metric:
    """The metric of that name (without extractor or split); raises UserError with the nearest known name."""
    if name in METRICS:
        return METRICS[name]
    metrics = installed()
    if name not in metrics:
        raise unknown("metric", name, metrics)
    return metrics[name]

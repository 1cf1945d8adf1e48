"""Metric ids as people read them: ``fid@digits-cnn:held-out`` -> FID (digits-cnn, held-out)."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.metric_facts import known

ARROWS = {"lower": "↓", "higher": "↑"}


@dataclass(frozen=True)
class MetricName:
    """A metric id taken apart for people."""

    short: str  # "FID"
    network: str  # "digits-cnn", or ""
    held_out: bool

    @property
    def title(self) -> str:
        """``FID (digits-cnn, held-out)``."""
        return self._with([self.network, "held-out" if self.held_out else ""])

    def among(self, others: "Sequence[MetricName]") -> str:
        """The title without a network that all of `others` share: ``FID (held-out)``."""
        several = len({name.network for name in others if name.network}) > 1
        return self._with([self.network if several else "", "held-out" if self.held_out else ""])

    def _with(self, parts: Sequence[str]) -> str:
        inside = ", ".join(part for part in parts if part)
        return f"{self.short} ({inside})" if inside else self.short


def metric_name(metric: str) -> MetricName:
    """``fid@digits-cnn:held-out`` -> FID on digits-cnn against held-out images."""
    body, _, split = metric.partition(":")
    name, _, network = body.partition("@")
    facts = known(metric)
    return MetricName(facts.title if facts else name.replace("-", " "), network, split == "held-out")

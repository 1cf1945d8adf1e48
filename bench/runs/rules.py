"""A suite's rules, resolved on this machine: the protocol with the digests of everything that it names."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from bench import metric_facts
from bench.data import DataSet
from bench.features.networks import card, missing
from bench.features.networks import load as load_extractor
from bench.features.sample import Extractor
from bench.files import digest
from bench.metric_facts import MetricId
from bench.suites.suite import Suite
from bench.training.loop import Execution


@dataclass(frozen=True)
class Rules:
    """What decides whether two records may be compared, and what of it can be measured here."""

    suite: Suite
    dataset: DataSet
    execution: Execution
    _extractors: dict[str, Extractor] = field(default_factory=dict, repr=False)

    @cached_property
    def protocol(self) -> dict[str, Any]:
        """The suite's rules with the digests of what they met."""
        evaluation = self.suite.evaluation
        always = [MetricId.parse(text) for text in (*evaluation.metrics, evaluation.selection)]
        optional = [MetricId.parse(text) for text in evaluation.optional_metrics]
        extractors = {id_.extractor: self.extractor(id_.extractor) for id_ in always if id_.extractor}
        # From the cards, which are here when the weights are not: a protocol does not depend on what is installed.
        cards = {id_.extractor: card(id_.extractor) for id_ in optional if id_.extractor}
        return self.suite.protocol(
            {
                "data": {"digest": self.dataset.digest, "preprocessing": self.dataset.preprocessing},
                "metrics": {id_.name: metric_facts.find(id_.name).version for id_ in (*always, *optional)},
                "extractors": {
                    name: {"weights": found.digest, "preprocessing": found.preprocessing}
                    for name, found in sorted((cards | extractors).items())
                },
            }
        )

    @cached_property
    def digest(self) -> str:
        """Of the protocol. Equal, or not comparable."""
        return digest(self.protocol)

    @cached_property
    def absent(self) -> dict[str, str]:
        """The optional metrics that cannot be measured on this machine, each with the reason."""
        ids = [MetricId.parse(text) for text in self.suite.evaluation.optional_metrics]
        reasons = {str(id_): missing(id_.extractor) for id_ in ids if id_.extractor}
        return {metric: reason for metric, reason in reasons.items() if reason is not None}

    @property
    def metrics(self) -> tuple[str, ...]:
        """What is reported here: all metrics, and the optional ones whose extractors are available."""
        evaluation = self.suite.evaluation
        return (*evaluation.metrics, *(text for text in evaluation.optional_metrics if text not in self.absent))

    @property
    def curve_metrics(self) -> tuple[str, ...]:
        """What is measured at every point of the curve: the ranking metric, and the one that chooses the best checkpoint."""
        return tuple(dict.fromkeys((self.suite.ranking, self.suite.evaluation.selection)))

    def extractor(self, name: str) -> Extractor:
        """A feature network on this run's device, loaded once."""
        if name not in self._extractors:
            self._extractors[name] = load_extractor(name, str(self.execution.device))
        return self._extractors[name]

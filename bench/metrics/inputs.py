"""What a metric may ask for in ``needs``, and where it comes from.

A need is a side and a form, ``fake`` or ``real_statistics`` or ``train_images``, or one of the tools: ``extractor``,
``path_z``, ``path_w``.

sides   real (training split, or held-out split for an id with ":held-out"), fake, train, held_out; output and target of
        a paired task
forms   none: ``Features`` · statistics: ``Statistics`` · images: uint8 (N, C, H, W) · labels: int64 (N,) ·
        channels: ``Features`` of every channel by itself · spatial: ``Statistics`` of a map before its pooling
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor

from bench.errors import unknown
from bench.features.networks.spatial import spatial
from bench.features.sample import Extractor, Sample
from bench.features.statistics import Statistics
from bench.metric_facts import MetricFacts, MetricId
from bench.metrics.path_length import LatentPath

SIDES = ("real", "fake", "train", "held_out", "output", "target")
FORMS = ("", "statistics", "images", "labels", "channels", "spatial")
TOOLS = ("extractor", "path_z", "path_w")
EXTRACTED = ("", "statistics", "channels", "spatial")  # forms that need an extractor

Space = Literal["z", "w"]


@dataclass(frozen=True)
class Pairs:
    """Outputs of a translation or reconstruction, and what each of them should be."""

    output: Sample
    target: Sample


@dataclass(frozen=True)
class EvaluationInputs:
    """What is measured against what. Statistics made elsewhere may stand for a side."""

    train: Sample | Statistics
    held_out: Sample | Statistics | None  # None: there are no held-out real images
    fake: Sample | Statistics
    pairs: Pairs | None = None
    paths: Mapping[Space, LatentPath] = field(default_factory=dict)

    def side(self, name: str, held_out: bool = False) -> Sample | Statistics | None:
        """The sample or the statistics of a side, None where there are none. ``held_out``: which split "real" is."""
        match name:
            case "real":
                return self.held_out if held_out else self.train
            case "fake":
                return self.fake
            case "train":
                return self.train
            case "held_out":
                return self.held_out
            case "output":
                return None if self.pairs is None else self.pairs.output
            case "target":
                return None if self.pairs is None else self.pairs.target
            case _:
                raise unknown("side", name, SIDES)


@dataclass(frozen=True)
class MetricRequest:
    """One metric on some inputs: through one extractor or none, with one split as the real side.

    Its inputs were checked (bench.metrics.preconditions): here they are there.
    """

    metric: MetricId
    facts: MetricFacts
    inputs: EvaluationInputs
    extractor: Extractor | None

    def side(self, name: str) -> Sample | Statistics:
        """The sample or the statistics of a side."""
        found = self.inputs.side(name, self.metric.held_out)
        assert found is not None
        return found

    def sample(self, name: str) -> Sample:
        """The sample of a side."""
        found = self.side(name)
        assert isinstance(found, Sample)
        return found

    def value(self, need: str) -> object:
        """The input of that name."""
        side, form = parse(need)
        if not side:
            return self.extractor if form == "extractor" else self.inputs.paths[_space(form)]
        match form:
            case "statistics":
                return self._statistics(side)
            case "images":
                return self.sample(side).batch(0, len(self.sample(side)))
            case "labels":
                return self._labels(side)
            case "channels":
                return self.sample(side).channels.features(self._network())
            case "spatial":
                return self.sample(side).statistics(spatial(self._network()))
            case _:
                return self.sample(side).features(self._network())

    def _statistics(self, side: str) -> Statistics:
        found = self.side(side)
        return found if isinstance(found, Statistics) else found.statistics(self._network())

    def _labels(self, side: str) -> Tensor:
        labels = self.sample(side).labels
        assert labels is not None
        return labels

    def _network(self) -> Extractor:
        assert self.extractor is not None
        return self.extractor


def parse(need: str) -> tuple[str, str]:
    """(side, form) of a need, ("", need) of a tool; raises UserError for anything else."""
    if need in TOOLS:
        return "", need
    for side in SIDES:
        if need == side:
            return side, ""
        if need.startswith(f"{side}_") and need.removeprefix(f"{side}_") in FORMS:
            return side, need.removeprefix(f"{side}_")
    raise unknown("input of a metric", need, [*TOOLS, *(f"{s}_{f}".strip("_") for s in SIDES for f in FORMS)])


def needs_extractor(need: str) -> bool:
    """Whether a need is computed by a feature network."""
    side, form = parse(need)
    return form in EXTRACTED if side else form == "extractor"


def spaces_of(facts: MetricFacts) -> list[Space]:
    """The latent spaces that a metric walks in."""
    return [_space(need) for need in facts.needs if need in ("path_z", "path_w")]


def sides_of(facts: MetricFacts) -> dict[str, set[str]]:
    """The sides that a metric looks at, each with the forms in which it does."""
    found: dict[str, set[str]] = {}
    for side, form in map(parse, facts.needs):
        if side:
            found.setdefault(side, set()).add(form)
    return found


def _space(tool: str) -> Space:
    return "z" if tool == "path_z" else "w"

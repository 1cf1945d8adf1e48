"""What a metric may ask for in ``needs``, and where it comes from.

A need is a side and a form, ``fake`` or ``real_statistics`` or ``train_images``, or one of the tools: ``extractor``,
``path_z``, ``path_w``.

sides   real (training split, or held-out split for an id with ":held-out"), fake, train, held_out; output and target of
        a paired task
forms   none: ``Features`` · statistics: ``Statistics`` · images: uint8 (N, C, H, W) · labels: int64 (N,) ·
        channels: ``Features`` of every channel by itself
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from bench.errors import UserError, unknown
from bench.features.sample import Extractor, Sample
from bench.features.statistics import Statistics
from bench.metrics.path_length import LatentPath


@dataclass(frozen=True)
class Pairs:
    """Outputs of a translation or reconstruction, and what each of them should be."""

    output: Sample
    target: Sample


@dataclass(frozen=True)
class EvaluationInputs:
    """What is measured against what. Reference statistics made elsewhere may stand for a real split."""

    train: Sample | Statistics
    held_out: Sample | Statistics
    fake: Sample
    pairs: Pairs | None = None
    paths: Mapping[Literal["z", "w"], LatentPath] = field(default_factory=dict)


@dataclass(frozen=True)
class MetricRequest:
    """A subject as one metric id sees it: through one extractor or none, with one split as the real side."""

    metric: str  # the id, for messages
    subject: EvaluationInputs
    extractor: Extractor | None
    held_out: bool

    def side(self, name: str) -> Sample | Statistics:
        """The sample (or reference statistics) of a side; raises UserError for pairs that are not there."""
        return SIDES[name](self)

    def sample(self, name: str) -> Sample:
        """The sample of a side; raises UserError when only reference statistics are known."""
        side = self.side(name)
        if isinstance(side, Statistics):
            raise UserError(
                f"metric {self.metric!r} needs real images; the real side is reference statistics (mean and covariance), "
                f"which serve FID only. Name a data set or a folder of images instead."
            )
        return side

    def features_by(self) -> Extractor:
        """The extractor; raises UserError when the id names none."""
        if self.extractor is None:
            name = self.metric.partition(":")[0]
            raise UserError(
                f"metric {self.metric!r} needs an extractor. Write for instance '{name}@digits-cnn' "
                f"(see `bench list extractors`)."
            )
        return self.extractor

    def _pairs(self) -> Pairs:
        if self.subject.pairs is None:
            raise UserError(f"metric {self.metric!r} compares pairs of images; this task has none. Leave it away.")
        return self.subject.pairs

    def _path(self, space: Literal["z", "w"]) -> LatentPath:
        if space not in self.subject.paths:
            raise UserError(f"metric {self.metric!r} needs a generator with a latent space {space}. Leave it away.")
        return self.subject.paths[space]

    def _statistics(self, name: str) -> Statistics:
        side = self.side(name)
        return side if isinstance(side, Statistics) else side.statistics(self.features_by())

    def _labels(self, name: str) -> object:
        sample = self.sample(name)
        if sample.labels is None:
            raise UserError(f"metric {self.metric!r} needs class labels; {sample.name} has none. Leave it away.")
        return sample.labels


SIDES: Mapping[str, Callable[[MetricRequest], Sample | Statistics]] = {
    "real": lambda case: case.subject.held_out if case.held_out else case.subject.train,
    "fake": lambda case: case.subject.fake,
    "train": lambda case: case.subject.train,
    "held_out": lambda case: case.subject.held_out,
    "output": lambda case: case._pairs().output,
    "target": lambda case: case._pairs().target,
}
FORMS: Mapping[str, Callable[[MetricRequest, str], object]] = {
    "": lambda case, side: case.sample(side).features(case.features_by()),
    "statistics": lambda case, side: case._statistics(side),
    "images": lambda case, side: case.sample(side).batch(0, len(case.sample(side))),
    "labels": lambda case, side: case._labels(side),
    "channels": lambda case, side: case.sample(side).channels.features(case.features_by()),
}
TOOLS: Mapping[str, Callable[[MetricRequest], object]] = {
    "extractor": lambda case: case.features_by(),
    "path_z": lambda case: case._path("z"),
    "path_w": lambda case: case._path("w"),
}
EXTRACTED = {"", "statistics", "channels"}  # forms that need an extractor


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


def resolve(case: MetricRequest, need: str) -> object:
    """The value of a need."""
    side, form = parse(need)
    return FORMS[form](case, side) if side else TOOLS[form](case)


def needs_extractor(need: str) -> bool:
    """Whether a need is computed by a feature network."""
    side, form = parse(need)
    return form in EXTRACTED if side else form == "extractor"

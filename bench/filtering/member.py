"""A trained member, its judge and its data: from a record or a checkpoint to a curve, or to images that were kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Literal

import numpy as np
from torch import Tensor

from bench.data import DataSet
from bench.errors import UserError
from bench.features import networks
from bench.features.sample import Sample
from bench.filtering.curve import Point, Scorer, points
from bench.filtering.judges import Critic, Judge, Realism, preference
from bench.filtering.selection import best, candidates
from bench.metrics import MetricId
from bench.metrics.measure import Measurement, measure
from bench.runs import trained_model
from bench.runs.rescore import Rules, data_set_of, rules_of
from bench.runs.trained_model import Trained, Which
from bench.training.execution import Execution
from bench.training.sampling import SampleRequest, generate, request

By = Literal["realism", "critic"]
SAMPLES = 1_000  # where the suite of a checkpoint is not known
USUAL = ("fid", "precision", "recall")


@dataclass(frozen=True)
class Filter:
    """A trained member and whoever judges its images."""

    trained: Trained
    rules: Rules
    by: By
    extractor: str  # of realism and of the usual metrics
    execution: Execution
    real: str | None = None  # the data set, where the record does not say it
    data_root: Path | None = None

    @cached_property
    def dataset(self) -> DataSet:
        """The member's real images. Raises UserError where they are not known."""
        return data_set_of(self.real or self.rules.data, self.rules, self.trained, self.data_root)

    @cached_property
    def train(self) -> Sample:
        """The training split."""
        return self._split("train")

    @cached_property
    def held_out(self) -> Sample:
        """The held-out split."""
        return self._split("held_out")

    @cached_property
    def judge(self) -> Judge:
        """Whoever judges; realism by the training split."""
        if self.by == "critic":
            return Critic(self.trained, self.execution.device)
        return Realism(self.train, networks.load(self.extractor, device=str(self.execution.device)))

    def curve(
        self, rates: Sequence[float], metrics: Sequence[str], count: int | None, seeds: Sequence[int]
    ) -> list[Point]:
        """The scores of `count` images kept at each rate, for each sample seed; None: as many as the suite scores."""
        ids = list(metrics) or [f"{name}@{self.extractor}" for name in USUAL]
        wanted = count or self.rules.samples or min(SAMPLES, len(self.dataset.train))
        most = candidates(wanted, min(rates))
        return [point for seed in seeds for point in self._points(rates, ids, wanted, most, seed)]

    def preference(self, count: int = SAMPLES) -> float:
        """The probability that the judge puts a held-out image above a generated one."""
        asked = request(self.trained.gan, self.dataset, min(count, len(self.held_out)), 0)
        fake = self._made(asked)
        real = self.held_out.batch(0, asked.count)
        labels = None if self.held_out.labels is None else self.held_out.labels[: asked.count]
        return preference(self.judge, real, fake, (labels, asked.labels))

    def kept(self, count: int, seed: int, truncation: float, rate: float) -> tuple[Tensor, Tensor]:
        """`count` images, the best of count / rate; and their places among these."""
        asked = self.trained.request(candidates(count, rate), seed, truncation)
        images = self._made(asked)
        labels = asked.labels if self.trained.gan.task == "conditional" else None
        places = best(self.judge(images, asked.labels), count, labels)
        return images[places], places

    def _points(self, rates: Sequence[float], ids: Sequence[str], count: int, most: int, seed: int) -> list[Point]:
        asked = request(self.trained.gan, self.dataset, most, seed)
        conditional = self.trained.gan.task == "conditional"
        labels = asked.labels if conditional else None
        return points(self._made(asked), labels, self.judge, rates, count, seed, self._scorer(ids))

    def _scorer(self, ids: Sequence[str]) -> Scorer:
        load = partial(networks.load, device=str(self.execution.device))

        def score(fake: Sample) -> list[Measurement]:
            return measure(ids, self.train, self.held_out, fake, load)

        return score

    def _made(self, asked: SampleRequest) -> Tensor:
        return generate(self.trained.gan, self.trained.nets, asked, self.trained.spec, self.execution)

    def _split(self, kind: Literal["train", "held_out"]) -> Sample:
        split = getattr(self.dataset, kind)
        name = f"{kind.replace('_', '-')} split of {self.dataset.name}"
        return Sample.of(np.asarray(split.images), split.labels, name=name, keep=True)


def load(
    source: Path, by: By, execution: Execution, *, which: Which = "last", extractor: str | None = None,
    real: str | None = None, data_root: Path | None = None,
) -> Filter:  # fmt: skip
    """From a record or a checkpoint. `extractor`: None is that of the suite's first metric.

    Raises UserError for a member that translates pictures, and where no extractor is known.
    """
    trained = trained_model.load(source, which, execution.device)
    if trained.gan.latents is None:
        raise UserError(f"member {trained.identity.member!r} translates pictures: there is nothing to choose among.")
    rules = rules_of(source, trained)
    known = next((name for text in rules.metrics if (name := MetricId.parse(text).extractor) is not None), None)
    if extractor is None and known is None:
        raise UserError("the suite of this checkpoint is not known here. Name an extractor: --extractor.")
    return Filter(trained, rules, by, extractor or str(known), execution, real, data_root)

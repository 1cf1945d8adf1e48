"""A suite meets this machine: its data set, its real samples, its resolved protocol, its jobs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bench import members, metric_facts
from bench.data import DataSet, Split, describe, load
from bench.errors import UserError
from bench.features.networks import card, missing
from bench.features.networks import load as load_extractor
from bench.features.sample import Extractor, Sample
from bench.files import digest
from bench.gan import ImageSpec
from bench.metric_facts import MetricId
from bench.paths import home
from bench.records import record as records
from bench.records.record import Role
from bench.runs.calibration import CALIBRATIONS
from bench.suites.suite import Budget, Suite
from bench.training.allocator import keep_freed_memory
from bench.training.checkpoint import Identity
from bench.training.loop import Execution

CALIBRATION_VERSION = 1  # of the rows in bench.runs.calibration: raised whenever their images change


@dataclass(frozen=True)
class Job:
    """One member with one seed under the suite's protocol: one run, one record."""

    member: members.Listing
    source_digest: str
    seed: int
    digest: str
    role: Role = "member"

    @property
    def trains(self) -> bool:
        """Whether there is a network to train: most calibration rows have none."""
        return self.member.name not in CALIBRATIONS


@dataclass(frozen=True)
class Experiment:
    """All that the jobs of a suite share."""

    suite: Suite
    dataset: DataSet
    execution: Execution
    results: Path

    @property
    def spec(self) -> ImageSpec:
        """What a builder is told."""
        data = self.dataset
        return ImageSpec(data.channels, data.resolution, len(data.classes), data.source_channels)

    @property
    def shows_data(self) -> bool:
        """Whether pictures of the data set itself may be kept beside a record."""
        wanted = self.suite.show_data
        return describe(self.suite.data.name).shown if wanted is None else wanted

    @cached_property
    def protocol(self) -> dict[str, Any]:
        """The suite's rules with the digests of what they met."""
        evaluation = self.suite.evaluation
        always = [MetricId.parse(text) for text in (*evaluation.metrics, evaluation.selection)]
        optional = [MetricId.parse(text) for text in evaluation.optional_metrics]
        extractors = {id_.extractor: self.extractor(id_.extractor) for id_ in always if id_.extractor}
        # From the cards, which are here when the weights are not: a protocol does not depend on what is installed.
        cards = {id_.extractor: card(id_.extractor) for id_ in optional if id_.extractor}
        parts = self.execution.accumulate  # batch norm sees one part at a time: other numbers, another protocol
        return self.suite.protocol(
            {
                **({"accumulate": parts} if parts > 1 else {}),
                "data": {"digest": self.dataset.digest, "preprocessing": self.dataset.preprocessing},
                "metrics": {id_.name: metric_facts.find(id_.name).version for id_ in (*always, *optional)},
                "extractors": {
                    name: {"weights": found.digest, "preprocessing": found.preprocessing}
                    for name, found in sorted((cards | extractors).items())
                },
            }
        )

    @cached_property
    def protocol_digest(self) -> str:
        """Equal, or not comparable."""
        return digest(self.protocol)

    @cached_property
    def absent(self) -> dict[str, str]:
        """The optional metrics that cannot be measured on this machine, each with the reason."""
        ids = [MetricId.parse(text) for text in self.suite.evaluation.optional_metrics]
        reasons = {str(id_): missing(id_.extractor) for id_ in ids if id_.extractor}
        return {metric: reason for metric, reason in reasons.items() if reason is not None}

    @property
    def metrics(self) -> tuple[str, ...]:
        """What is reported here: all metrics, and the optional ones whose extractors are at hand."""
        evaluation = self.suite.evaluation
        return (*evaluation.metrics, *(text for text in evaluation.optional_metrics if text not in self.absent))

    @cached_property
    def train(self) -> Sample:
        """The training split as the metrics see it."""
        return _sample(self.dataset.train, f"training split of {self.dataset.name}")

    @cached_property
    def held_out(self) -> Sample:
        """The held-out split as the metrics see it."""
        return _sample(self.dataset.held_out, f"held-out split of {self.dataset.name}")

    @cached_property
    def _extractors(self) -> dict[str, Extractor]:
        return {}

    def extractor(self, name: str) -> Extractor:
        """A feature network on this run's device, loaded once."""
        if name not in self._extractors:
            self._extractors[name] = load_extractor(name, str(self.execution.device))
        return self._extractors[name]

    def job(self, member: members.Listing, seed: int, role: Role = "member") -> Job:
        """The job of a member and a seed."""
        made = member.name in CALIBRATIONS
        source = digest([member.entry_point, CALIBRATION_VERSION]) if made else members.source_digest(member)
        return Job(member, source, seed, records.job_digest(member.name, source, self.protocol_digest, seed), role)

    def jobs(self, names: Sequence[str] = (), seeds: Sequence[int] = ()) -> list[Job]:
        """Every job of the suite, or of some members (of the suite or not) and seeds; calibration rows last.

        What needs no training has one job, whatever the seeds. Raises UserError for unknown members.
        """
        jobs: list[Job] = []
        for name in names or (*self.suite.members, *self.suite.calibration):
            made = name in CALIBRATIONS
            member = (
                members.Listing(name, f"bench.runs.calibration:{name}", "gan-bench") if made else members.find(name)
            )
            role: Role = "calibration" if made or name in self.suite.calibration else "member"
            jobs += [self.job(member, seed, role) for seed in ([0] if made else seeds or self.suite.seeds)]
        return jobs

    def training(self, job: Job) -> Budget:
        """The job's budget."""
        return self.suite.training_of(job.member.name, job.member.entry_point)

    def identity(self, job: Job) -> Identity:
        """What the job's checkpoints belong to."""
        member = job.member
        return Identity(
            self.suite.name, member.name, member.entry_point, job.source_digest, self.protocol_digest, job.seed
        )

    def folder(self, job: Job) -> Path:
        """Where the job's records and pictures go."""
        return self.results / self.suite.name / job.member.name

    def cache(self, job: Job) -> Path:
        """Where the job's checkpoints live."""
        return home() / "checkpoints" / self.suite.name / job.member.name / f"{job.seed}-{job.digest}"

    def attempts(self, job: Job) -> list[Path]:
        """The job's record files, the latest last."""
        stem = records.file_stem(job.seed, job.digest)
        return sorted(self.folder(job).glob(f"{stem}*.json"), key=lambda path: (len(path.stem), path.stem))


def prepare(suite: Suite, results: Path, execution: Execution, data_root: Path | None = None) -> Experiment:
    """Load the suite's data set and check its metrics and extractors before any training.

    Raises UserError for data that is not there, an unknown metric or extractor, or a results folder that cannot be written.
    """
    _check_writable(results)
    if execution.device.type == "cpu":
        keep_freed_memory()
    dataset = load(suite.data.name, resolution=suite.data.resolution, data_root=data_root)
    experiment = Experiment(suite, dataset, execution, results)
    _ = experiment.protocol_digest
    for name in {MetricId.parse(text).extractor for text in experiment.metrics}:
        if name is not None:
            experiment.extractor(name)  # weights that are damaged are said to be so now, not after a training
    return experiment


def _check_writable(results: Path) -> None:
    probe = results / ".writable"
    records.write_atomically(probe, b"")
    probe.unlink(missing_ok=True)


def _sample(split: Split, name: str) -> Sample:
    if len(split.images) == 0:
        raise UserError(f"{name}: is empty. Give a data set with images.")
    labels = None if split.labels is None else np.asarray(split.labels)
    return Sample.of(split.images, labels, name=name, keep=True)

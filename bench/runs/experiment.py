"""A suite meets this machine: its data set, its real samples, its resolved protocol, its jobs."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from bench import members
from bench.data import DataSet, Split, describe, load
from bench.errors import UserError
from bench.features.sample import Sample
from bench.files import write_atomically
from bench.gan import ImageSpec
from bench.metric_facts import MetricId
from bench.records import record as records
from bench.records.parts import Role
from bench.runs.budget import JobBudget, resolve
from bench.runs.calibration import CALIBRATIONS
from bench.runs.jobs import Job, JobFiles, listing_of, source_of
from bench.runs.rules import Rules
from bench.suites.suite import Precision, Suite
from bench.training.allocator import keep_freed_memory
from bench.training.checkpoint import Identity
from bench.training.loop import Execution

__all__ = ["Experiment", "Job", "RealSamples", "prefer", "prepare"]


@dataclass(frozen=True)
class RealSamples:
    """The two splits as the metrics see them; their features are computed once."""

    dataset: DataSet

    @cached_property
    def train(self) -> Sample:
        """The training split."""
        return _sample(self.dataset.train, f"training split of {self.dataset.name}")

    @cached_property
    def held_out(self) -> Sample:
        """The held-out split."""
        return _sample(self.dataset.held_out, f"held-out split of {self.dataset.name}")


@dataclass(frozen=True)
class Experiment:
    """All that the jobs of a suite share."""

    suite: Suite
    dataset: DataSet
    execution: Execution
    files: JobFiles
    _budgets: dict[str, JobBudget] = field(default_factory=dict, repr=False)  # by member: counted once

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
    def rules(self) -> Rules:
        """The protocol and what of it can be measured here."""
        return Rules(self.suite, self.dataset, self.execution)

    @cached_property
    def real(self) -> RealSamples:
        """What generated images are compared with."""
        return RealSamples(self.dataset)

    def jobs(self, names: Sequence[str] = (), seeds: Sequence[int] = (), author: str = "") -> list[Job]:
        """Every job of the suite, or of some members (of the suite or not) and seeds; calibration rows last.

        What needs no training has one job, whatever the seeds. `author` stands for members that are in no package.
        Raises UserError for unknown members.
        """
        jobs: list[Job] = []
        for name in names or (*self.suite.members, *self.suite.calibration):
            role: Role = "calibration" if name in (*CALIBRATIONS, *self.suite.calibration) else "member"
            member = listing_of(name, self.suite.training.width if role == "member" else None)
            source = source_of(member)
            for seed in [0] if name in CALIBRATIONS else seeds or self.suite.seeds:
                job = records.job_digest(member.name, source.digest, self.rules.digest, seed)
                jobs.append(Job(member, source, seed, job, role, "" if member.distribution else author))
        return jobs

    def unscaled(self, jobs: Sequence[Job]) -> list[str]:
        """The members whose width the suite would scale and cannot: their builders have no such parameter."""
        if self.suite.training.width is None:
            return []
        trained = {job.member.name: job.member for job in jobs if job.role == "member"}
        return sorted(name for name, member in trained.items() if "width" not in members.declared(member))

    def budget(self, job: Job) -> JobBudget:
        """How much the job trains. Raises UserError for a member whose compute cannot be counted where it is the budget."""
        member = job.member
        if member.name not in self._budgets:
            asked = self.suite.training_of(member.base, member.entry_point)
            self._budgets[member.name] = resolve(asked, member, self.spec)
        return self._budgets[member.name]

    def identity(self, job: Job) -> Identity:
        """What the job's checkpoints belong to."""
        member = job.member
        return Identity(
            self.suite.name, member.name, member.entry_point, job.source_digest, self.rules.digest, job.seed
        )


def prefer(
    suite: Suite,
    execution: Execution,
    precision: Precision | None = None,
    channels_last: bool | None = None,
    parts: int | None = None,
) -> tuple[Suite, Execution]:
    """The suite and its execution with the preferred precision and parts of a batch (None: the suite's) and layout (None: where
    it pays).

    Another precision or number of parts is another protocol; the layout is recorded, but changes speed and last bits only.
    """
    changes: dict[str, object] = {} if precision is None else {"precision": precision}
    if parts is not None:
        changes["parts"] = parts if parts > 1 else None
    training = suite.training.model_copy(update=changes)
    if channels_last is None:
        channels_last = execution.channels_last_pays(execution.device, training.precision, training.batch_size)
    execution = replace(execution, precision=training.precision, channels_last=channels_last, parts=training.parts or 1)
    return suite.model_copy(update={"training": training}), execution


def prepare(
    suite: Suite, results: Path, execution: Execution, data_root: Path | None = None, *, skip_broken: bool = False
) -> Experiment:
    """Load the suite's data set and check its metrics and extractors before any training.

    Raises UserError for data that is not there, an unknown metric or extractor, or a results folder that cannot be written.
    """
    _check_writable(results)
    if execution.device.type == "cpu":
        keep_freed_memory()
    data = suite.data
    dataset = load(data.name, resolution=data.resolution, data_root=data_root, skip_broken=skip_broken)
    experiment = Experiment(suite, dataset, execution, JobFiles.of(suite.name, results))
    _ = experiment.rules.digest
    for name in {MetricId.parse(text).extractor for text in experiment.rules.metrics}:
        if name is not None:
            experiment.rules.extractor(name)  # weights that are damaged are said to be so now, not after a training
    return experiment


def _check_writable(results: Path) -> None:
    probe = results / ".writable"
    write_atomically(probe, b"")
    probe.unlink(missing_ok=True)


def _sample(split: Split, name: str) -> Sample:
    if len(split.images) == 0:
        raise UserError(f"{name}: is empty. Give a data set with images.")
    labels = None if split.labels is None else np.asarray(split.labels)
    return Sample.of(split.images, labels, name=name, keep=True)

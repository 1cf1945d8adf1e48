"""`bench verify RECORD`: the run is made again, from its first image, and held against what was recorded."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from bench.errors import UserError
from bench.records import record as records
from bench.records.record import Record
from bench.runs.experiment import Experiment, Job, prefer, prepare
from bench.runs.jobs import JobFiles
from bench.runs.own_data import FILE
from bench.runs.run import Event, Finished, run
from bench.suites.suite import Suite, load, names
from bench.training.environment import threads_kept
from bench.training.loop import Execution


@dataclass(frozen=True)
class Comparison:
    """One number of a record beside that of the run that was made again."""

    name: str  # "fid@digits-cnn last, sample seed 0"
    recorded: float | str | None
    again: float | str | None

    @property
    def difference(self) -> float:
        """Relative to the recorded number; 0: equal to the last bit; infinite where one of them is missing."""
        if self.recorded == self.again:
            return 0.0
        if not isinstance(self.recorded, float) or not isinstance(self.again, float):
            return float("inf")
        return abs(self.again - self.recorded) / max(abs(self.recorded), 1e-12)


@dataclass(frozen=True)
class Verification:
    """What came of it."""

    comparisons: tuple[Comparison, ...]
    surroundings: tuple[str, ...]  # what differs of machine and versions, e.g. "threads: 2, now 1"

    def holds(self, tolerance: float) -> bool:
        """Whether every number was found again."""
        return all(comparison.difference <= tolerance for comparison in self.comparisons)


def experiment_of(
    path: Path, device: str | None = None, data_root: Path | None = None
) -> tuple[Experiment, Job, Record]:
    """The experiment and the job that a record is of, on this machine.

    Raises UserError when the suite is not found, or the protocol or the member's code is another now.
    """
    record = records.read(path)
    if record.adoption or record.compression:
        raise UserError(f"{path}: was not trained by its suite. Make it again with its command: {record.command}")
    suite, environment = _suite(path, record), record.environment
    execution = Execution(torch.device(device or environment.device), compiled=environment.compiled)
    training = record.protocol["training"]
    suite, execution = prefer(
        suite, execution, training["precision"], environment.channels_last, training.get("parts", 1)
    )
    experiment = prepare(suite, path.parents[2], execution, data_root)
    member = record.member
    (job,) = experiment.jobs([_name(record)], [record.seed], member.author)
    if experiment.rules.digest != record.protocol_digest:
        raise UserError(
            f"{path}: the protocol of {suite.name} is another now: see `bench explain {path} SUITE/MEMBER/SEED`."
        )
    if job.source_digest != member.source_digest:
        raise UserError(f"{path}: the code of member {member.name!r} is another now. {_where(record)}")
    return experiment, job, record


def again(experiment: Experiment, job: Job, threads: int) -> Iterator[Event]:
    """The job from its first image, in folders that are gone afterwards; with as many threads as it had."""
    with tempfile.TemporaryDirectory(prefix="bench-verify-") as folder, threads_kept():
        torch.set_num_threads(threads)
        files = JobFiles(experiment.suite.name, Path(folder) / "results", Path(folder) / "checkpoints")
        yield from run(replace(experiment, files=files), [job])


def compared(recorded: Record, events: list[Event]) -> Verification:
    """Status, steps, scores and curve of both. Raises UserError when the second run left no record."""
    found = next((event.record for event in events if isinstance(event, Finished)), None)
    if found is None:
        raise UserError("the run that was made again left no record.")
    old, new = dict(_numbers(recorded)), dict(_numbers(found))
    return Verification(
        tuple(Comparison(name, old.get(name), new.get(name)) for name in dict.fromkeys([*old, *new])),
        tuple(_surroundings(recorded, found)),
    )


def _numbers(record: Record) -> Iterator[tuple[str, float | str]]:
    yield "status", record.status
    yield "steps", float(record.steps)
    for score in record.scores:
        yield f"{score.metric} {score.checkpoint}, sample seed {score.sample_seed}", score.value
    for point in record.curve:
        for metric, value in point.scores.items():
            yield f"{metric} after {point.images:,} images", value


def _surroundings(old: Record, new: Record) -> Iterator[str]:
    """Only rounding depends on these, and training amplifies it."""
    before, now = old.environment.model_dump(), new.environment.model_dump()
    for key in ("cpu", "accelerator", "device", "threads", "python", "channels_last", "compiled", "packages"):
        if before[key] != now[key]:
            yield f"{key}: {_short(before[key], now[key])}, now {_short(now[key], before[key])}"


def _short(value: Any, other: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    return ", ".join(f"{name} {said}" for name, said in value.items() if other.get(name) != said) or "none"


def _suite(path: Path, record: Record) -> Suite:
    kept = path.parents[1] / FILE
    if record.suite in names():
        return load(record.suite)
    if kept.is_file():
        return load(str(kept))
    raise UserError(f"{path}: the suite {record.suite!r} does not come with the bench, and there is no {kept}.")


def _name(record: Record) -> str:
    """The member as `--member` takes it."""
    member = record.member
    if member.role == "calibration" or member.entry_point.startswith("bench.runs.calibration:"):
        return member.name
    from bench.members import Listing, listings

    made = Listing(member.name, member.entry_point, "")
    registered = listings().get(made.base)
    same = registered is not None and registered.entry_point == member.entry_point
    return member.name if same else made.argument


def _where(record: Record) -> str:
    """How to get the code that the record is of."""
    copy = next((item.path for item in record.artifacts if item.kind == "source" and item.path), None)
    if copy is not None:
        return f"Its files are in {copy} beside the record: unpack them into a folder and run from there."
    if record.member.commit is not None and not record.member.dirty:
        return f"Check out commit {record.member.commit[:12]} of its repository."
    return (
        f"Install {record.member.distribution}."
        if record.member.distribution
        else "The record does not say where it is."
    )

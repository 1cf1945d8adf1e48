"""A suite to its missing jobs, a job to its record. The same command resumes: what has a record is not run again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from torch import Tensor

from bench import members
from bench.errors import UserError
from bench.features.sample import Sample
from bench.gan import GAN
from bench.metrics.measure import Pairs, require
from bench.records import record as records
from bench.records.record import Record, Status
from bench.runs import calibration_job
from bench.runs.experiment import Experiment, Job
from bench.runs.job import JobRun, Progress
from bench.training.loop import Execution
from bench.training.sampling import generate, request, targets

CHECKPOINT_SECONDS = 60.0
FAILURES: tuple[Status, ...] = ("failed", "out-of-memory")


@dataclass(frozen=True)
class Finished:
    """A job has its record."""

    job: Job
    record: Record
    path: Path


@dataclass(frozen=True)
class Skipped:
    """A job is not run, and why: it has a record, or another process is running it."""

    job: Job
    reason: str


Event = Progress | Finished | Skipped


def status(experiment: Experiment, job: Job) -> Status | None:
    """How the job's latest attempt ended, or None when it has not been run. Raises UserError for an unsound record."""
    attempts = experiment.files.attempts(job)
    return records.read(attempts[-1]).status if attempts else None


def todo(experiment: Experiment, jobs: Sequence[Job], *, retry_failed: bool = False) -> list[Job]:
    """The jobs that have no record yet; with `retry_failed` also those that failed. A diverged run is a result."""
    again = FAILURES if retry_failed else ()
    return [job for job in jobs if (found := status(experiment, job)) is None or found in again]


def run(
    experiment: Experiment,
    jobs: Sequence[Job],
    *,
    retry_failed: bool = False,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Iterator[Event]:
    """Run what is missing, one job after the other, and tell what happens.

    Several processes may do this at once on the same folder: each job is claimed by one of them. Every member is tried
    before the first is trained, so that a mistake in one is said at once. Raises UserError for what the user can mend.
    """
    waiting = todo(experiment, jobs, retry_failed=retry_failed)
    for job in jobs:
        if job not in waiting:
            yield Skipped(job, "has a record")
    for job in {job.member.entry_point: job for job in waiting if job.trains}.values():
        _dry_run(experiment, job)
    for job in waiting:
        yield from _claim_and_run(experiment, job, retry_failed, checkpoint_seconds)


def _claim_and_run(experiment: Experiment, job: Job, retry_failed: bool, checkpoint_seconds: float) -> Iterator[Event]:
    """The lock belongs to the process: it is free again when the process ends, however it ends."""
    lock = experiment.files.folder(job) / f".{records.file_stem(job.seed, job.digest)}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(lock, timeout=0):
            if not todo(experiment, [job], retry_failed=retry_failed):
                yield Skipped(job, "has a record")
                return
            yield from _run(experiment, job, checkpoint_seconds)
    except Timeout:
        yield Skipped(job, "another process is running it")
    except OSError as error:
        raise UserError(
            f"{lock}: cannot be locked: {error.strerror}. Give a results folder you may write to."
        ) from None


def _run(experiment: Experiment, job: Job, checkpoint_seconds: float) -> Iterator[Event]:
    attempt = len(experiment.files.attempts(job)) + 1
    events = (
        JobRun(experiment, job, attempt, checkpoint_seconds).run()
        if job.trains
        else calibration_job.run(experiment, job, attempt)
    )
    for event in events:
        if isinstance(event, Record):
            path = records.write(event, experiment.files.results)
            (experiment.files.cache(job) / "training.pt").unlink(missing_ok=True)
            yield Finished(job, event, path)
        else:
            yield event


def _dry_run(experiment: Experiment, job: Job) -> None:
    """Build a member and generate two images, so that what cannot work is said before anything is trained."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        gan = members.builder(job.member)(experiment.spec)
        nets = {name: player.net.eval() for name, player in gan.players.items()}
        asked = request(gan, experiment.dataset, 2, 0)
        try:
            images = generate(gan, nets, asked, experiment.spec, Execution())
            _check_metrics(experiment, gan, images[:1])
        except UserError as error:
            raise UserError(f"member {job.member.name!r}: {error}") from None


def _check_metrics(experiment: Experiment, gan: GAN, image: Tensor) -> None:
    """Refuse a metric that this member or data set has not the inputs for, before anything is trained."""
    count = experiment.suite.evaluation.samples
    labels = None if experiment.dataset.train.labels is None else torch.zeros(count, dtype=torch.int64)
    fake = Sample(image.expand(count, -1, -1, -1), labels, name="sample")
    paired = targets(gan, experiment.dataset, 1) is not None
    real = experiment.real
    require(experiment.rules.metrics, real.train, real.held_out, fake, pairs=Pairs(fake, fake) if paired else None)

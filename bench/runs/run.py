"""A suite to its missing jobs, a job to its record. The same command resumes: what has a record is not run again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.files import sweep_parts
from bench.records import record as records
from bench.records.record import Record, Status
from bench.runs import calibration_job
from bench.runs.claim import Claim, claim
from bench.runs.clock import running
from bench.runs.crew import Crew
from bench.runs.experiment import Experiment, Job
from bench.runs.heartbeat import Heartbeat
from bench.runs.job import JobRun, NotStartedError, unstarted
from bench.runs.layout import in_working_layout
from bench.runs.lifeline import ProcessEnded, lifeline
from bench.runs.preconditions import check
from bench.runs.progress import Progress
from bench.training.environment import threads_kept

__all__ = ["Event", "Finished", "Progress", "Skipped", "check", "execute", "run", "status", "todo"]

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
    """A job is not run, and why."""

    job: Job
    reason: str
    state: Literal["done", "failed", "running"] = "done"  # "running": by another process


Event = Progress | Finished | Skipped


def latest(experiment: Experiment, job: Job) -> Record | None:
    """The record of the job's latest attempt, or None. Raises UserError for an unsound record."""
    attempts = experiment.files.attempts(job)
    return records.read(attempts[-1]) if attempts else None


def status(experiment: Experiment, job: Job) -> Status | None:
    """How the job's latest attempt ended, or None when it has not been run. Raises UserError for an unsound record."""
    found = latest(experiment, job)
    return found.status if found else None


def todo(experiment: Experiment, jobs: Sequence[Job], *, retry_failed: bool = False) -> list[Job]:
    """The jobs that have no record yet; with `retry_failed` also those that failed, but not those that ended this command's
    process before. A diverged run is a result.
    """

    def open_(job: Job) -> bool:
        found = status(experiment, job)
        tried = job.digest in lifeline.ended and not _note(experiment, job).is_file()
        return found is None or (retry_failed and found in FAILURES and not tried)

    return [job for job in jobs if open_(job)]


def run(
    experiment: Experiment,
    jobs: Sequence[Job],
    *,
    retry_failed: bool = False,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Iterator[Event]:
    """Check what is missing, then run it: `check` and `execute`. Raises UserError for what the user can fix."""
    check(experiment, todo(experiment, jobs, retry_failed=retry_failed))
    yield from execute(experiment, jobs, retry_failed=retry_failed, checkpoint_seconds=checkpoint_seconds)


def execute(
    experiment: Experiment,
    jobs: Sequence[Job],
    *,
    retry_failed: bool = False,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Iterator[Event]:
    """Run what is missing, one job after the other, and tell what happens. A job that fails does not end the others.

    Several processes may do this at once on the same folder: each job is claimed by one of them.
    """
    running.listen()
    waiting = todo(experiment, jobs, retry_failed=retry_failed)
    for job in jobs:
        if job not in waiting:
            yield _ended_before(experiment, job)
    crew = Crew(experiment.execution)
    try:
        for job in waiting:
            yield from _claim_and_run(experiment, job, retry_failed, checkpoint_seconds, crew)
    finally:
        crew.dismiss()


def _ended_before(experiment: Experiment, job: Job) -> Skipped:
    found = latest(experiment, job)
    if found is None or found.status not in FAILURES:
        return Skipped(job, "has a record")
    why = f"{found.failure.type}: {found.failure.message}" if found.failure else found.status
    return Skipped(job, f"failed before: {' '.join(why.split())[:200]}; --retry failed runs it again", "failed")


def _claim_and_run(
    experiment: Experiment, job: Job, retry_failed: bool, checkpoint_seconds: float, crew: Crew
) -> Iterator[Event]:
    """The claim belongs to the process: it is free again when the process ends, however it ends."""
    claimed = claim(experiment.files.folder(job), records.file_stem(job.seed, job.digest))
    if claimed is None:
        yield Skipped(job, "another process is running it", "running")
        return
    try:
        if todo(experiment, [job], retry_failed=retry_failed):
            with threads_kept():  # a resumed job takes its own number of threads
                lifeline.working_on(job.digest, _note(experiment, job))
                yield from _run(experiment, job, checkpoint_seconds, crew, claimed)
                lifeline.idle()
        else:
            yield _ended_before(experiment, job)
    finally:
        claimed.release()


def _note(experiment: Experiment, job: Job) -> Path:
    """Where a parent says how the process of the job ended."""
    return experiment.files.folder(job) / f".{records.file_stem(job.seed, job.digest)}.ended"


def _events(
    experiment: Experiment, job: Job, attempt: int, checkpoint_seconds: float, crew: Crew
) -> Iterator[Progress | Record]:
    note = _note(experiment, job)
    if note.is_file():
        yield unstarted(experiment, job, attempt, ProcessEnded(note.read_text(encoding="utf-8")), "process")
        return
    if not job.trains:
        yield from calibration_job.run(experiment, job, attempt)
        return
    try:
        started = JobRun(experiment, job, attempt, checkpoint_seconds, crew)
    except NotStartedError as error:
        yield unstarted(experiment, job, attempt, error.cause)
        return
    yield from started.run()


def _run(experiment: Experiment, job: Job, checkpoint_seconds: float, crew: Crew, claimed: Claim) -> Iterator[Event]:
    """One job to its record. What ended well needs no checkpoint of its training; what failed keeps it for another try."""
    cache = experiment.files.cache(job)
    sweep_parts(cache)
    sweep_parts(experiment.files.folder(job), records.file_stem(job.seed, job.digest))
    attempt = len(experiment.files.attempts(job)) + 1
    experiment = in_working_layout(experiment, job)
    heart = Heartbeat(experiment, job)
    try:
        for event in _events(experiment, job, attempt, checkpoint_seconds, crew):
            if isinstance(event, Record):
                crew.end(sound=event.status not in FAILURES)
                if claimed.lost:
                    yield Skipped(job, "another process took it over while this one stood still", "running")
                    return
                yield _finish(experiment, job, event)
            else:
                heart.beat(event)
                yield event
    finally:
        heart.stop()


def _finish(experiment: Experiment, job: Job, record: Record) -> Finished:
    """Write the record, and drop what is not needed any more."""
    path = records.write(record, experiment.files.results)
    if record.status not in FAILURES:
        (experiment.files.cache(job) / "training.pt").unlink(missing_ok=True)
    _note(experiment, job).unlink(missing_ok=True)
    return Finished(job, record, path)

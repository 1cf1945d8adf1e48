"""How the jobs of a suite stand: done, failed, running, or still to do."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bench.runs import heartbeat
from bench.runs.experiment import Experiment, Job
from bench.runs.heartbeat import Sign
from bench.runs.run import FAILURES, latest

SILENT = 120.0  # seconds without a sign of life

State = Literal["done", "diverged", "failed", "running", "silent", "interrupted", "waiting"]
STATES: tuple[State, ...] = ("done", "diverged", "failed", "running", "silent", "interrupted", "waiting")


@dataclass(frozen=True)
class Standing:
    """A job and how it stands.

    `silent`: its process said nothing for two minutes. It was killed, or is in a long step; whoever runs the command again goes on from its
    checkpoint, if the process is gone. `interrupted`: it has a checkpoint and nobody runs it.
    """

    job: Job
    state: State
    sign: Sign | None = None  # of a job that runs, or did
    age: float | None = None  # seconds since that sign
    why: str = ""  # it failed


def standings(experiment: Experiment, jobs: Sequence[Job]) -> list[Standing]:
    """In the order of the jobs. Raises UserError for an unsound record."""
    return [_standing(experiment, job) for job in jobs]


def counts(found: Sequence[Standing]) -> dict[State, int]:
    """Jobs of each state that there is."""
    seen = Counter(one.state for one in found)
    return {state: seen[state] for state in STATES if seen[state]}


def _standing(experiment: Experiment, job: Job) -> Standing:
    signed = heartbeat.read(heartbeat.path_of(experiment, job))
    if signed is not None:
        sign, age = signed
        return Standing(job, "running" if age < SILENT else "silent", sign, age)
    record = latest(experiment, job)
    if record is None:
        saved = (experiment.files.cache(job) / "training.pt").is_file()
        return Standing(job, "interrupted" if saved else "waiting")
    if record.status in FAILURES:
        failure = record.failure
        return Standing(job, "failed", why=f"{failure.type}: {failure.message}" if failure else record.status)
    return Standing(job, "diverged" if record.status == "diverged" else "done")

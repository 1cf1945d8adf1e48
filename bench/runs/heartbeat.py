"""A sign of life beside a job's record: which process runs it, and how far it is. `bench status` reads it; nothing depends on it."""

import os
import platform
import time
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from bench.errors import UserError
from bench.files import time_of, write_atomically
from bench.records import record as records
from bench.runs.experiment import Experiment, Job
from bench.runs.progress import Progress
from bench.suites.frozen import Frozen

EVERY = 5.0  # seconds between two signs, at least


class Sign(Frozen):
    """How far a running job was when it last said so."""

    host: str
    process: int
    phase: str  # "train", "evaluate"
    activity: str  # inside an evaluation
    images: int
    budget: int
    elapsed: float  # seconds of the job so far
    seconds_left: float | None  # None: not known yet


class Heartbeat:
    """Writes the sign of one job, now and then. What cannot be written is left out: a job does not end for it."""

    def __init__(self, experiment: Experiment, job: Job):
        self.path = path_of(experiment, job)
        self._last = float("-inf")

    def beat(self, progress: Progress) -> None:
        """Say how far the job is, unless it was said a moment ago. Cheap: it is called after every step."""
        if time.monotonic() - self._last < EVERY:
            return
        self._last = time.monotonic()
        sign = Sign(
            host=platform.node(),
            process=os.getpid(),
            phase=progress.phase,
            activity=progress.activity,
            images=progress.images,
            budget=progress.budget,
            elapsed=progress.elapsed,
            seconds_left=progress.seconds_left,
        )
        with suppress(UserError):
            write_atomically(self.path, sign.model_dump_json().encode())

    def stop(self) -> None:
        """The job does not run any more."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


def path_of(experiment: Experiment, job: Job) -> Path:
    """Where the sign of a job is."""
    return experiment.files.folder(job) / f".{records.file_stem(job.seed, job.digest)}.sign"


def read(path: Path) -> tuple[Sign, float] | None:
    """The sign, and its age in seconds; None where there is none that can be read.

    The age is taken by the clock of the file system, as far as the folder may be written to: clocks of machines differ.
    """
    try:
        sign = Sign.model_validate_json(path.read_bytes())
        written = path.stat().st_mtime
    except (OSError, ValidationError):
        return None
    return sign, max(time_of(path.parent) - written, 0.0)

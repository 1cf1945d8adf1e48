"""Several processes that train the jobs of one command together, part by part (bench.training.parts).

The first leads: it decides, evaluates and writes, and starts the others, which run the same command (`--devices N`). Under torchrun all
are there from the beginning. A job that fails ends its crew: the others may stand in the middle of a step. The next job gets
a new one.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import torch
import torch.distributed as dist

from bench.errors import UserError
from bench.runs.cores import THREADS, threads_each
from bench.runs.experiment import Experiment, Job
from bench.runs.interrupts import SIGNALS
from bench.runs.layout import in_working_layout
from bench.runs.lifeline import PARENT, STATUS
from bench.runs.starting import start_training
from bench.training.execution import Execution
from bench.training.team import Team, TeamError, join
from bench.training.together import follow

RANK, SIZE, LOCAL_RANK, PORT, ADDRESS = "RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_PORT", "MASTER_ADDR"  # torchrun's
NOTES = "BENCH_CREW_NOTES"  # a folder where a process says why it ended
SECONDS = 30.0  # that a process has to end by its own will
PATIENCE = 5.0  # until a process whose connection is closed has ended


def rank() -> int:
    """Which process of a crew this one is; 0 leads."""
    return int(os.environ.get(RANK, "0"))


def size(devices: int) -> int:
    """The processes of a command: torchrun's number, else what `--devices` says. Raises UserError where they differ."""
    found = int(os.environ.get(SIZE, "1"))
    if devices > 1 and found not in (1, devices):
        raise UserError(f"--devices {devices}: torchrun has started {found} processes. Leave --devices out.")
    return max(found, devices)


def share_machine(execution: Execution) -> None:
    """See that every process of a command has its device, or on processors its share of the cores as threads.

    Raises UserError where there are fewer devices. OMP_NUM_THREADS, where it is set, says how many threads.
    """
    count, kind = execution.processes, execution.device.type
    if count == 1:
        return
    if kind == "cpu" and THREADS not in os.environ:
        threads = threads_each(count)
        os.environ[THREADS] = str(threads)  # for the others
        torch.set_num_threads(threads)
    if kind == "cuda" and torch.cuda.device_count() < int(os.environ.get("LOCAL_WORLD_SIZE", count)):
        raise UserError(f"{count} devices are wanted, and there are {torch.cuda.device_count()}. Give --devices fewer.")


class Crew:
    """The leader's end. A crew of one starts nobody."""

    def __init__(self, execution: Execution):
        self.execution = execution
        self.found = SIZE in os.environ and int(os.environ[SIZE]) > 1  # by torchrun
        self._team: Team | None = None
        self._others: list[subprocess.Popen[bytes]] = []
        self._held: list[int] = []  # descriptors that close with this process, and end the others
        self._notes: tempfile.TemporaryDirectory[str] | None = None
        self._at_work = False
        self._ended = False

    def begin(self, job: Job) -> Team:
        """The team for a job, all at its start. Raises UserError where it cannot come together."""
        if self.execution.processes == 1:
            return Team()
        if self._ended and self.found:
            raise UserError("a job failed, and torchrun's processes ended with it. The same command runs the rest.")
        if self._team is None:
            self._team = self._together()
        self._team.share(job.digest)
        self._at_work = True
        return self._team

    def end(self, sound: bool) -> None:
        """A job has ended; soundly: all others wait for a word of the leader."""
        if self._team is None or not self._at_work:
            return
        self._at_work = False
        if sound:
            with suppress(TeamError):
                self._team.tell("end")
                return
        self._disband()

    def dismiss(self) -> None:
        """There is no further job. In the middle of one nobody is asked."""
        if self._team is not None and not self._at_work:
            with suppress(TeamError):
                self._team.share(None)
        self._disband()

    def reason(self, error: BaseException) -> BaseException:
        """Why a job failed: the error that another process has left, where the leader only knows that it is gone."""
        if not isinstance(error, TeamError) or self._notes is None:
            return error
        left = sorted(Path(self._notes.name).iterdir())
        words = left[0].read_text(encoding="utf-8") if left else next(self._endings(), "")
        return TeamError(words) if words else error

    def _endings(self) -> Iterator[str]:
        """How those ended that are gone. A connection closes a moment before its process has ended."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and all(process.poll() is None for process in self._others):
            time.sleep(0.05)
        for place, process in enumerate(self._others, 1):
            if (code := process.poll()) is not None:
                how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
                yield f"process {place} of {self.execution.processes} ended without a word, by {how}"

    def _together(self) -> Team:
        if self.found:
            return join(0, self.execution.processes, self.execution.device)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._notes = tempfile.TemporaryDirectory(prefix="bench-crew-")
        size = self.execution.processes
        common = {SIZE: str(size), ADDRESS: "127.0.0.1", PORT: str(port), NOTES: self._notes.name}
        self._others = [self._start(common | {RANK: str(r), LOCAL_RANK: str(r)}) for r in range(1, size)]
        os.environ |= {ADDRESS: "127.0.0.1", PORT: str(port)}
        return join(0, size, self.execution.device)

    def _start(self, environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        """The same command as one of the others; it ends when this process does."""
        theirs, held = os.pipe()
        quiet = os.open(os.devnull, os.O_WRONLY)
        given = os.environ | environment | {PARENT: str(theirs), STATUS: str(quiet)}
        process = subprocess.Popen(
            sys.orig_argv,
            executable=sys.executable,
            env=given,
            pass_fds=(theirs, quiet),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        for descriptor in (theirs, quiet):
            os.close(descriptor)
        self._held.append(held)
        return process

    def _disband(self) -> None:
        """End all others, and forget them."""
        if self._team is None:
            return
        self._at_work = False
        for descriptor in self._held:
            os.close(descriptor)
        for process in self._others:
            with suppress(subprocess.TimeoutExpired):
                process.wait(SECONDS)
        if dist.is_initialized():
            dist.destroy_process_group()
        if self._notes is not None:
            self._notes.cleanup()
        self._team, self._others, self._held, self._notes, self._ended = None, [], [], None, True


def serve(experiment: Experiment, jobs: Sequence[Job]) -> None:
    """What a process does that does not lead: each job that the leader names, until there is none.

    Signals are the leader's to answer: it saves the run, which needs the others.
    """
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    execution = experiment.execution
    team = join(rank(), execution.processes, execution.device)
    known = {job.digest: job for job in jobs}
    while (digest := team.share()) is not None:
        try:
            if digest not in known:
                raise UserError(
                    "another version of the package, or of a member, is installed here than where the leader runs."
                )
            job = known[digest]
            follow(start_training(in_working_layout(experiment, job), job, team=team))
        except BaseException as error:
            _leave_word(error)
            raise


def _leave_word(error: BaseException) -> None:
    """Why this process ends, where the leader looks."""
    folder = os.environ.get(NOTES)
    if folder and not isinstance(error, TeamError):
        said = f"process {rank()} of {os.environ[SIZE]}: {type(error).__name__}: {error}"
        (Path(folder) / f"{rank():04d}").write_text(said, encoding="utf-8")

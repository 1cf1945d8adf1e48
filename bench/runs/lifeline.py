"""Between a process that runs jobs and the parent that watches it (bench.cli.supervise).

A member may end its process without a word: os._exit, a crash in native code, the kernel where memory runs out. The child
tells its parent which job it works on, and its exit code when it ends well; the parent knows from what is missing that it
did not, and leaves a note beside the job's records. The next process makes a failed record of the note and goes on with the
other jobs. When the parent is gone, so is the child.
"""

import json
import os
import signal
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

# Variables that the parent sets: two pipes, the jobs that ended a process of this command, which of several children this is.
STATUS, PARENT, ENDED, WORKER = "BENCH_STATUS_FD", "BENCH_PARENT_FD", "BENCH_ENDED_JOBS", "BENCH_WORKER"


class ProcessEnded(Exception):  # noqa: N818  # its name stands in records
    """The process of an earlier try ended in the middle of a job, without a word."""


@dataclass
class Lifeline:
    """The child's end."""

    status: int | None = None  # a pipe to the parent; None: nobody watches
    ended: frozenset[str] = field(default_factory=frozenset)  # jobs of this command that ended a process
    worker: int | None = None  # which of several children; None: the only one

    def hold(self) -> None:
        """Take hold of what the parent gave, if it gave something; processes that are started from here inherit nothing."""
        given = {name: os.environ.pop(name, "") for name in (STATUS, PARENT, ENDED, WORKER)}
        if given[STATUS] and given[PARENT]:
            self.status = int(given[STATUS])
            self.ended = frozenset(given[ENDED].split())
            self.worker = int(given[WORKER]) if given[WORKER] else None
            for descriptor in (self.status, int(given[PARENT])):
                os.set_inheritable(descriptor, False)
            threading.Thread(target=_end_with, args=(int(given[PARENT]),), daemon=True).start()

    def trying(self, member: str) -> None:
        """Tell the parent of a member that is tried before any job."""
        self._tell(f"try {member}")

    def working_on(self, job: str, note: Path) -> None:
        """Tell the parent of a job, and where it leaves its note if this process does not end the job."""
        self._tell(f"job {job} {note.absolute()}")

    def idle(self) -> None:
        """Tell the parent that the job, or the trial, has ended."""
        self._tell("idle")

    def say(self, event: Mapping[str, object]) -> None:
        """Tell the parent what it shows of several children."""
        self._tell(f"say {json.dumps(event)}")

    def leave(self, code: int) -> None:
        """Tell the parent that this process ends by its own will."""
        self._tell(f"exit {code}")

    def _tell(self, words: str) -> None:
        if self.status is not None:
            try:
                os.write(self.status, os.fsencode(words) + b"\n")
            except OSError:  # the parent is gone, and so is this process in a moment
                self.status = None


def _end_with(parent: int) -> None:
    """Wait for the end of a pipe that nobody writes to: its other end is held by the parent alone."""
    while os.read(parent, 1):
        pass
    os.kill(os.getpid(), signal.SIGKILL)


lifeline = Lifeline()

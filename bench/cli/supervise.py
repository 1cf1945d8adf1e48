"""A parent for verbs that train: what ends the process of a member does not end the suite, and is no success.

The parent loads nothing heavy. It runs the same command in a child, passes signals on to it, and ends with its exit code. When
the child is gone without having said so, the job that it worked on gets a note (bench.runs.lifeline) and the command is
run again for the rest.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from bench.files import write_atomically
from bench.runs.lifeline import ENDED, PARENT, STATUS

VERBS = ("run", "compare")
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
FAULT, USER = 1, 2  # exit codes, as of bench.cli.guard


@dataclass(frozen=True)
class Ending:
    """How a child ended."""

    code: int | None  # that it named; None: it ended without a word
    status: int  # as the system says: an exit code, or minus the signal
    tried: str = ""  # the member that it tried then, before any job
    job: str = ""  # that it worked on then
    note: str = ""  # where the job's next process looks for a word of it

    @property
    def words(self) -> str:
        """What is known of an end without a word."""
        if self.status >= 0:
            return f"its process ended with exit code {self.status} before its work was done, as by os._exit"
        name = signal.Signals(-self.status).name
        why = ": the kernel does that where memory runs out" if name == "SIGKILL" else ""
        return f"its process was ended by {name}{why}"


def wanted(arguments: Sequence[str]) -> bool:
    """Whether a command is run in a child. Windows has no pipes that a child can be given by number."""
    return os.name == "posix" and arguments[:1] in [[verb] for verb in VERBS] and STATUS not in os.environ


def run() -> int:
    """Run this process's own command in children until one of them ends by its own will; its exit code."""
    ended: list[str] = []
    while True:
        ending = _child(ended)
        if ending.code is not None:
            return ending.code
        if ending.tried:
            return _said(
                f"error: member {ending.tried!r}: when it was tried, {ending.words}. Fix it, or leave it out.", USER
            )
        if not ending.job or ending.job in ended:
            return _said(f"failed: {ending.words}.", FAULT)
        write_atomically(Path(ending.note), ending.words.encode())
        ended.append(ending.job)


def _said(words: str, code: int) -> int:
    print(f"bench: {words}", file=sys.stderr)
    return code


def _child(ended: Sequence[str]) -> Ending:
    from_child, status = os.pipe()
    parent, held = os.pipe()  # `held` is closed when this process ends, however it ends
    environment = os.environ | {STATUS: str(status), PARENT: str(parent), ENDED: " ".join(ended)}
    with subprocess.Popen(
        sys.orig_argv, executable=sys.executable, env=environment, pass_fds=(status, parent)
    ) as child:
        os.close(status)
        os.close(parent)
        handlers = _pass_on(child)
        code, tried, job, note = None, "", "", ""
        with os.fdopen(from_child, "rb") as lines:
            for line in lines:
                word, _, rest = os.fsdecode(line.rstrip(b"\n")).partition(" ")
                tried = rest if word == "try" else ""
                job, _, note = rest.partition(" ") if word == "job" else ("", "", "")
                code = int(rest) if word == "exit" else None
        found = child.wait()
    os.close(held)
    for number, handler in handlers.items():
        signal.signal(number, handler)
    return Ending(code, found, tried, job, note)


def _pass_on(child: "subprocess.Popen[bytes]") -> dict[int, "signal._HANDLER"]:
    """Signals are the child's; what is ignored stays ignored. Returns the handlers before."""

    def forward(number: int, _: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            child.send_signal(number)

    return {
        number: signal.signal(number, forward) for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN
    }

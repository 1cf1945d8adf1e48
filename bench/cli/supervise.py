"""A parent for verbs that train: what ends the process of a member does not end the suite, and is no success.

The parent loads nothing heavy. It runs the same command in a child, passes signals on to it, and ends with its exit code. When
the child is gone without having said so, the job that it worked on gets a note (bench.runs.lifeline) and the command is
run again for the rest.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from bench.cli.exit_codes import FAULT, USER
from bench.files import write_atomically
from bench.runs.interrupts import SIGNALS
from bench.runs.lifeline import ENDED, PARENT, STATUS

VERBS = ("run", "tune", "compare")
Hear = Callable[[str], None]


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


@dataclass
class Children:
    """The processes that signals are passed on to."""

    live: list["subprocess.Popen[Any]"] = field(default_factory=list)

    def forward(self, number: int, _: FrameType | None) -> None:
        """The handler: all of them get it."""
        for child in list(self.live):
            with suppress(ProcessLookupError):
                child.send_signal(number)


def wanted(arguments: Sequence[str]) -> bool:
    """Whether a command is run in a child: one that this process was started with, and that can be run again.

    Windows has no pipes that a child can be given by number.
    """
    trains = arguments[:1] in [[verb] for verb in VERBS]
    own = sys.orig_argv[-len(arguments) :] == list(arguments)
    return os.name == "posix" and trains and own and STATUS not in os.environ


def run() -> int:
    """Run this process's own command in a child; its exit code."""
    with children() as found:
        return to_the_end(found)


@contextmanager
def children() -> Iterator[Children]:
    """Where signals are the children's; what is ignored stays ignored."""
    found = Children()
    before = {
        number: signal.signal(number, found.forward)
        for number in SIGNALS
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    yield found
    for number, handler in before.items():
        signal.signal(number, handler)


def to_the_end(
    found: Children, environment: Mapping[str, str] | None = None, hear: Hear | None = None, **options: Any
) -> int:
    """Run the command in one child after the other until one ends by its own will; its exit code.

    `hear` is told what a child says of its jobs; `options` are of subprocess.Popen.
    """
    ended: list[str] = []
    while True:
        ending = _child(found, {**(environment or {}), ENDED: " ".join(ended)}, hear, options)
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


def _child(found: Children, environment: Mapping[str, str], hear: Hear | None, options: Mapping[str, Any]) -> Ending:
    from_child, status = os.pipe()
    parent, held = os.pipe()  # `held` is closed when this process ends, however it ends
    given = os.environ | environment | {STATUS: str(status), PARENT: str(parent)}
    with subprocess.Popen(
        sys.orig_argv, executable=sys.executable, env=given, pass_fds=(status, parent), **options
    ) as child:
        found.live.append(child)
        os.close(status)
        os.close(parent)
        with os.fdopen(from_child, "rb") as lines:
            ending = _listen(lines, hear)
        code = child.wait()
        found.live.remove(child)
    os.close(held)
    return Ending(**ending, status=code)


def _listen(lines: Iterator[bytes], hear: Hear | None) -> dict[str, Any]:
    """What the child said last: the member that it tried, its job and the place for a note, or its exit code."""
    last: dict[str, Any] = {"code": None}
    for line in lines:
        word, _, rest = os.fsdecode(line.rstrip(b"\n")).partition(" ")
        match word:
            case "try":
                last = {"code": None, "tried": rest}
            case "job":
                job, _, note = rest.partition(" ")
                last = {"code": None, "job": job, "note": note}
            case "idle":
                last = {"code": None}
            case "exit":
                last = {"code": int(rest)}
            case _:
                if hear:
                    hear(rest)
    return last

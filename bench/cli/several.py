"""`bench run --on local:N`: N children that run the same command and share its jobs out among them, watched together.

Each child claims the jobs that no other has, with its share of the cores. A child says how far it is in lines of JSON; the
parent shows all of them at once and knows at the end how every job ended.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from bench.cli.exit_codes import FAULT, INCOMPLETE, SIGNALLED
from bench.cli.supervise import Children, children, to_the_end
from bench.runs.cores import THREADS, cores, threads_each
from bench.runs.lifeline import WORKER

LOCAL = "local"
LINE_SECONDS = 10.0  # between two plain lines of the same job
MOST = 256  # processes
ORDER = ("running", "done", "failed")  # of what several children know of one job, the last counts


def processes(arguments: Sequence[str]) -> int:
    """The N of `--on local:N`; 1 without it, and for what the option itself refuses. `local` alone is one per core."""
    given = ""
    for before, argument in zip(("", *arguments), arguments, strict=False):
        if before == "--on" or argument.startswith("--on="):
            given = argument.removeprefix("--on=")
    return count_of(given) or 1


def count_of(text: str) -> int | None:
    """N of `local:N`, the number of cores of `local`; None for anything else."""
    name, colon, number = text.partition(":")
    if name != LOCAL or (colon and not (number.isascii() and number.isdigit() and 1 <= int(number) <= MOST)):
        return None
    return int(number) if colon else cores()


def run(count: int) -> int:
    """Run this process's own command in so many children; the exit code of them all."""
    board = Board()
    threads = os.environ.get(THREADS) or str(threads_each(count))
    with children() as found, board.shown():
        codes = _together(found, board, count, {THREADS: threads})
    stopped = [code for code in codes if code >= SIGNALLED]
    if stopped or not board.jobs:
        return max(stopped or codes)
    return max(board.conclude(), max((code for code in codes if code not in (0, FAULT, INCOMPLETE)), default=0))


def _together(found: Children, board: "Board", count: int, environment: dict[str, str]) -> list[int]:
    codes = [FAULT] * count

    def one(place: int) -> None:
        options: dict[str, Any] = {} if place == 0 else {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
        given = environment | {WORKER: str(place)}
        codes[place] = to_the_end(found, given, lambda words: board.hear(place, words), **options)

    running = [threading.Thread(target=one, args=(place,)) for place in range(count)]
    for thread in running:
        thread.start()
    for thread in running:
        while thread.is_alive():
            thread.join(0.2)  # so that signals are handled in between
    return codes


def conclude(total: int, failed: int, running: int) -> int:
    """Say how many jobs failed or are run by another process, if any; the exit code."""
    if failed or running:
        rest = [f"{failed} failed (--retry failed runs them again)"] * bool(failed)
        rest += [f"{running} are run by another process"] * bool(running)
        print(f"{total - failed - running} of {total} jobs have a result; {', '.join(rest)}.", file=sys.stderr)
    return FAULT if failed else INCOMPLETE if running else 0


@dataclass
class Board:
    """What is known of every job, and who works on what."""

    jobs: dict[str, str] = field(default_factory=dict)  # job -> how it stands, of ORDER
    doing: dict[int, str] = field(default_factory=dict)  # child -> its line
    started: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _said: dict[int, float] = field(default_factory=dict)
    _console: Any = None  # rich's, on a terminal

    def hear(self, place: int, words: str) -> None:
        """Take in what a child says: {"job", "state", "line"} of an end, {"line"} of progress."""
        event = json.loads(words)
        with self._lock:
            if "state" in event:
                before = self.jobs.get(event["job"], ORDER[0])
                self.jobs[event["job"]] = max(before, event["state"], key=ORDER.index)
                self.doing.pop(place, None)
                said = bool(event["line"])
            else:
                self.doing[place] = event["line"]
                said = not self._console and time.monotonic() - self._said.get(place, 0.0) > LINE_SECONDS
                self._said[place] = time.monotonic() if said else self._said.get(place, 0.0)
            if said:
                self._print(f"[{self.ended}/{event['total']}] {event['line']}")

    @property
    def ended(self) -> int:
        """Jobs that have a result or failed."""
        return sum(state != "running" for state in self.jobs.values())

    def conclude(self) -> int:
        """Say what failed or is not done; the exit code."""
        failed, running = (sum(state == name for state in self.jobs.values()) for name in ("failed", "running"))
        return conclude(len(self.jobs), failed, running)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """All children at once, a line each, where there is a terminal."""
        with self._live() if sys.stdout.isatty() and not os.environ.get("CI") else nullcontext():
            yield

    @contextmanager
    def _live(self) -> Iterator[None]:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(highlight=False, markup=False)
        with Live(console=self._console, refresh_per_second=4, transient=True, get_renderable=self._panel):
            yield

    def _panel(self) -> Any:
        from rich.console import Group
        from rich.text import Text

        lines = [f"{self.ended} jobs ended, {round(time.monotonic() - self.started)} s so far"]
        lines += [self.doing[place] for place in sorted(self.doing)]
        return Group(*(Text(line, no_wrap=True, overflow="ellipsis") for line in lines))

    def _print(self, line: str) -> None:
        if self._console:
            self._console.print(line, soft_wrap=True)
        else:
            print(line, flush=True)

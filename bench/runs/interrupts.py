"""Ctrl-C, SIGTERM and SIGHUP while a job runs: the step ends, the checkpoint is saved, then the process ends.

An exception in the middle of a step would leave networks and optimisers at odds. So the first signal is only remembered, and
the job asks between two steps; a second one ends the process at once, at the last checkpoint.
"""

import signal
import threading
import time
from types import FrameType
from typing import Any

from bench.errors import Interrupted

TOGETHER = 0.3  # seconds between two signals that are one request
SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]  # Windows has no SIGHUP


class Latest:
    """The last signal. The same one right behind is the same request: sent to a whole group of processes, and passed on by one."""

    def __init__(self) -> None:
        self._signum, self._when = 0, 0.0

    def repeats(self, signum: int) -> bool:
        """Whether a signal that has come now is the last one again."""
        if self._signum == signum and time.monotonic() - self._when < TOGETHER:
            return True
        self._signum, self._when = signum, time.monotonic()
        return False


class Interrupts:
    """Remembers the signal that asks for an end. Outside the main thread Python lets nobody listen: nothing is deferred."""

    def __init__(self) -> None:
        self.requested: int | None = None
        self._latest = Latest()
        self.listening = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is threading.main_thread():
            self.listening = True
            for number in SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
                    self._before[number] = signal.signal(number, self._remember)
        return self

    def __exit__(self, *_: object) -> None:
        self.listening = False
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _remember(self, signum: int, _: FrameType | None) -> None:
        if self._latest.repeats(signum):
            return
        if self.requested is not None:
            raise Interrupted(
                signum, "interrupted twice: ended at the last checkpoint. The same command goes on from there."
            )
        self.requested = signum

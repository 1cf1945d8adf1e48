"""A clock that stands still while the process is stopped: Ctrl-Z, SIGSTOP, a batch system that makes room."""

import os
import select
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

TICK = 0.25  # seconds between two looks at the time: a stop is known to within one


class RunningClock:
    """Seconds of a monotonic clock without those in which the process was stopped, where the system can tell.

    SIGSTOP cannot be caught, but the SIGCONT after it can: a thread notes the time at every tick, and the signal's byte in a
    pipe wakes it as soon as the process goes on. The gap since the last tick was spent stopped. A thread that merely had to
    wait for the interpreter sees a gap, but no signal, and nothing is taken off.
    """

    def __init__(self, now: Callable[[], float] = time.perf_counter):
        self.now, self.stopped = now, 0.0
        self.ticked = now()
        self._gaps = (0.0, 0.0)
        self._listening = False

    def __call__(self) -> float:
        """Seconds since some instant."""
        return self.now() - self.stopped

    def listen(self) -> None:
        """Begin to notice stops. Does nothing outside the main thread, on a system without SIGCONT, or where it is taken."""
        main = threading.current_thread() is threading.main_thread()
        if self._listening or not main or not hasattr(signal, "SIGCONT"):
            return
        if signal.getsignal(signal.SIGCONT) is not signal.SIG_DFL or signal.set_wakeup_fd(-1) != -1:
            return
        self._listening = True
        reader, writer = os.pipe()
        for end in (reader, writer):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCONT, _nothing)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        threading.Thread(target=self._watch, args=(reader,), name="bench-clock", daemon=True).start()

    def _watch(self, reader: int) -> None:
        while True:
            ready, _, _ = select.select([reader], [], [], TICK)
            signals = os.read(reader, 4096) if ready else b""
            self.tick(continued=bool(signals) and signal.SIGCONT in signals)

    def tick(self, *, continued: bool) -> None:
        """Note the time. After a stop, take off the gap between two ticks that it made: this one, or the one just before,
        since the timer may be quicker than the signal.
        """
        now = self.now()
        self._gaps = (self._gaps[1], now - self.ticked)
        self.ticked = now
        if continued:
            self.stopped += max(*self._gaps, TICK) - TICK
            self._gaps = (0.0, 0.0)


def _nothing(_: int, __: FrameType | None) -> Any:
    """A handler must exist for the signal to reach the pipe."""


running = RunningClock()

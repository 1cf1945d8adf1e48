"""Signals save the run and end with the code of the signal; time in which the process was stopped is no training time."""

import signal
import subprocess
import sys
import threading
import time

import pytest

from bench.errors import Interrupted
from bench.runs.clock import TICK, RunningClock
from bench.runs.interrupts import Interrupts


def test_the_first_signal_is_remembered_and_the_second_ends_at_once():
    before = signal.getsignal(signal.SIGTERM)
    with Interrupts() as interrupts:
        assert interrupts.listening
        signal.raise_signal(signal.SIGTERM)
        assert interrupts.requested == signal.SIGTERM
        with pytest.raises(Interrupted, match="interrupted twice") as caught:
            signal.raise_signal(signal.SIGINT)
        assert caught.value.signum == signal.SIGINT
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupts() as interrupts:
            signal.raise_signal(signal.SIGHUP)
            assert interrupts.requested is None
    finally:
        signal.signal(signal.SIGHUP, before)


def test_outside_the_main_thread_nothing_is_deferred():
    seen: list[bool] = []

    def look() -> None:
        with Interrupts() as interrupts:
            seen.append(interrupts.listening)

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [False]


class HandClock(RunningClock):
    """One whose hand is moved by the test."""

    def __init__(self) -> None:
        self.hand = 0.0
        super().__init__(lambda: self.hand)

    def at(self, hand: float, *, continued: bool = False) -> None:
        self.hand = hand
        self.tick(continued=continued)


@pytest.mark.parametrize("late", [False, True])
def test_the_clock_leaves_out_what_passed_while_the_process_was_stopped(late):
    clock = HandClock()
    clock.at(0.25)
    clock.at(10.25, continued=not late)
    clock.at(10.25, continued=late)
    clock.at(10.5)
    assert clock() == pytest.approx(10.5 - (10 - TICK))


def test_a_long_wait_without_a_signal_is_a_wait():
    clock = HandClock()
    for hand in (20.0, 20.25, 20.5):
        clock.at(hand)
    clock.at(20.75, continued=True)
    assert clock() == 20.75


STOPPED = """
import sys, threading, time
from bench.runs.clock import running
running.listen()
before = running()
print("ready", flush=True)
sys.stdin.readline()
time.sleep(2 * 0.25)
print(running() - before, flush=True)
"""


@pytest.mark.slow
def test_a_stopped_process_does_not_count_its_stop():
    with subprocess.Popen(
        [sys.executable, "-c", STOPPED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        began = time.perf_counter()
        process.send_signal(signal.SIGSTOP)
        time.sleep(4)
        process.send_signal(signal.SIGCONT)
        process.stdin.write("\n")
        process.stdin.flush()
        counted = float(process.stdout.readline())
        assert process.wait() == 0
    passed = time.perf_counter() - began
    assert passed - counted > 3, "of four seconds stopped at most a tick may count"

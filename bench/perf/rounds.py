"""Rounds: warmed up until they are stable, and interleaved so that drift falls on all sides alike.

A timer takes a number of calls and gives the milliseconds of each.
"""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Timer = Callable[[int], list[float]]

ROUND_SECONDS = 0.25  # length that a round aims at: long against the clock, short against the drift of a machine
CALLS = (3, 200)  # least and most calls in a round
STABLE = 0.05  # rounds whose medians lie within this share of each other are stable
WINDOW = 3


@dataclass(frozen=True)
class Warm:
    """A subject after its warm-up."""

    ms: float  # of a call, about
    stable: bool
    rounds: int


def warm_up(timer: Timer, seconds: float = 5.0) -> Warm:
    """Call until the medians of three rounds agree within 5 %, at most for some seconds of timed calls."""
    medians: list[float] = []
    spent, calls = 0.0, 1
    while True:
        times = timer(calls)
        spent += sum(times) / 1e3
        medians.append(statistics.median(times))
        calls = calls_for(medians[-1], ROUND_SECONDS / 2)
        last = medians[-WINDOW:]
        stable = len(last) == WINDOW and max(last) <= min(last) * (1 + STABLE)
        if stable or spent >= seconds:
            return Warm(medians[-1], stable, len(medians))


def calls_for(ms: float, seconds: float = ROUND_SECONDS) -> int:
    """How many calls of `ms` make a round of `seconds`."""
    least, most = CALLS
    return min(max(math.ceil(seconds * 1e3 / max(ms, 1e-6)), least), most)


def palindrome(names: Sequence[str], block: int) -> list[str]:
    """The order of a block: A B B A, with the roles turned by one in every block, so that no lane is always first."""
    turn = block % len(names)
    order = [*names[turn:], *names[:turn]]
    return order + order[::-1]


def interleave(timers: Mapping[str, Timer], calls: Mapping[str, int], blocks: range) -> dict[str, list[list[float]]]:
    """Time every lane twice per block. Gives lane -> one list of calls' milliseconds per round, two rounds per block."""
    found: dict[str, list[list[float]]] = {name: [] for name in timers}
    for block in blocks:
        for name in palindrome(list(timers), block):
            found[name].append(timers[name](calls[name]))
    return found


def block_logs(rounds: Sequence[Sequence[float]]) -> list[float]:
    """The logarithm of the time of each block: the mean over its two rounds of the log of their median call."""
    medians = [math.log(statistics.median(times)) for times in rounds]
    return [(first + second) / 2 for first, second in zip(medians[::2], medians[1::2], strict=True)]

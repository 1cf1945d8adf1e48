"""The statistics of a comparison on simulated timings: no clock, fixed seeds."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from bench.perf.rounds import block_logs, calls_for, interleave, palindrome, warm_up
from bench.perf.verdict import BLOCKS, SMALLEST, Comparison, Interval, bootstrap, compare, judge

CALLS = 5


class Machine:
    """A simulated machine: it drifts, jitters, and now and then something else takes a core."""

    def __init__(self, seed: int, jitter: float = 0.03, spikes: float = 0.05, bias: float = 0.003):
        self.random = np.random.default_rng(seed)
        self.jitter, self.spikes, self.bias = jitter, spikes, bias
        self.drift = 0.0

    def process(self, ms: float) -> Callable[[int], list[float]]:
        """A timer of a process whose memory happens to lie well or badly."""
        ms *= math.exp(self.random.normal(0, self.bias))

        def timer(calls: int) -> list[float]:
            self.drift += self.random.normal(0, 0.01)
            busy = 1.5 if self.random.random() < self.spikes else 1.0
            times = ms * math.exp(self.drift) * busy * np.exp(self.random.normal(0, self.jitter, calls))
            return [float(value) for value in times]

        return timer


def run(seed: int, slowdown: float) -> Comparison:
    machine = Machine(seed)
    timers = {"a": machine.process(10.0), "b": machine.process(10.0 * (1 + slowdown)), "again": machine.process(10.0)}
    return compare(lambda blocks: interleave(timers, dict.fromkeys(timers, CALLS), blocks), seed)


def test_a_member_does_not_differ_from_itself_in_95_of_100_repetitions():
    verdicts = [run(seed, 0.0).verdict for seed in range(100)]
    assert verdicts.count("no difference") >= 95


@pytest.mark.parametrize(("slowdown", "verdict"), [(0.10, "slower"), (-0.10, "faster")])
def test_ten_percent_are_found_in_95_of_100_repetitions(slowdown, verdict):
    assert [run(seed, slowdown).verdict for seed in range(100)].count(verdict) >= 95


def test_rounds_end_as_soon_as_the_verdict_is_settled():
    quiet = Machine(0, jitter=0.001, spikes=0, bias=0)
    timers = {name: quiet.process(10.0) for name in ("a", "b", "again")}
    asked: list[range] = []

    def measure(blocks: range):
        asked.append(blocks)
        return interleave(timers, dict.fromkeys(timers, CALLS), blocks)

    assert compare(measure).settled
    assert asked == [range(BLOCKS[0])]


def test_a_machine_that_is_too_noisy_leaves_it_open_and_says_so():
    noisy = Machine(1, jitter=0.5, spikes=0.4)
    timers = {"a": noisy.process(10.0), "b": noisy.process(10.5), "again": noisy.process(10.0)}
    found = compare(lambda blocks: interleave(timers, dict.fromkeys(timers, CALLS), blocks))
    assert found.verdict == "no difference"
    assert len(found.lanes["a"]) == 2 * BLOCKS[2]
    assert not found.settled
    assert "undecided when the rounds ran out" in found.words


def test_a_difference_below_the_floor_is_not_claimed():
    certain = Interval(math.log(1.05), math.log(1.04), math.log(1.06))
    loud = Interval(0.0, math.log(0.93), math.log(1.07))
    assert Comparison({}, certain, Interval(0, 0, 0), settled=True).verdict == "slower"
    assert Comparison({}, certain, loud, settled=True).verdict == "no difference"
    assert Comparison({}, Interval(0.01, 0.009, 0.011), Interval(0, 0, 0), settled=True).floor == SMALLEST


def test_linear_drift_cancels_in_a_palindrome():
    """Every round takes 1 % more than the one before; two equal sides still come out equal."""
    clock = iter(range(1000))
    timers = {name: lambda calls: [10 * 1.01 ** next(clock)] * calls for name in ("a", "b", "again")}
    found = judge(interleave(timers, dict.fromkeys(timers, 1), range(6)))
    assert found.difference.estimate == pytest.approx(0.0, abs=1e-12)
    assert found.difference.bound < 1e-9


def test_the_order_of_a_block_is_a_palindrome_and_the_roles_turn():
    assert palindrome(["a", "b"], 0) == ["a", "b", "b", "a"]
    assert palindrome(["a", "b"], 1) == ["b", "a", "a", "b"]


def test_the_bootstrap_covers_the_median_of_a_known_distribution():
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(200):
        found = bootstrap(rng.normal(0.3, 1.0, 24).tolist(), rng)
        hits += found.low <= 0.3 <= found.high
    assert 180 <= hits <= 200  # 95 % claimed


def test_a_block_is_the_mean_log_of_its_two_rounds():
    assert block_logs([[1.0, 2.0, 90.0], [8.0]]) == [pytest.approx((math.log(2) + math.log(8)) / 2)]


def test_warm_up_ends_when_three_rounds_agree_and_gives_up_otherwise():
    falling = iter([100.0, 50.0, 20.0, 10.0, 10.1, 10.2, 10.0])
    warm = warm_up(lambda calls: [next(falling)] * calls, seconds=1e9)
    assert (warm.stable, warm.rounds, warm.ms) == (True, 6, 10.2)
    wild = iter([1.0, 9.0] * 1000)
    assert not warm_up(lambda calls: [next(wild)] * calls, seconds=0.5).stable


def test_calls_fill_a_round_within_limits():
    assert calls_for(10.0, 0.25) == 25
    assert calls_for(1e-9) == 200
    assert calls_for(60_000) == 3

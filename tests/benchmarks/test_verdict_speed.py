"""How often `bench perf`'s comparison is right about real processes: of a member with itself, and with itself slowed by 10 %.

BENCH_REPETITIONS=100 pytest --benchmark-only tests/benchmarks/test_verdict_speed.py

DCGAN at 32 px generates one image at a time with one thread. The procedure is that of `bench perf --aa`, three lanes in processes of
their own, but for shorter rounds (20 ms instead of 250) so that a hundred repetitions take minutes; the processes are new for every
tenth. The verdicts are counted in extra_info; nothing is asserted about time.
"""

import os
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

import pytest

from bench import members
from bench.perf.case import WorkloadSpec
from bench.perf.process import Worker
from bench.perf.rounds import calls_for, interleave, warm_up
from bench.perf.verdict import Comparison, compare

REPETITIONS = int(os.environ.get("BENCH_REPETITIONS", "10"))
PER_PROCESS = 10
ROUND_SECONDS = 0.02
CASE = WorkloadSpec(
    call=members.find("dcgan").call,
    channels=3,
    resolution=32,
    classes=0,
    source_channels=0,
    mode="eager",
    device="cpu",
    threads=1,
    what="generation",
    batch=1,
)


def comparisons(slowdown: float, count: int) -> list[Comparison]:
    """The same comparison again and again in the same three processes."""
    lanes = {"a": CASE, "b": replace(CASE, slowdown=slowdown), "again": CASE}
    with ExitStack() as stack:
        workers = {lane: stack.enter_context(Worker()) for lane in lanes}
        for lane, worker in workers.items():
            worker.open(lane, lanes[lane])
        timers = {lane: worker.timer(lane) for lane, worker in workers.items()}
        calls = {lane: calls_for(warm_up(timer).ms, ROUND_SECONDS) for lane, timer in timers.items()}
        measure = partial(interleave, timers, calls)
        return [compare(measure, seed) for seed in range(count)]


def verdicts(slowdown: float) -> list[Comparison]:
    """All repetitions."""
    starts = range(0, REPETITIONS, PER_PROCESS)
    return [found for start in starts for found in comparisons(slowdown, min(PER_PROCESS, REPETITIONS - start))]


@pytest.mark.parametrize("slowdown", [0.0, 0.1])
@pytest.mark.benchmark(group="perf: verdicts on a member against itself (extra_info)")
def test_verdicts(benchmark, slowdown):
    found = benchmark.pedantic(verdicts, (slowdown,), rounds=1)
    benchmark.extra_info["verdicts"] = dict(Counter(f"{one.verdict}{'' if one.settled else ', open'}" for one in found))
    benchmark.extra_info["log_floors"] = sorted(round(one.floor, 4) for one in found)
    benchmark.extra_info["log_ratios"] = sorted(round(one.difference.estimate, 4) for one in found)

"""Our loop beside two others with the same networks (tests/benchmarks/loops.py), in interleaved rounds of one run.

DCGAN at 32 x 32, width 64, batch 64, fp32; threads by BENCH_THREADS (default 1), rounds by BENCH_ROUNDS. Every loop runs in a
process of its own, because what a process does with freed memory is one of the choices. The ratios are medians of paired
rounds: within a round all loops meet the same machine. Compilation is measured where BENCH_COMPILE=1, because it takes
a minute. Nothing is asserted about time.
"""

import importlib.util
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType

import pytest
import torch

from bench.training.loop import Execution
from zoo.dcgan import dcgan

LOOPS = Path(__file__).parent / "loops.py"
THREADS = int(os.environ.get("BENCH_THREADS", "1"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "16"))
CALLS = 3
COMPILE = os.environ.get("BENCH_COMPILE") == "1"

Seconds = tuple[float, float]  # wall, CPU


@pytest.fixture(scope="module")
def loops() -> ModuleType:
    spec = importlib.util.spec_from_file_location("loops", LOOPS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["loops"] = module
    spec.loader.exec_module(module)
    return module


def started(name: str, stack: ExitStack) -> Callable[[int], Seconds]:
    """A loop in a process of its own: iterations -> their seconds."""
    process = stack.enter_context(
        subprocess.Popen(
            [sys.executable, str(LOOPS), name, str(THREADS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
    )
    stack.callback(process.kill)

    def timed(iterations: int) -> Seconds:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{iterations}\n")
        process.stdin.flush()
        wall, cpu = json.loads(process.stdout.readline())
        return wall, cpu

    return timed


def speeds(timers: Mapping[str, Callable[[int], Seconds]], rounds: int) -> dict[str, list[Seconds]]:
    """The seconds of every loop in every round; the order turns round from one to the next."""
    for timed in timers.values():
        timed(2)
    seen: dict[str, list[Seconds]] = {name: [] for name in timers}
    for index in range(rounds):
        for name in list(timers)[:: 1 if index % 2 == 0 else -1]:
            seen[name].append(timers[name](CALLS))
    return seen


def ratios(seen: Mapping[str, list[Seconds]]) -> dict[str, dict[str, float]]:
    """Every loop's speed over that of the first, medians of paired rounds: by wall time with the quartiles, and by CPU time."""
    first = seen[next(iter(seen))]
    found: dict[str, dict[str, float]] = {}
    for name, times in seen.items():
        wall, cpu = ([a[which] / b[which] for a, b in zip(first, times, strict=True)] for which in (0, 1))
        low, middle, high = statistics.quantiles(wall, n=4)
        values = {
            "wall": middle,
            "wall, lower quartile": low,
            "wall, upper quartile": high,
            "cpu": statistics.median(cpu),
        }
        found[name] = {kind: round(value, 4) for kind, value in values.items()}
    return found


@pytest.mark.benchmark(group="loop: images per second over those of the plain loop (extra_info)")
def test_loop_against_the_plain_one(benchmark, loops):
    names = [*loops.LOOPS, *(loops.COMPILED if COMPILE else {})]
    with ExitStack() as stack:
        timers = {name: started(name, stack) for name in names}
        seen = benchmark.pedantic(speeds, (timers, ROUNDS), rounds=1)
    benchmark.extra_info["ratios"] = ratios(seen)
    benchmark.extra_info["threads"] = THREADS


@pytest.mark.slow
def test_the_loops_train_alike(loops):
    """Ours and the hand-written one are the same operations: the same weights after three steps."""
    hand, step = loops.HandWrittenLoop(dcgan), loops.ours(dcgan, Execution())
    for _ in range(3):
        hand()
        step()
    ours = step.__closure__[0].cell_contents.gi_frame.f_locals["self"].gan.players
    for name, net in (("generator", hand.generator), ("critic", hand.critic)):
        for mine, theirs in zip(ours[name].net.parameters(), net.parameters(), strict=True):
            torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)

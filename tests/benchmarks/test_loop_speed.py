"""Our loop beside two others with the same networks (tests/benchmarks/loops.py), in interleaved rounds of one run.

DCGAN at 32 x 32, width 64, batch 64, fp32; threads by BENCH_THREADS (default 1), rounds by BENCH_ROUNDS. The ratios are
medians of paired rounds: within a round all loops meet the same machine. Compilation is measured where BENCH_COMPILE=1,
because it takes minutes. Nothing is asserted about time.
"""

import importlib.util
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import pytest
import torch

from bench.train import Execution
from zoo.dcgan import dcgan

THREADS = int(os.environ.get("BENCH_THREADS", "1"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "8"))
CALLS = 3
COMPILE = os.environ.get("BENCH_COMPILE") == "1"


@pytest.fixture(scope="module")
def loops() -> ModuleType:
    spec = importlib.util.spec_from_file_location("loops", Path(__file__).parent / "loops.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["loops"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def threads():
    before = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    yield
    torch.set_num_threads(before)


def ratios(steps: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, dict[str, float]]:
    """Every loop's speed over that of the first, by wall time and by CPU time, medians over paired rounds."""
    for step in steps.values():
        step()
        step()
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in steps}
    for index in range(rounds):
        order = list(steps)[:: 1 if index % 2 == 0 else -1]
        for name in order:
            start = time.perf_counter(), time.process_time()
            for _ in range(CALLS):
                steps[name]()
            seen[name].append((time.perf_counter() - start[0], time.process_time() - start[1]))
    first = next(iter(steps))
    return {
        name: {
            kind: round(statistics.median(a[which] / b[which] for a, b in zip(seen[first], times, strict=True)), 4)
            for which, kind in enumerate(("wall", "cpu"))
        }
        for name, times in seen.items()
    }


@pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning")  # dynamo looks at inputs that are no leaves
@pytest.mark.benchmark(group="loop: images per second over those of the plain loop (extra_info)")
def test_loop_against_the_plain_one(benchmark, loops):
    steps = {
        "plain": loops.PlainLoop(dcgan),
        "hand-written": loops.HandWrittenLoop(dcgan),
        "hand-written, channels last": loops.HandWrittenLoop(dcgan, channels_last=True),
        "ours": loops.ours(dcgan, Execution()),
        "ours, channels last": loops.ours(dcgan, Execution(channels_last=True)),
    }
    if COMPILE:
        steps["ours, compiled"] = loops.ours(dcgan, Execution(channels_last=True, compiled=True))
        steps["hand-written, compiled"] = loops.HandWrittenLoop(dcgan, channels_last=True, compiled=True)
    benchmark.extra_info["ratios"] = benchmark.pedantic(ratios, (steps, ROUNDS), rounds=1)
    benchmark.extra_info["threads"] = THREADS


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

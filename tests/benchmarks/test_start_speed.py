"""How long `bench --help` takes in a fresh process. The bar is 0.3 s; an empty interpreter stands beside it."""

import resource
import subprocess
import sys

import pytest


def child_cpu_seconds() -> float:
    """CPU seconds of finished children: what a busy machine cannot stretch."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


GROUP = pytest.mark.benchmark(group="start: CPU seconds of a fresh process", timer=child_cpu_seconds)


@GROUP
@pytest.mark.parametrize(
    "arguments", [["-m", "bench", "--help"], ["-c", "import typer"], ["-c", ""]], ids=["bench-help", "typer", "python"]
)
def test_start(benchmark, arguments):
    def start() -> None:
        assert subprocess.run([sys.executable, *arguments], capture_output=True, check=True).returncode == 0

    benchmark.pedantic(start, rounds=10, warmup_rounds=1)

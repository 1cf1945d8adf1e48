"""Peak memory of the metrics beyond the features, each in a process of its own.

pytest --benchmark-only tests/benchmarks/test_metrics_memory.py        10,000 x 2048
BENCH_LARGE=1 pytest --benchmark-only ... -k 50000                     50,000 x 2048: some minutes
"""

import json
import os
import subprocess
import sys

import pytest

CHILD = """
import json, resource, sys, threading
import torch
from bench.features.features import Features
from bench.metrics.fid import fid
from bench.metrics.kid import kid
from bench.metrics.precision_recall import coverage, density, precision, recall

count, everything = int(sys.argv[1]), sys.argv[2] == "all"
torch.set_num_threads(1)
torch.randn(300, 300, dtype=torch.float64) @ torch.randn(300, 300, dtype=torch.float64)  # the libraries' own buffers
torch.linalg.eigvalsh(torch.eye(300, dtype=torch.float64))
generator = torch.Generator().manual_seed(0)
real, fake = (torch.empty(count, 2048) for _ in range(2))
for features, scale in ((real, 1.0), (fake, 1.05)):
    for part in features.split(1000):
        part.copy_((torch.randn(part.shape, generator=generator) * torch.arange(1, 2049) ** -0.5 * scale).relu())
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before = peak()
real, fake = Features(real), Features(fake)
found = [metric(real, fake) for metric in (precision, recall, density, coverage)]
if everything:
    found += [fid(real, fake), kid(real, fake).value]
print(json.dumps(dict(beyond_the_features_megabytes=peak() - before, process_megabytes=peak(), values=found)))
"""


@pytest.mark.benchmark(group="peak memory (see extra_info), 2048 wide")
@pytest.mark.parametrize(
    ("count", "which"),
    [
        (10_000, "all"),
        (10_000, "neighbours"),
        pytest.param(
            50_000,
            "neighbours",
            marks=pytest.mark.skipif(not os.environ.get("BENCH_LARGE"), reason="takes minutes: set BENCH_LARGE=1"),
        ),
    ],
)
def test_memory(benchmark, count, which):
    def run():
        done = subprocess.run(
            [sys.executable, "-c", CHILD, str(count), which], capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout)

    benchmark.extra_info.update(benchmark.pedantic(run, rounds=1))

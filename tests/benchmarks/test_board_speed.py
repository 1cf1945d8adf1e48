"""How long 3,000 records take from files to a rendered leaderboard. The bar is 2 seconds on 2 cores."""

import hashlib
import json
import random
import time

import pytest

from bench.boards import board, render
from bench.records import record
from bench.records.record import Point

METRICS = [
    f"{name}@digits-cnn" for name in ("fid", "kid", "inception-score", "precision", "recall", "density", "coverage")
]


@pytest.fixture(scope="module")
def results(make_record, tmp_path_factory):
    """300 members x 10 seeds, seven metrics, ten points of curve: about 10 kB a record."""
    folder, rng = tmp_path_factory.mktemp("results"), random.Random(0)
    for member in range(300):
        level = rng.uniform(5, 50)
        for seed in range(10):
            scores = {
                metric: level * rng.lognormvariate(0, 0.05) if metric.startswith("fid") else rng.random()
                for metric in METRICS
            }
            curve = tuple(
                Point(
                    images=images,
                    step=images // 64,
                    train_seconds=images / 1000,
                    terms={f"generator/term{index}": rng.random() for index in range(4)},
                    scores={f"{METRICS[0]}:held-out": rng.random()},
                )
                for images in range(6_400, 64_001, 6_400)
            )
            item = make_record(f"member{member}", seed, scores).model_copy(update={"curve": curve})
            record.write(item, folder)
    return folder


GROUP = pytest.mark.benchmark(group="board: 3,000 records", timer=time.process_time)


@GROUP
def test_leaderboard_of_3000_records(benchmark, results):
    text = benchmark.pedantic(lambda: render.render(board.build(board.load(results)), "md"), rounds=5, warmup_rounds=1)
    assert text.count("10/10") == 300


@GROUP
def test_every_format_of_3000_records(benchmark, results):
    def every():
        built = board.build(board.load(results))
        return [render.render(built, format) for format in render.FORMATS]

    assert len(benchmark.pedantic(every, rounds=3)) == 3


@GROUP
def test_reading_the_files_alone(benchmark, results):
    """The yardstick: bytes, JSON and a sha256 of every file, and nothing else."""

    def read():
        contents = [path.read_bytes() for path in record.paths(results)]
        return [(json.loads(content), hashlib.sha256(content).digest()) for content in contents]

    assert len(benchmark.pedantic(read, rounds=3, warmup_rounds=1)) == 3000

"""A run from Python is the run of the command line; its images are the same for the same seed."""

from pathlib import Path

import numpy as np
import pytest
import torch

import bench
from bench.records import record as records

pytestmark = pytest.mark.slow

SUITE = """
name = "small"
version = "1.0.0"
members = ["toys:toy"]
seeds = [0]
ranking = "fid@digits-cnn"
[data]
name = "digits"
resolution = 16
[training]
images = 256
batch_size = 32
[evaluation]
metrics = ["fid@digits-cnn"]
samples = 100
sample_seeds = [0]
every = 128
curve_samples = 50
selection = "fid@digits-cnn:held-out"
"""


@pytest.fixture
def place(tmp_path, monkeypatch, toys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    monkeypatch.syspath_prepend(Path(__file__).parents[1])
    (tmp_path / "small.toml").write_text(SUITE)
    return tmp_path


def test_steps_come_while_it_trains_and_the_record_at_the_end(place):
    training = bench.train("toys:toy", "small.toml", results="r", checkpoint_seconds=0)
    assert training.record is None
    images = [step.images for step in training]
    assert images == sorted(images)
    assert images[-1] == 256
    record = training.record
    assert record is not None
    assert record.status == "ok"
    assert list(training) == []  # nothing is run twice
    assert records.read(place / "r" / record.file_name) == record


def test_whoever_stops_listening_goes_on_later_to_the_same_record(place):
    whole = bench.train("toys:toy", "small.toml", results="whole").finish(bar=False)
    for step in bench.train("toys:toy", "small.toml", results="parts", checkpoint_seconds=0):
        if step.images >= 128:
            break
    parts = bench.train("toys:toy", "small.toml", results="parts").finish(bar=False)
    assert parts.scores == whole.scores
    assert [point.terms for point in parts.curve] == [point.terms for point in whole.curve]


def test_images_are_the_seeds(place):
    record = bench.train("toys:toy", "small.toml", results="r").finish(bar=False)
    first = bench.sample(record, 10, seed=3, device="cpu")
    assert (first.shape, first.dtype) == ((10, 1, 16, 16), np.uint8)
    assert np.array_equal(first, bench.sample(str(place / "r" / record.file_name), 10, seed=3, device="cpu"))
    assert not np.array_equal(first, bench.sample(record, 10, seed=4, device="cpu"))
    picture = bench.grid(first, columns=5, scale=3)
    assert picture.size == ((5 * 16 + 4 * 2) * 3, (2 * 16 + 2) * 3)
    with pytest.raises(bench.UserError, match="n 0"):
        bench.sample(record, 0)
    with pytest.raises(bench.UserError, match="labels"):
        bench.sample(record, 2, labels=[0, 99])


def test_a_failed_run_is_raised_and_its_record_named(place, toys, monkeypatch):
    def broken(spec):
        raise ValueError("no such layer")

    monkeypatch.setattr(toys, "toy", broken)
    with pytest.raises(bench.UserError, match="no such layer"):
        bench.train("toys:toy", "small.toml", results="r").finish(bar=False)


def test_networks_can_be_built_alone(toys):
    gan = bench.build("dcgan(width=8)", resolution=16, channels=1)
    assert set(gan.players) == {"generator", "critic"}
    assert all(isinstance(player.net, torch.nn.Module) for player in gan.players.values())
    with pytest.raises(bench.UserError, match="dcgan"):
        bench.build("dcgna")

"""What a suite will cost: every part is counted, stages by their share, and times grow no slower than images."""

from dataclasses import replace

import pytest
import torch

from bench.gan import ImageSpec, Stage
from bench.runs import estimate
from bench.runs.estimate import Growing, Seconds
from bench.runs.experiment import prepare
from bench.suites.suite import parse
from bench.training.loop import Execution

pytestmark = pytest.mark.slow

SUITE = """
name = "brief"
version = "1.0.0"
members = ["{member}"]
seeds = [0]
ranking = "fid@random-cnn"
[data]
name = "digits"
resolution = 16
[training]
images = {images}
batch_size = 16
[evaluation]
metrics = ["fid@random-cnn", "coverage@random-cnn"]
samples = 200
every = 16_000
curve_samples = 100
selection = "fid@random-cnn:held-out"
"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch, toys):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))


def estimated(tmp_path, member: str = "toys:toy", images: int = 32_000) -> tuple[Seconds, Seconds]:
    experiment = prepare(parse(SUITE.format(member=member, images=images), "-"), tmp_path / "results", Execution())
    return estimate.estimate(experiment, experiment.jobs()[0])


def test_training_and_evaluation_are_counted_with_their_spread(tmp_path):
    train, evaluate = estimated(tmp_path)
    for part in (train, evaluate):
        assert 0 < part.low <= part.mean <= part.high


@pytest.mark.parametrize("times", [0.1, 0.5, 1.0, 3.0, 50.0])
@pytest.mark.parametrize("half", [0.1, 0.25, 0.5, 1.0, 2.0])
def test_the_time_of_a_metric_is_inside_its_spread(times, half):
    found = Growing(whole=1.0, half=half).at(times)
    assert 0 < found.low <= found.mean <= found.high


def test_every_stage_is_timed_by_itself(tmp_path, toys, monkeypatch):
    timed: list[tuple[int, float]] = []
    plain = Seconds.__mul__

    def times(self: Seconds, factor: float) -> Seconds:
        timed.append((round(factor), self.mean))
        return plain(self, factor)

    def staged(spec: ImageSpec):
        gan = toys.toy(spec)
        stages = [Stage(gan.schedule[0].updates, gan.schedule[0].turn, share=share) for share in (1, 7)]
        return replace(gan, schedule=stages)

    monkeypatch.setattr(toys, "staged", staged, raising=False)
    monkeypatch.setattr(Seconds, "__mul__", times)
    estimated(tmp_path, "toys:staged")
    assert [factor for factor, _ in timed[:2]] == [4_000, 28_000]


def test_an_estimate_leaves_random_numbers_alone(tmp_path):
    experiment = prepare(parse(SUITE.format(member="toys:toy", images=32_000), "-"), tmp_path / "results", Execution())
    (job,) = experiment.jobs()
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    estimate.estimate(experiment, job)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(
    ("half", "times", "expected"), [(0.5, 10, 10), (0.25, 10, 100), (0.9, 10, 10), (0.01, 10, 100)]
)
def test_a_metric_grows_from_linearly_to_squarely(half, times, expected):
    assert Growing(1.0, half).at(times).mean == pytest.approx(expected)


def test_seconds_add_and_scale():
    assert Seconds.of([1, 2, 3]) + Seconds(1, 1, 1) == Seconds(3, 2, 4)
    assert Seconds(1, 0.5, 2) * 2 == Seconds(2, 1, 4)

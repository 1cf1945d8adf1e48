"""What a suite will cost: every part is counted, stages by their share, and times grow no slower than images."""

from dataclasses import replace

import pytest
import torch

from bench.gan import ImageSpec, Stage
from bench.runs import estimate, pace
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


def test_every_stage_is_timed_by_itself_at_instants_spread_over_it(tmp_path, toys, monkeypatch):
    seen: list[tuple[int, float]] = []

    def staged(spec: ImageSpec):
        gan = toys.toy(spec)
        (update, *others), turn = gan.schedule[0].updates, gan.schedule[0].turn
        noted = replace(update, then=[lambda turn: seen.append((turn.now.stage, round(turn.now.stage_fraction, 3)))])
        return replace(gan, schedule=[Stage([noted, *others], turn, share=share) for share in (1, 7)])

    monkeypatch.setattr(toys, "staged", staged, raising=False)
    estimated(tmp_path, "toys:staged")
    instants = {0.125, 0.375, 0.625, 0.875}
    assert set(seen) == {(stage, instant) for stage in (0, 1) for instant in {0.0, *instants}}


def test_stages_count_by_their_share_of_the_images(tmp_path, toys, monkeypatch):
    def staged(spec: ImageSpec):
        gan = toys.toy(spec)
        stages = [Stage(gan.schedule[0].updates, gan.schedule[0].turn, share=share) for share in (1, 7)]
        return replace(gan, schedule=stages)

    monkeypatch.setattr(toys, "staged", staged, raising=False)
    known = pace.Pace((Seconds(2, 1, 3), Seconds(0.5, 0.5, 0.5)), Seconds())
    monkeypatch.setattr(estimate, "pace", lambda *_, **__: known)
    train, _ = estimated(tmp_path, "toys:staged")
    assert train == Seconds(4_000 * 2 + 28_000 * 0.5, 4_000 + 28_000 * 0.5, 12_000 + 28_000 * 0.5)


def test_a_pace_is_kept_until_its_setting_changes_or_it_is_asked_for_again(tmp_path, monkeypatch):
    timed = []
    plain = pace._timed
    monkeypatch.setattr(pace, "LEAST", 0.0)
    monkeypatch.setattr(pace, "_timed", lambda *given: timed.append(given) or plain(*given))
    experiment = prepare(parse(SUITE.format(member="toys:toy", images=32_000), "-"), tmp_path / "results", Execution())
    (job,) = experiment.jobs()
    first = pace.pace(experiment, job)
    assert pace.pace(experiment, job) == first
    assert len(timed) == 1
    training = experiment.suite.training.model_copy(update={"images": 64_000})
    longer = replace(experiment, suite=experiment.suite.model_copy(update={"training": training}))
    assert pace.pace(longer, job) == first  # the pace of a longer run is the same
    smaller = training.model_copy(update={"batch_size": 8})
    other = prepare(longer.suite.model_copy(update={"training": smaller}), tmp_path / "results", Execution())
    pace.pace(other, job)
    pace.pace(experiment, replace(job, source=replace(job.source, digest="another")))
    pace.pace(experiment, job, again=True)
    assert len(timed) == 4


def test_a_damaged_file_in_the_cache_is_timed_again(tmp_path, monkeypatch):
    monkeypatch.setattr(pace, "LEAST", 0.0)
    experiment = prepare(parse(SUITE.format(member="toys:toy", images=32_000), "-"), tmp_path / "results", Execution())
    (job,) = experiment.jobs()
    pace.pace(experiment, job)
    (kept,) = (tmp_path / "home" / "pace").iterdir()
    kept.write_text('{"training": 3}')
    assert pace.pace(experiment, job).training[0].mean > 0


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


def test_path_lengths_are_counted(tmp_path):
    """Each path is two images, generated and looked at: at least twice the time that sampling takes."""
    text = SUITE.format(member="toys:toy", images=32_000)
    with_paths = text.replace('"coverage@', '"ppl-z-full@random-cnn", "coverage@')
    plain, longer = (prepare(parse(suite, "-"), tmp_path / "results", Execution()) for suite in (text, with_paths))
    found = pace.pace(longer, longer.jobs()[0])
    metrics = estimate.Metrics(longer)
    walked = estimate._walking(longer.rules.metrics, found, metrics)
    features = metrics.extraction("random-cnn")
    assert walked.mean == pytest.approx(2 * (found.sampling.mean + features.mean))
    assert estimate._walking(plain.rules.metrics, found, metrics).mean == 0

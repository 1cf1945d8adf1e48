"""A trained member is scored again from its record or checkpoint: the record's scores come out, and others can be had."""

import json
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.records import record as records
from bench.runs.experiment import prepare
from bench.runs.rescore import OTHER_DATA, rescore
from bench.runs.run import Finished, run
from bench.suites.suite import parse
from bench.training.loop import Execution

pytestmark = pytest.mark.slow

SUITE = """
name = "again"
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
metrics = ["fid@digits-cnn", "precision@digits-cnn"]
samples = 100
sample_seeds = [3]
every = 128
curve_samples = 50
selection = "fid@digits-cnn:held-out"
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The record of one short run, whose checkpoints are in the cache."""
    folder = tmp_path_factory.mktemp("again")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_HOME", str(folder / "home"))
        patch.syspath_prepend(Path(__file__).parents[1])
        experiment = prepare(parse(SUITE, "again"), folder / "results", Execution())
        (done,) = [event for event in run(experiment, experiment.jobs()) if isinstance(event, Finished)]
        assert done.record.status == "ok", done.record.failure
        yield done.path


def test_the_scores_of_the_record_come_out_again(trained):
    record = records.read(trained)
    for which in ("last", "best"):
        expected = {score.metric: score.value for score in record.scores if score.checkpoint == which}
        found = rescore(trained, which=which)
        assert {item.metric: item.value for item in found} == pytest.approx(expected, rel=1e-6)
        assert all(item.samples_fake == 100 for item in found)


def test_metrics_that_the_suite_had_not_are_measured(trained):
    found = rescore(
        trained, ["ppl-z-full@digits-cnn", "copies@digits-cnn", "kid-full@digits-cnn:held-out"], samples=120
    )
    assert [item.samples_fake for item in found] == [120, 120, 120]
    assert found[0].value > 0
    assert found[0].error is not None
    assert rescore(trained, ["ppl-z-full@digits-cnn"], samples=120)[0] == found[0]


def test_what_a_member_has_not_is_refused_before_any_work(trained):
    with pytest.raises(UserError, match="latent space w"):
        rescore(trained, ["ppl-w-full@digits-cnn"])
    with pytest.raises(UserError, match="compares pairs"):
        rescore(trained, ["ssim"])


def test_a_checkpoint_is_scored_against_the_images_that_are_named(trained):
    record = records.read(trained)
    stem = records.file_stem(record.seed, record.job)
    checkpoint = trained.parents[3] / "home" / "checkpoints" / "again" / record.member.name / stem / "last.pt"
    with pytest.raises(UserError, match="--real"):
        rescore(checkpoint)  # its suite does not come with the bench
    (found,) = rescore(checkpoint, ["fid@digits-cnn"], real="digits", samples=100, seed=3)
    assert found.value == pytest.approx(rescore(trained, ["fid@digits-cnn"])[0].value, rel=1e-6)
    assert OTHER_DATA not in found.flags


def test_other_real_images_are_said(trained, tmp_path):
    content = json.loads(trained.read_text())
    content["protocol"]["facts"]["data"]["digest"] = "0" * 64
    altered = records.Record.model_validate(content).sealed()
    path = tmp_path / trained.name
    path.write_text(json.dumps(altered.model_dump(mode="json")))
    assert all(OTHER_DATA in item.flags for item in rescore(path))

"""A recorded run is made again from its first image; code or rules that are others now are refused."""

from pathlib import Path

import pytest
import torch

from bench.errors import UserError
from bench.records import record as records
from bench.runs import own_data, verify
from bench.runs.experiment import prepare
from bench.runs.run import Finished, run
from bench.suites.suite import parse
from bench.training.loop import Execution

pytestmark = pytest.mark.slow

SUITE = """
name = "brief"
version = "1.0.0"
members = ["toys:toy"]
seeds = [0]
ranking = "fid@random-cnn"
[data]
name = "digits"
resolution = 16
[training]
images = 320
batch_size = 16
[evaluation]
metrics = ["fid@random-cnn"]
samples = 100
every = 160
curve_samples = 50
selection = "fid@random-cnn:held-out"
"""


@pytest.fixture
def recorded(tmp_path, monkeypatch, toys) -> Path:
    """A record of the toy, with its suite kept beside it."""
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    suite, results = parse(SUITE, "-"), tmp_path / "results"
    own_data.keep(suite, results)
    experiment = prepare(suite, results, Execution())
    (event,) = (event for event in run(experiment, experiment.jobs()) if isinstance(event, Finished))
    return event.path


def made_again(path: Path) -> verify.Verification:
    experiment, job, record = verify.experiment_of(path)
    return verify.compared(record, list(verify.again(experiment, job, record.environment.threads)))


def test_the_same_code_gives_the_same_numbers_and_leaves_nothing(recorded):
    before = {path for path in recorded.parents[2].rglob("*") if path.name[0] != "."}
    torch.manual_seed(5)
    found = made_again(recorded)
    assert found.holds(0.0)
    assert found.surroundings == ()
    names = [one.name for one in found.comparisons]
    assert names[:2] == ["status", "steps"]
    assert "fid@random-cnn last, sample seed 0" in names
    assert "fid@random-cnn:held-out after 160 images" in names
    assert {path for path in recorded.parents[2].rglob("*") if path.name[0] != "."} == before


def test_other_numbers_are_found(recorded):
    record = records.read(recorded)
    score = record.scores[0].model_copy(update={"value": record.scores[0].value * 1.01})
    forged = record.model_copy(update={"scores": (score, *record.scores[1:]), "order": 0})
    recorded.unlink()
    path = records.write(forged, recorded.parents[2])
    found = made_again(path)
    assert not found.holds(0.0)
    assert found.holds(0.02)
    assert sum(one.difference > 0 for one in found.comparisons) == 1


def test_other_code_is_refused_and_its_copy_is_named(recorded, monkeypatch):
    record = records.read(recorded)
    before = record.member.model_copy(update={"source_digest": "0" * 64})
    monkeypatch.setattr(verify.records, "read", lambda path: record.model_copy(update={"member": before}))
    with pytest.raises(
        UserError, match=r"the code of member 'toy' is another now\. (Its files are in|Check out commit)"
    ):
        verify.experiment_of(recorded)


def test_a_record_without_its_suite_is_refused(recorded):
    (recorded.parents[1] / own_data.FILE).unlink()
    with pytest.raises(UserError, match="the suite 'brief' does not come with the bench"):
        verify.experiment_of(recorded)


def test_other_rules_are_refused(recorded):
    kept = recorded.parents[1] / own_data.FILE
    kept.write_text(kept.read_text().replace("images = 320", "images = 640"))
    with pytest.raises(UserError, match="the protocol of brief is another now"):
        verify.experiment_of(recorded)

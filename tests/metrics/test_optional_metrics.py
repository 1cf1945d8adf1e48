"""Metrics that are measured where weights are available: the same protocol everywhere, and an honest gap elsewhere."""

from pathlib import Path

import pytest

from bench.boards import board
from bench.errors import UserError
from bench.features import networks
from bench.metrics.measure import Measurement
from bench.records import record as records
from bench.records.record import Record
from bench.records.soundness import problems
from bench.runs import rules
from bench.runs.experiment import Experiment, prepare
from bench.runs.run import Finished, run
from bench.suites import suite
from bench.training.loop import Execution

pytestmark = pytest.mark.slow

TEXT = """
name = "optional"
version = "1.0.0"
members = ["toys:toy"]
seeds = [0, 1]
ranking = "fid@digits-cnn"
[data]
name = "digits"
[training]
images = 128
batch_size = 16
[evaluation]
metrics = ["fid@digits-cnn"]
optional_metrics = ["fid@random-cnn", "precision@random-cnn"]
samples = 40
every = 32
curve_samples = 40
selection = "fid@digits-cnn:held-out"
"""
OPTIONAL = ("fid@random-cnn", "precision@random-cnn")


def prepared(tmp_path: Path, text: str = TEXT) -> Experiment:
    return prepare(suite.parse(text, "-"), tmp_path / "results", Execution())


def without_weights(monkeypatch) -> None:
    monkeypatch.setattr(rules, "missing", lambda name: f"the weights of {name} were not available")


def ran(prepared: Experiment, seed: int) -> Record:
    events = run(prepared, prepared.jobs(seeds=[seed]))
    return next(records.read(event.path) for event in events if isinstance(event, Finished))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch, toys):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))


def test_the_protocol_does_not_depend_on_what_is_installed(tmp_path, monkeypatch):
    here = prepared(tmp_path)
    without_weights(monkeypatch)
    elsewhere = prepared(tmp_path)
    assert here.rules.metrics == ("fid@digits-cnn", *OPTIONAL)
    assert elsewhere.rules.metrics == ("fid@digits-cnn",)
    assert here.rules.protocol == elsewhere.rules.protocol
    assert here.rules.protocol["facts"]["extractors"].keys() == {"digits-cnn", "random-cnn"}
    assert here.rules.protocol["facts"]["metrics"].keys() == {"fid", "precision"}


def test_the_card_of_every_extractor_says_what_the_extractor_says():
    for name in ("digits-cnn", "mnist-cnn", "cifar10-cnn", "random-cnn"):
        card, loaded = networks.card(name), networks.load(name)
        assert (card.digest, card.preprocessing) == (loaded.digest, loaded.preprocessing)


def test_official_weights_are_in_the_protocol_though_they_are_not_here(tmp_path):
    text = TEXT.replace("random-cnn", "inception-v3")
    facts = prepared(tmp_path, text).rules.protocol["facts"]["extractors"]["inception-v3"]
    assert facts == {
        "weights": networks.card("inception-v3").digest,
        "preprocessing": networks.card("inception-v3").preprocessing,
    }


def test_missing_weights_are_named_and_an_unknown_network_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    words = networks.missing("inception-v3")
    assert words is not None
    assert "weights-inception-2015-12-05-6726825d.pth" in words
    assert networks.missing("digits-cnn") is None
    with pytest.raises(UserError, match="unknown extractor 'inception-v4'"):
        networks.missing("inception-v4")


@pytest.mark.slow
def test_runs_with_and_without_the_weights_share_a_board(tmp_path, monkeypatch):
    first = ran(prepared(tmp_path), 0)
    without_weights(monkeypatch)
    second = ran(prepared(tmp_path), 1)
    assert first.protocol_digest == second.protocol_digest
    assert first.absent == {}
    assert second.absent == {metric: "the weights of random-cnn were not available" for metric in OPTIONAL}
    assert {score.metric for score in first.scores} == {"fid@digits-cnn", *OPTIONAL}
    assert {score.metric for score in second.scores} == {"fid@digits-cnn"}
    assert [problems(item) for item in (first, second)] == [[], []]
    built = board.build([first, second])
    (row,) = built.rows
    assert row.kind == "ranked"  # a gap with a reason leaves no row incomplete
    assert len(row.cells["fid@digits-cnn", "last"].values) == 2
    assert len(row.cells["fid@random-cnn", "last"].values) == 1
    assert "fid@random-cnn: not measured in 1 of 2 runs, where its weights were not available." in built.notes


def test_an_optional_score_may_not_vanish_without_a_reason(tmp_path, monkeypatch):
    without_weights(monkeypatch)
    silent = ran(prepared(tmp_path), 0).model_copy(update={"absent": {}})
    assert problems(silent) == [f"{', '.join(OPTIONAL)}: neither measured nor said to be absent"]


@pytest.mark.parametrize(
    ("metric", "words"),
    [("l1", "compares pairs of images"), ("nearest-train@digits-cnn", None), ("kid@digits-cnn", None)],
)
def test_a_metric_without_its_inputs_is_refused_before_the_training(metric, words, tmp_path, monkeypatch):
    def never(*_: object, **__: object) -> list[Measurement]:
        raise AssertionError("trained although the metric cannot be measured")

    text = TEXT.replace('metrics = ["fid@digits-cnn"]', f'metrics = ["fid@digits-cnn", "{metric}"]', 1)
    found = prepared(tmp_path, text)
    if words is None:
        assert ran(found, 0).status == "ok"
        return
    monkeypatch.setattr("bench.runs.evaluation.measure", never)
    with pytest.raises(UserError, match=f"member 'toy'.*{words}"):
        list(run(found, found.jobs()))


def test_pairs_of_a_member_that_rebuilds_are_the_held_out_images(tmp_path):
    from toys import toy  # pyright: ignore[reportMissingImports]

    from bench.gan import ImageSpec
    from bench.training.sampling import targets

    found = prepared(tmp_path)
    gan = toy(ImageSpec(1, 16))
    assert targets(gan, found.dataset, 5) is None
    rebuilt = targets(type(gan)(gan.players, gan.schedule, gan.generate, task="reconstruction"), found.dataset, 400)
    assert rebuilt is not None
    held_out = found.dataset.held_out.images
    assert (rebuilt[:364] == held_out).all()
    assert (rebuilt[364:] == held_out[:36]).all()


def test_a_cell_of_the_paper_track_trains_by_its_recipe(tmp_path):
    recipe = '[recipes."toys:toy"]\nimages = 256\nbatch_size = 32\n'
    found = prepared(tmp_path, 'track = "paper"\n' + TEXT + recipe)
    record = ran(found, 0)
    assert (record.track, record.images_seen, record.steps) == ("paper", 256, 4)
    assert [point.images for point in record.curve] == [64, 128, 192, 256]

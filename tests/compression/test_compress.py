"""Copies are scored beside their parents; a sound one costs little, one with a broken scale is caught."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from bench.adoption.scoring import Scored
from bench.boards import board
from bench.boards.origins import differences, origin, spread
from bench.compression.compress import compress, flagged
from bench.compression.copies import Copy
from bench.compression.parent import Parent, folded, load
from bench.compression.quantise import ALL, FAST, copy_of, feeds, quantised, running
from bench.compression.recipes import recipe
from bench.compression.weights import macs
from bench.errors import UserError
from bench.perf.export import to_onnx_bytes
from bench.records import record as records
from bench.records.origins import Timing
from bench.records.parts import Score
from bench.runs.experiment import prepare
from bench.runs.run import Finished, run
from bench.suites import suite
from bench.training.loop import Execution

SUITE = """
name = "tiny"
version = "1.0.0"
members = ["toys:toy"]
seeds = [0]
ranking = "fid@digits-cnn"
[data]
name = "digits"
resolution = 16
[training]
images = 3200
batch_size = 16
[evaluation]
metrics = ["fid@digits-cnn", "recall@digits-cnn"]
samples = 200
sample_seeds = [0, 1, 2]
every = 1600
curve_samples = 100
selection = "fid@digits-cnn:held-out"
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory, toys):
    """A folder in which a small digits member has been trained, its cache, and its record's path."""
    folder = tmp_path_factory.mktemp("parent")
    (folder / "results" / "tiny").mkdir(parents=True)
    (folder / "results" / "tiny" / "suite.toml").write_text(SUITE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_HOME", str(folder / "home"))
        experiment = prepare(suite.parse(SUITE, "tiny"), folder / "results", Execution())
        (path,) = [event.path for event in run(experiment, experiment.jobs()) if isinstance(event, Finished)]
    return folder, path


@pytest.fixture
def parent(trained, monkeypatch) -> Parent:
    folder, path = trained
    monkeypatch.setenv("BENCH_HOME", str(folder / "home"))
    return load(path, folder / "results")


def into(parent: Parent, folder: Path) -> Parent:
    """The same parent, with copies recorded in another folder."""
    files = replace(parent.experiment.files, results=folder / "results")
    return replace(parent, experiment=replace(parent.experiment, files=files))


class Broken:
    """int8 with every scale times four."""

    name = "int8"

    def __call__(self, parent: Parent, seed: int, /) -> Copy:
        import onnx
        from onnx import numpy_helper

        content = to_onnx_bytes(parent.module)
        model = onnx.load_from_string(quantised(content, feeds(parent, seed), FAST))
        for one in model.graph.initializer:
            if one.name.endswith("_scale"):
                one.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(one) * np.float32(4), one.name))
        return copy_of(parent, content, model.SerializeToString())


def change(record: records.Record) -> float:
    """Of FID, relative to the parent's."""
    assert record.compression
    before = [one.value for one in record.compression.parent_scores if one.metric == record.ranking]
    return float(np.mean(differences(record, record.ranking)) / np.mean(before))


def degraded(record: records.Record) -> bool:
    return any(flag.startswith("degraded") for score in record.scores for flag in score.flags)


@pytest.mark.slow
@pytest.mark.usefixtures("no_shape_checks")
@pytest.mark.filterwarnings("ignore")
def test_int8_costs_little_and_a_broken_scale_is_caught(parent, tmp_path):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    sound, _ = compress(into(parent, tmp_path / "sound"), recipe("int8"), 0, "bench compress")
    broken, _ = compress(into(parent, tmp_path / "broken"), Broken(), 0, "bench compress")
    assert abs(change(sound)) < 0.05
    assert not degraded(sound)
    assert change(broken) > 0.05
    assert degraded(broken)
    assert sound.compression
    assert sound.compression.in_int8
    assert sound.compression.bytes < 0.5 * sound.compression.parent_bytes
    assert len(sound.compression.timings) == 3


def test_the_parents_scores_come_out_again_and_the_row_is_a_variant(parent, tmp_path):
    here = into(parent, tmp_path)
    record, path = compress(here, recipe("half"), 0, "bench compress")
    old = [one.value for one in parent.record.scores if one.checkpoint == "last"]
    assert record.compression
    assert [one.value for one in record.compression.parent_scores] == pytest.approx(old, rel=1e-4)
    assert record.member.name == "toy+half"
    assert record.compression.bytes < 0.55 * record.compression.parent_bytes
    psnr = [one.value for one in record.compression.to_parent if one.metric == "psnr"]
    assert len(psnr) == 3
    assert min(psnr) > 50
    made = board.build([parent.record, records.read(path)])
    assert {row.member: row.kind for row in made.rows} == {"toy": "ranked", "toy+half": "variant"}
    assert any("compressed by half" in note and "No speed is claimed" in note for note in made.notes)
    with pytest.raises(UserError, match="has a record already"):
        compress(here, recipe("half"), 0, "bench compress")


def test_pruning_sets_the_share_of_weights_to_zero_and_keeps_the_largest(parent):
    copy = recipe("prune:0.5")(parent, 0)
    whole = parent.nets()["generator"].layers[3].weight
    kept = whole.abs() > whole.abs().median()
    assert 0.45 < copy.zeros <= 0.5  # biases and norms stay
    assert copy.parent_bytes > len(copy.content)
    assert int(kept.sum()) == whole.numel() // 2


def test_macs_by_hand(parent):
    assert macs(parent) == 4 * 32 + 32 * 256  # two linear layers


def test_folding_spectral_norm_changes_no_number():
    net = nn.Sequential(spectral_norm(nn.Linear(4, 3)), nn.ReLU(), spectral_norm(nn.Linear(3, 2))).eval()
    given = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    flat = folded(net)
    assert torch.equal(flat(given), net(given))
    assert set(flat.state_dict()) == {"0.weight", "0.bias", "2.weight", "2.bias"}


@pytest.mark.filterwarnings("ignore")
def test_transposed_convolutions_stay_in_floating_point(parent):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    net = nn.ConvTranspose2d(4, 4, 4, 2, 1).eval()
    program = torch.onnx.export(net, (torch.zeros(2, 4, 8, 8),), input_names=["x"], dynamo=True, verbose=False)
    assert program is not None
    content = program.model_proto.SerializeToString()
    given = [{"x": np.random.default_rng(0).normal(size=(2, 4, 8, 8)).astype(np.float32)}]
    with pytest.raises(UserError, match="none of Conv, MatMul, Gemm, but ConvTranspose"):
        quantised(content, given, FAST)
    made = quantised(content, given, ALL)
    assert any(one.data_type == onnx.TensorProto.INT8 for one in onnx.load_from_string(made).graph.initializer)
    assert running(made) == {"ConvTranspose": 1}


@pytest.mark.parametrize(
    "text", ["", "int4", "prune", "prune:0", "prune:1", "prune:1.5", "prune:nan", "prune:-0.5", "HALF"]
)
def test_recipes_that_are_none(text):
    with pytest.raises(UserError, match="--recipe"):
        recipe(text)


def test_a_checkpoint_that_is_damaged_or_of_nothing(trained, tmp_path, monkeypatch):
    folder, path = trained
    monkeypatch.setenv("BENCH_HOME", str(folder / "home"))
    (last,) = folder.glob("home/checkpoints/tiny/toy/*/last.pt")
    assert load(last, folder / "results").record.file_name.endswith(path.name)
    with pytest.raises(UserError, match="its record"):
        load(last, tmp_path)
    (tmp_path / "last.pt").write_bytes(last.read_bytes()[:500])
    with pytest.raises(UserError, match="damaged"):
        load(tmp_path / "last.pt", folder / "results")
    with pytest.raises(UserError, match="only the end of a run"):
        load(last.with_name("best.pt"), folder / "results")


def scores_of(*values: float) -> Scored:
    made = [
        Score(
            metric="fid@digits-cnn", version=1, better="lower", value=value, checkpoint="last",
            samples_real=9, samples_fake=9, sample_seed=seed,
        )
        for seed, value in enumerate(values)
    ]  # fmt: skip
    return Scored({}, tuple(made), 0.0, "")


@pytest.mark.parametrize(("after", "caught"), [((106, 107), True), ((106, 104), False), ((90, 90), False)])
def test_degraded_means_worse_with_every_sample_seed(after, caught):
    found = flagged(scores_of(100, 100), scores_of(*after), "fid@digits-cnn")
    assert any(score.flags for score in found.scores) is caught


def test_a_paired_interval_by_hand():
    assert spread([1.0, 2.0, 3.0]) == "+2 [-0.484, 4.48]"  # t(0.975, 2) = 4.3027, SD 1, n 3
    assert spread([1.5]) == "+1.5"


@pytest.mark.parametrize(
    ("milliseconds", "in_int8", "words"), [(1.0, 1, "Faster"), (1.0, 0, "Not said"), (3.0, 1, "Not said")]
)
def test_faster_is_said_of_what_runs_in_int8_and_beats_both(parent, tmp_path, milliseconds, in_int8, words):
    record, _ = compress(into(parent, tmp_path), recipe("half"), 0, "bench compress")
    assert record.compression
    times = {
        "the parent in PyTorch": 4.0,
        "the parent in ONNX Runtime": 2.0,
        "compressed, in ONNX Runtime": milliseconds,
    }
    timings = tuple(
        Timing(what=what, batch=16, threads=1, milliseconds=(one, one * 1.01, one)) for what, one in times.items()
    )
    ran = {"QGemm": in_int8} if in_int8 else {}
    changed = record.compression.model_copy(update={"timings": timings, "in_int8": ran})
    assert words in origin(record.model_copy(update={"compression": changed}))

"""Generators made elsewhere: each form scores as the same generator in another, and what does not fit is refused."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from bench.adoption.adopt import adopt
from bench.adoption.statement import Statement
from bench.boards import board
from bench.errors import UserError
from bench.records import record as records
from bench.runs.experiment import Experiment, prepare
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
images = 960
batch_size = 16
[evaluation]
metrics = ["fid@digits-cnn", "precision@digits-cnn"]
samples = 100
sample_seeds = [0, 1]
every = 480
curve_samples = 100
selection = "fid@digits-cnn:held-out"
"""
MODULE = """
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.layer = nn.Linear(8, spec.channels * spec.resolution ** 2)
        self.shape = (spec.channels, spec.resolution, spec.resolution)
    def forward(self, z):
        return torch.tanh(self.layer(z)).unflatten(1, self.shape)
"""


class Net(nn.Module):
    """z (N, 8) -> (N, channels, 16, 16), squashed by `last`."""

    def __init__(self, channels: int = 1, scale: float = 1.0, offset: float = 0.0):
        super().__init__()
        self.layer = nn.Linear(8, channels * 256)
        self.channels, self.scale, self.offset = channels, scale, offset

    def forward(self, latents: Tensor) -> Tensor:
        images = torch.tanh(self.layer(latents)).reshape(-1, self.channels, 16, 16)
        return images * self.scale + self.offset


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    return prepare(suite.parse(SUITE, "tiny"), tmp_path / "results", Execution())


def net(**options: Any) -> Net:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Net(**options)


def torchscript(path: Path, **options: Any) -> str:
    torch.jit.save(torch.jit.trace(net(**options), torch.zeros(2, 8), check_trace=False), path)
    return str(path)


def onnx(path: Path, free: bool = True) -> str:
    pytest.importorskip("onnxscript")
    shapes = ({0: torch.export.Dim("batch", min=1, max=4096)},) if free else None
    torch.onnx.export(
        net(), (torch.zeros(2, 8),), str(path), input_names=["latents"], dynamic_shapes=shapes, dynamo=True, verbose=False
    )  # fmt: skip
    return str(path)


def said(**more: Any) -> Statement:
    given: dict[str, Any] = {"name": "theirs", "budget": "one day", "latents": "gaussian:8"}
    return Statement(**given | more)


def values(record: records.Record) -> list[float]:
    return [score.value for score in record.scores]


@pytest.mark.filterwarnings("ignore")  # of TorchScript's and ONNX's writers
def test_every_form_of_one_generator_has_the_same_scores(experiment, tmp_path, monkeypatch):
    (tmp_path / "their_module.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    save_file(net().state_dict(), tmp_path / "net.safetensors")
    torch.save(net().state_dict(), tmp_path / "net.pt")
    scored = [
        adopt(experiment, source, said(name=f"theirs-{index}", **more), "bench adopt")[0]
        for index, (source, more) in enumerate(
            [
                (torchscript(tmp_path / "ts.pt"), {}),
                (onnx(tmp_path / "net.onnx"), {"latents": ""}),
                ("their_module:Net", {"weights": tmp_path / "net.safetensors"}),
                ("their_module:Net", {"weights": tmp_path / "net.pt"}),
            ]
        )
    ]
    for other in scored[1:]:
        assert values(other) == pytest.approx(values(scored[0]), rel=1e-3)
    assert [one.adoption.form for one in scored] == ["torchscript", "onnx", "module", "module"]
    assert all(one.adoption.timing and len(one.adoption.timing.milliseconds) == 15 for one in scored)


@pytest.mark.filterwarnings("ignore")
def test_the_row_says_that_it_was_trained_elsewhere_and_is_not_ranked(experiment, tmp_path):
    record, path = adopt(experiment, torchscript(tmp_path / "g.pt"), said(budget="two\nweeks", images=5), "bench adopt")
    assert records.read(path).adoption == record.adoption
    assert all((path.parent / item.path).exists() for item in record.artifacts if item.path)
    assert "grid" in {item.kind for item in record.artifacts}
    made = board.build([records.read(path)])
    assert [(row.kind, row.ranks, row.cost) for row in made.rows] == [("adopted", None, None)]
    assert any("trained elsewhere" in note and "two weeks" in note for note in made.notes)
    with pytest.raises(UserError, match="a row of tiny already"):
        adopt(experiment, str(tmp_path / "g.pt"), said(), "bench adopt")


def test_images_are_dealt_to_sample_seeds_without_repeats(experiment, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (250, 16, 16, 1), np.uint8)
    np.savez(tmp_path / "s.npz", images)
    record, _ = adopt(experiment, str(tmp_path / "s.npz"), said(latents=""), "bench adopt")
    assert {score.sample_seed for score in record.scores} == {0, 1}
    fid = [score.value for score in record.scores if score.metric == "fid@digits-cnn"]
    assert fid[0] != fid[1]
    np.savez(tmp_path / "few.npz", images[:150])
    record, _ = adopt(experiment, str(tmp_path / "few.npz"), said(name="few", latents=""), "bench adopt")
    assert {score.sample_seed for score in record.scores} == {0}


class Trap:
    """What a pickle that runs code looks like."""

    def __reduce__(self):
        return (Path.touch, (Path("ran"),))


def bad(name: str, folder: Path) -> tuple[str, dict[str, Any]]:
    """A source that must be refused, with what is said of it."""
    path, images = folder / f"{name}.npz", np.zeros((100, 16, 16, 1), np.uint8)
    if name in ("few", "size", "colour", "pickled"):
        arrays = {"few": images[:99], "size": np.zeros((100, 8, 8, 1), np.uint8), "colour": images.repeat(3, 3)}
        if name == "colour":
            arrays["colour"][..., 0] = 200
        np.savez(path, arrays.get(name, np.array([Trap()] * 100, object)))
        return str(path), {}
    if name == "trap":
        (folder / "trap.pt").write_bytes(pickle.dumps({"layer": Trap()}))
        return "their_module:Net", {"weights": folder / "trap.pt"}
    if name == "unfit":
        torch.save({"other.weight": torch.zeros(1)}, folder / "unfit.pt")
        return "their_module:Net", {"weights": folder / "unfit.pt"}
    if name == "damaged":
        (folder / "d.pt").write_bytes(Path(torchscript(folder / "whole.pt")).read_bytes()[:900])
        return str(folder / "d.pt"), {}
    if name == "damaged-onnx":
        (folder / "d.onnx").write_bytes(b"\x08\x07damaged")
        return str(folder / "d.onnx"), {}
    if name == "fixed":
        return onnx(folder / "fixed.onnx", free=False), {}
    options = {"range": {"scale": 3.0}, "unit": {"scale": 0.5, "offset": 0.5}, "channels": {"channels": 3}}
    said = {
        "classes": {"classes": 7},
        "width": {"latents": "9"},
        "prior": {"latents": "cauchy:8"},
        "none": {"latents": ""},
    }
    return torchscript(folder / "g.pt", **options.get(name, {})), said.get(name, {})


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("few", "has 99 images, a score of this suite takes 100"), ("size", "8 x 8 pixels"), ("colour", "has colour images"),
        ("pickled", "pickled objects"), ("trap", "could run code"), ("unfit", "do not fit"), ("damaged", "damaged"),
        ("damaged-onnx", "damaged"), ("fixed", "batch size is not free"), ("range", r"expected \[-1, 1\]"),
        ("unit", r"lie in \[0, 1\]"), ("channels", "have 1 channels, its 3"), ("classes", "7 classes"), ("width", "failed"),
        ("prior", "gaussian:WIDTH"), ("none", "how wide"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_and_nothing_is_written(experiment, tmp_path, monkeypatch, name, words):
    (tmp_path / "their_module.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    source, more = bad(name, tmp_path)
    with pytest.raises(UserError, match=words):
        adopt(experiment, source, said(**more), "bench adopt")
    assert list((tmp_path / "results").rglob("*.json")) == []
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["real", "dcgan", "a/b", "", ".x"])
def test_a_name_that_is_taken_or_no_name(experiment, name):
    with pytest.raises(UserError, match="--as"):
        adopt(experiment, "s.npz", said(name=name), "bench adopt")


def test_a_budget_must_be_stated():
    with pytest.raises(UserError, match="--budget"):
        said(budget="  ")

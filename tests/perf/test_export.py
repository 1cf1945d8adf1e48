"""Exports that agree with eager, and members that cannot be exported."""

import io
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from bench.errors import UserError
from bench.export import TOLERANCE, Exportable, NotExportableError, Target, compare, export
from bench.gan import GAN, ImageSpec, Nets, Player, Prompt, adam, gaussian

SPEC = ImageSpec(1, 8)
TARGETS: tuple[Target, ...] = ("onnx", "torchscript", "torch-export")


def exportable(toys, generate=None) -> Exportable:
    torch.manual_seed(0)
    gan = toys.toy(SPEC)
    if generate:
        gan = GAN(gan.players, gan.schedule, generate, gan.latents)
    return Exportable(gan, {name: player.net.eval() for name, player in gan.players.items()}, SPEC)


def needs(target: Target) -> None:
    if target == "onnx":
        pytest.importorskip("onnxruntime")
        pytest.importorskip("onnxscript")


@pytest.mark.parametrize("target", TARGETS)
def test_an_export_agrees_with_eager_at_batch_1_and_32(toys, tmp_path, target):
    needs(target)
    made = export(exportable(toys), target, tmp_path / "generator")
    assert set(made.differences) == {1, 32}
    assert max(made.differences.values()) <= TOLERANCE
    assert made.path.stat().st_size == made.bytes


@pytest.mark.filterwarnings("ignore:.torch.jit:FutureWarning")
@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_the_file_can_be_used_without_the_bench(toys, tmp_path):
    module = exportable(toys)
    export(module, "torchscript", tmp_path / "g.pt")
    latents = torch.randn(5, 4)
    loaded = torch.jit.load(io.BytesIO((tmp_path / "g.pt").read_bytes()))
    torch.testing.assert_close(loaded(latents), module(latents))


def test_the_critic_is_not_exported(toys):
    assert set(exportable(toys).nets) == {"generator"}


def test_labels_become_an_input():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(3, 4)

        def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
            return torch.tanh(latents + self.embedding(labels)).repeat(1, 16).unflatten(1, (1, 8, 8))

    def generate(nets: Nets, prompt: Prompt) -> Tensor:
        return nets["generator"](prompt.latents, prompt.labels)

    gan = GAN({"generator": Player(Net(), adam(1e-3))}, [], generate, gaussian(4), task="conditional")
    module = Exportable(gan, {"generator": gan.players["generator"].net.eval()}, ImageSpec(1, 8, classes=3))
    assert module.names == ("latents", "labels")
    found = compare(module, lambda inputs: module(*inputs.values()), "torchscript")
    assert found == {1: 0.0, 32: 0.0}


def noisy(nets: Nets, prompt: Prompt) -> Tensor:
    noise = torch.randn(prompt.count, 1, 8, 8, generator=prompt.random)
    return torch.tanh(nets["generator"](prompt.latents) + noise)


@pytest.mark.parametrize("target", ["onnx", "torch-export"])
def test_a_member_that_cannot_be_exported_is_named_with_the_operator(toys, tmp_path, target):
    needs(target)
    with pytest.raises(NotExportableError, match=r"cannot be exported: operator \S*randn") as caught:
        export(exportable(toys, noisy), target, tmp_path / "x")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_export_that_differs_is_not_written(toys, tmp_path):
    module = exportable(toys)
    with pytest.raises(UserError, match="a pixel differs from eager by"):
        compare(module, lambda inputs: module(*inputs.values()) + 0.01, "onnx")
    with pytest.raises(UserError, match="gives shape"):
        compare(module, lambda inputs: module(*inputs.values())[:1], "torchscript")


def test_nan_does_not_pass_for_agreement(toys):
    module = exportable(toys)
    with pytest.raises(UserError, match="differs from eager by nan"):
        compare(module, lambda inputs: module(*inputs.values()) * float("nan"), "onnx")


def test_a_missing_package_is_said(toys, monkeypatch, tmp_path: Path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"needs onnx and onnxscript. Install them: pip install 'gan-bench\[export\]'"):
        export(exportable(toys), "onnx", tmp_path / "x.onnx")

"""Exports that agree with eager, and members that cannot be exported."""

import io
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench.errors import UserError
from bench.gan import GAN, ImageSpec, Nets, Player, Prompt, adam, gaussian
from bench.perf import traceable
from bench.perf.case import WorkloadSpec
from bench.perf.export import TOLERANCE, Target, compare, export, run_onnx, run_program, run_torchscript
from bench.perf.subjects import subject
from bench.perf.traceable import Exportable, NotExportableError

SPEC = ImageSpec(1, 8)
TARGETS: tuple[Target, ...] = ("onnx", "torchscript", "torch-export")


pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("no_shape_checks")]


def exportable(toys, generate=None) -> Exportable:
    torch.manual_seed(0)
    gan = toys.toy(SPEC)
    if generate:
        gan = GAN(gan.players, gan.schedule, generate, gan.latents)
    return traceable.exportable(gan, {name: player.net.eval() for name, player in gan.players.items()}, SPEC)


def needs(target: Target) -> None:
    if target == "onnx":
        pytest.importorskip("onnxruntime")
        pytest.importorskip("onnxscript")


@pytest.mark.slow
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
    module = traceable.exportable(gan, {"generator": gan.players["generator"].net.eval()}, ImageSpec(1, 8, classes=3))
    assert module.names == ("latents", "labels")
    found = compare(module, lambda inputs: module(*inputs.values()), "torchscript")
    assert found == {1: 0.0, 32: 0.0}


def noisy(nets: Nets, prompt: Prompt) -> Tensor:
    count, random = prompt.count, prompt.random
    first = torch.randn(count, 1, 8, 8, generator=random)
    second = torch.empty(count, 3).normal_(generator=random)
    first += second.mean(1)[:, None, None, None]  # into what was drawn
    last = torch.randn((count,), generator=random, dtype=torch.float64)
    return torch.tanh(nets["generator"](prompt.latents) + first * last.float()[:, None, None, None])


LOADERS = {"onnx": run_onnx, "torchscript": run_torchscript, "torch-export": run_program}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.torch.jit:FutureWarning")
@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
@pytest.mark.parametrize("target", TARGETS)
def test_noise_is_an_input_and_gives_what_eager_draws(toys, tmp_path, target):
    needs(target)
    module = exportable(toys, noisy)
    assert module.names == ("latents", "noise")
    export(module, target, tmp_path / "x")
    run = LOADERS[target]((tmp_path / "x").read_bytes())

    latents = torch.randn(5, 4)
    random = torch.Generator().manual_seed(3)  # the draws of `noisy`, one by one
    noise = [torch.randn(5, 64, generator=random), torch.randn(5, 3, generator=random)]
    noise.append(torch.randn(5, generator=random, dtype=torch.float64).float()[:, None])
    wanted = noisy(dict(module.nets.items()), Prompt(5, torch.Generator().manual_seed(3), latents))
    torch.testing.assert_close(run({"latents": latents, "noise": torch.cat(noise, 1)}), wanted, atol=1e-5, rtol=0)
    other = run({"latents": latents, "noise": torch.randn(5, 68)})
    assert float((other - wanted).detach().abs().max()) > 0.1


def test_the_noise_of_a_request_is_what_its_generator_gives(toys):
    module = exportable(toys, noisy)
    asked = Prompt(3, torch.Generator().manual_seed(1), torch.randn(3, 4))
    inputs, images = module.eager(asked)
    assert inputs["noise"].shape == (3, 64 + 3 + 1)
    torch.testing.assert_close(module(*inputs.values()), images)
    torch.testing.assert_close(images, noisy(dict(module.nets.items()), asked).detach())  # the generator was left alone


def test_a_member_that_writes_into_its_noise_leaves_the_input_alone(toys):
    def writing(nets: Nets, prompt: Prompt) -> Tensor:
        noise = torch.randn(prompt.count, 1, 8, 8, generator=prompt.random)
        return torch.tanh(nets["generator"](prompt.latents) + noise.mul_(2))

    module = exportable(toys, writing)
    inputs, images = module.eager(Prompt(3, torch.Generator().manual_seed(1), torch.randn(3, 4)))
    for _ in range(2):
        torch.testing.assert_close(module(*inputs.values()), images)


def test_a_generator_without_noise_has_no_more_inputs(toys):
    def drawing_nothing(nets: Nets, prompt: Prompt) -> Tensor:
        nothing = torch.rand(prompt.count, 0, generator=prompt.random)
        return nets["generator"](prompt.latents) + nothing.sum()

    assert exportable(toys).names == ("latents",)
    module = exportable(toys, drawing_nothing)
    assert module.names == ("latents",)
    assert compare(module, lambda inputs: module(*inputs.values()), "torchscript") == {1: 0.0, 32: 0.0}


def uniformly(nets: Nets, prompt: Prompt) -> Tensor:
    return noisy(nets, prompt) * torch.rand(prompt.count, 1, 1, 1, generator=prompt.random)


def shared(nets: Nets, prompt: Prompt) -> Tensor:
    return torch.tanh(nets["generator"](prompt.latents) + torch.randn(2, 1, 8, 8, generator=prompt.random).mean(0))


def scaled(nets: Nets, prompt: Prompt) -> Tensor:
    return torch.tanh(
        nets["generator"](prompt.latents) + torch.empty(prompt.count, 1, 8, 8).normal_(0, 2, generator=prompt.random)
    )


def fitful(nets: Nets, prompt: Prompt) -> Tensor:
    images = noisy(nets, prompt)
    return images if prompt.count % 2 else images * torch.randn(prompt.count, 1, 8, 8, generator=prompt.random)


@pytest.mark.parametrize(
    ("generate", "words"),
    [
        (uniformly, r"operator aten::rand \(test_export.py line \d+\): .* is not standard normal"),
        (scaled, r"operator aten::normal_ \(test_export.py line \d+\): .* is not standard normal"),
        (shared, r"operator aten::randn \(test_export.py line \d+\): .* draws shape \(2, 1, 8, 8\) for 3 images"),
        (fitful, r"operator torch.randn draws shapes .* in one call and .* in another"),
    ],
)
def test_draws_that_cannot_become_an_input_are_named(toys, generate, words):
    with pytest.raises(NotExportableError, match=rf"this member cannot be exported: {words}") as caught:
        exportable(toys, generate)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("target", ["onnx", "torch-export"])
def test_a_member_that_cannot_be_exported_is_named_with_the_operator(toys, tmp_path, target):
    def choosy(nets: Nets, prompt: Prompt) -> Tensor:
        images = nets["generator"](prompt.latents)
        return images if float(images.sum()) > 0 else -images

    needs(target)
    with pytest.raises(NotExportableError, match=r"cannot be exported: operator .*test_export.py line \d+") as caught:
        export(exportable(toys, choosy), target, tmp_path / "x")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


class Awkward(nn.Module):
    """What the zoo does and exporters stumble over: a level that is read, attention without heads, and
    an epsilon that is all there is.
    """

    def __init__(self):
        super().__init__()
        self.register_buffer("level", torch.tensor(1))
        self.register_buffer("fade", torch.tensor(0.5))
        self.constant = nn.Parameter(torch.rand(1, 16, 4))

    def forward(self, latents: Tensor) -> Tensor:
        features = self.constant.expand(latents.shape[0], -1, -1) * latents[:, None]
        if int(self.get_buffer("level")) == 1 and bool(self.get_buffer("fade") < 1):
            features = nn.functional.scaled_dot_product_attention(features, features, features.square())
        flat = features - features
        features = features + flat * (flat.square().mean(1, keepdim=True) + 1e-8).rsqrt()  # 0 / 1e-4, never 0 / 0
        return torch.tanh(features.reshape(-1, 1, 8, 8))


@pytest.mark.parametrize("target", TARGETS)
def test_what_exporters_stumble_over_agrees_too(tmp_path, target):
    needs(target)

    def generate(nets: Nets, prompt: Prompt) -> Tensor:
        return nets["generator"](prompt.latents)

    torch.manual_seed(0)
    gan = GAN({"generator": Player(Awkward(), adam(1e-3))}, [], generate, gaussian(4))
    module = traceable.exportable(gan, {"generator": gan.players["generator"].net.eval()}, SPEC)
    assert max(export(module, target, tmp_path / "x").differences.values()) <= TOLERANCE


def test_a_batch_size_that_a_trace_fixes_is_said(tmp_path):
    def generate(nets: Nets, prompt: Prompt) -> Tensor:
        assert prompt.latents is not None
        return nets["generator"](prompt.latents).reshape(len(prompt.latents), 1, 8, 8)

    gan = GAN({"generator": Player(nn.Linear(4, 64), adam(1e-3))}, [], generate, gaussian(4))
    module = traceable.exportable(gan, {"generator": gan.players["generator"].net.eval()}, SPEC)
    with pytest.raises(UserError, match="its batch size is fixed in the trace"):
        export(module, "torch-export", tmp_path / "x")
    assert not (tmp_path / "x").exists()


def awkward(spec: ImageSpec) -> GAN:
    def generate(nets: Nets, prompt: Prompt) -> Tensor:
        return nets["generator"](prompt.latents) * torch.randn(prompt.count, 1, 8, 8, generator=prompt.random).sigmoid()

    return GAN({"generator": Player(Awkward(), adam(1e-3))}, [], generate, gaussian(4))


@pytest.mark.slow
def test_a_noisy_generator_is_timed_in_onnx_runtime():
    needs("onnx")
    timed: Any = subject(WorkloadSpec(f"{__name__}:awkward", 1, 8, 0, 0, "onnx", "cpu", 1, "generation", 4))
    (images,) = timed()
    assert images.shape == (4, 1, 8, 8)
    timed.verify()
    timed.module.get_parameter("nets.generator.constant").data += 1
    with pytest.raises(UserError, match="a pixel differs from eager"):
        timed.verify()


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

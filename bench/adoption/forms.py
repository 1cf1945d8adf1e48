"""From a file or module:function to a generator: TorchScript, ONNX, or a network of the user's own with its weights."""

import io
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bench import members
from bench.adoption.generators import Foreign, arguments, foreign, read, state_of
from bench.adoption.statement import Statement
from bench.errors import UserError
from bench.gan import GAN, ImageSpec, Prompt


def torchscript(path: Path, statement: Statement) -> Foreign:
    """A TorchScript module that takes latents (N, Z), and labels (N,) int64 if it is conditional."""
    content = read(path)
    if not _is_torchscript(content):
        raise UserError(
            f"generator {path}: is damaged or no TorchScript file (torch.jit.save). A state dict takes its network: "
            "MODULE:FUNCTION --weights PATH. A checkpoint of `bench run` is scored by `bench score`."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that TorchScript is in maintenance is no news to its user
            loaded = torch.jit.load(io.BytesIO(content), map_location="cpu").eval()
    except Exception:
        raise UserError(f"generator {path}: is damaged, or of a TorchScript that this PyTorch cannot read.") from None
    prior = statement.prior()
    return foreign(
        lambda prompt: loaded(*arguments(prompt, prior, bool(statement.classes))), statement, prior, "torchscript", path
    )


def _is_torchscript(content: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return any("/code/" in name for name in archive.namelist())
    except zipfile.BadZipFile:
        return False


def onnx(path: Path, statement: Statement) -> Foreign:
    """An ONNX model with a free batch: latents (N, ...) float32; labels (N,) int64; `noise` (N, P) standard normal."""
    _ = read(path)
    session = _session(path)
    free = [one for one in session.get_inputs() if isinstance(one.shape[0] if one.shape else 1, int)]
    if free:
        raise UserError(
            f"generator {path}: input {free[0].name!r} has the fixed shape {free[0].shape}: its batch size is not free. "
            "Export it again with a dynamic first dimension (dynamic_shapes)."
        )
    floats = [one for one in session.get_inputs() if one.type == "tensor(float)" and one.name != "noise"]
    labels = [one for one in session.get_inputs() if one.type == "tensor(int64)"]
    noise = [one for one in session.get_inputs() if one.name == "noise"]
    if len(floats) != 1 or len(labels) > 1 or len(session.get_inputs()) != len(floats) + len(labels) + len(noise):
        raise UserError(f"generator {path}: expected inputs latents (N, ...) float32 and perhaps labels (N,) int64.")
    if bool(labels) != bool(statement.classes):
        said = "takes labels: say of how many classes" if labels else "takes no labels: leave out"
        raise UserError(f"generator {path}: {said} (--classes).")
    shape = tuple(floats[0].shape[1:])
    known = shape if shape and all(isinstance(size, int) for size in shape) else None
    prior = statement.prior(known)

    def run(prompt: Prompt) -> Tensor:
        given = arguments(prompt, prior, bool(labels))
        inputs = {one.name: tensor.numpy() for one, tensor in zip([*floats, *labels], given, strict=True)}
        for one in noise:
            inputs[one.name] = torch.randn(prompt.count, one.shape[1], generator=prompt.random).numpy()
        return torch.from_numpy(session.run(None, inputs)[0])

    return foreign(run, statement, prior, "onnx", path)


def _session(path: Path) -> Any:
    """By its path, because large weights may stand in a file beside it."""
    from bench.perf.export import onnx_session

    try:
        return onnx_session(str(path), torch.get_num_threads())
    except UserError:
        raise
    except Exception:
        raise UserError(f"generator {path}: is damaged or no ONNX model that ONNX Runtime can run.") from None


def network(text: str, statement: Statement, spec: ImageSpec) -> Foreign:
    """module:function, which makes an nn.Module, or a GAN, for the suite's ImageSpec; its weights are a file of their own."""
    if statement.weights is None:
        raise UserError(f"generator {text}: needs its weights: --weights PATH (a state dict or safetensors).")
    state = state_of(statement.weights)
    made = members.builder(members.Listing(text.partition(":")[2], text, ""))(spec)
    net = made.players["generator"].net if isinstance(made, GAN) and "generator" in made.players else made
    if not isinstance(net, nn.Module):
        raise UserError(
            f"generator {text}: gave {type(made).__name__}, expected an nn.Module or a GAN with a generator."
        )
    try:
        net.load_state_dict(state)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()]
        raise UserError(
            f"weights {statement.weights}: do not fit {text}: {lines[1] if lines[1:] else lines[0]}"
        ) from None
    net.eval()
    if isinstance(made, GAN) and made.latents is not None:
        width = int(made.latents(1, torch.Generator()).shape[1])
        prior, nets = statement.prior((width,)), {"generator": net}
        return foreign(lambda prompt: made.generate(nets, prompt), statement, prior, "module", statement.weights)
    prior = statement.prior()
    return foreign(
        lambda prompt: net(*arguments(prompt, prior, bool(statement.classes))),
        statement, prior, "module", statement.weights,
    )  # fmt: skip

"""Generators as files for other programs: ONNX, TorchScript, torch.export. Written only after they agree with eager.

An exported generator takes what the member is asked with, each with a free batch dimension: ``latents`` (N, Z) float32,
``labels`` (N,) int64, ``source`` (N, C', H, W) float32 in [-1, 1]; it gives ``images`` (N, C, H, W) float32 in [-1, 1].
"""

import io
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from bench.errors import UserError
from bench.gan import GAN, ImageSpec, Prompt
from bench.perf.faults import describe, first_line
from bench.probe import prompt
from bench.record import write_atomically

Target = Literal["onnx", "torchscript", "torch-export"]
Inputs = Mapping[str, Tensor]
Run = Callable[[Inputs], Tensor]

TOLERANCE = 1e-4  # largest absolute difference of a pixel in [-1, 1]: an eightieth of a grey level
BATCHES = (1, 32)  # what an export is checked at
EXAMPLE = 2  # images that it is traced with: none of the sizes it is checked at
SEED = 7  # of the fresh latents


class NotExportableError(UserError):
    """A member that cannot be exported; the message names the operator."""


class Exportable(nn.Module):
    """A member's sampling as one network from tensors to images."""

    def __init__(self, gan: GAN, nets: Mapping[str, nn.Module], spec: ImageSpec):
        super().__init__()
        asked = prompt(gan, spec, EXAMPLE)
        self.nets = nn.ModuleDict(_used(gan, nets, asked))
        self.gan, self.spec = gan, spec
        self.names = tuple(self.inputs(asked))
        self.random = torch.Generator()

    def forward(self, *tensors: Tensor) -> Tensor:
        """Images (N, C, H, W) of the inputs, in the order of `names`."""
        given = dict(zip(self.names, tensors, strict=True))
        count = tensors[0].shape[0]
        return self.gan.generate(dict(self.nets.items()), Prompt(count, self.random, **given))  # pyright: ignore[reportArgumentType]

    @staticmethod
    def inputs(asked: Prompt) -> dict[str, Tensor]:
        """The tensors of a request by name, without those that it does not have."""
        found = {"latents": asked.latents, "labels": asked.labels, "source": asked.source}
        return {name: value for name, value in found.items() if value is not None}

    def example(self, count: int, seed: int = 0) -> dict[str, Tensor]:
        """A request of some images."""
        return self.inputs(prompt(self.gan, self.spec, count, seed))


class _Watched(dict[str, nn.Module]):
    """Networks that note which of them are asked for."""

    def __init__(self, nets: Mapping[str, nn.Module]):
        super().__init__(nets)
        self.asked: dict[str, nn.Module] = {}

    def __getitem__(self, name: str) -> nn.Module:
        self.asked[name] = super().__getitem__(name)
        return self.asked[name]


@torch.no_grad()
def _used(gan: GAN, nets: Mapping[str, nn.Module], asked: Prompt) -> dict[str, nn.Module]:
    """The networks that sampling needs: a critic stays at home."""
    watched = _Watched(nets)
    gan.generate(watched, asked)
    return watched.asked


@dataclass(frozen=True)
class Exported:
    """What was written."""

    path: Path
    target: Target
    bytes: int
    differences: dict[int, float]  # batch -> largest absolute difference from eager


def export(module: Exportable, target: Target, out: Path) -> Exported:
    """Export, compare with eager at batch 1 and 32 on fresh latents, and only then write.

    Raises NotExportableError with the operator, and UserError when a package is missing, the outputs differ by more than
    `TOLERANCE`, or the file cannot be written.
    """
    module.eval()
    make, load = {
        "onnx": (to_onnx_bytes, run_onnx),
        "torchscript": (to_torchscript_bytes, run_torchscript),
        "torch-export": (to_program_bytes, run_program),
    }[target]
    content = make(module)
    differences = compare(module, load(content), target)
    write_atomically(out, content)
    return Exported(out, target, len(content), differences)


@torch.no_grad()
def compare(module: Exportable, run: Run, target: Target) -> dict[int, float]:
    """The largest difference from eager at each batch size. Raises UserError when it is above the tolerance."""
    found: dict[int, float] = {}
    for batch in BATCHES:
        inputs = module.example(batch, SEED)
        wanted = module(*inputs.values())
        try:
            images = run(inputs)
        except Exception as error:
            raise UserError(
                f"export to {target}: cannot run batch {batch}: {first_line(error)}. Nothing was written."
            ) from None
        if images.shape != wanted.shape:
            raise UserError(
                f"export to {target}: gives shape {tuple(images.shape)}, eager {tuple(wanted.shape)}. "
                "Its batch size is fixed in the trace. Nothing was written."
            )
        found[batch] = float((images.float() - wanted.float()).abs().max())
        if not found[batch] <= TOLERANCE:
            raise UserError(
                f"export to {target}: at batch {batch} a pixel differs from eager by {found[batch]:.2g}, tolerance "
                f"{TOLERANCE:g}. Nothing was written. A generator that draws noise of its own cannot agree."
            )
    return found


def to_onnx_bytes(module: Exportable) -> bytes:
    """The generator as an ONNX model. Raises UserError when the packages are missing."""
    _require("onnx", "onnxscript")
    inputs = module.example(EXAMPLE)
    with _words("onnx"), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        torch.onnx.export(
            module,
            tuple(inputs.values()),
            str(path),
            input_names=list(inputs),
            output_names=["images"],
            dynamic_shapes=(_free_batch(inputs),),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        return path.read_bytes()


def run_onnx(content: bytes) -> Run:
    """ONNX Runtime on the CPU."""
    session = onnx_session(content, torch.get_num_threads())

    def run(inputs: Inputs) -> Tensor:
        return torch.from_numpy(session.run(None, {name: value.numpy() for name, value in inputs.items()})[0])

    return run


def onnx_session(content: bytes, threads: int) -> Any:
    """A session of ONNX Runtime on the CPU."""
    _require("onnxruntime")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def to_torchscript_bytes(module: Exportable) -> bytes:
    """The generator traced by TorchScript."""
    buffer = io.BytesIO()
    with _words("torchscript"), torch.no_grad():
        traced = torch.jit.trace(module, tuple(module.example(EXAMPLE).values()), check_trace=False)
        torch.jit.save(traced, buffer)
    return buffer.getvalue()


def run_torchscript(content: bytes) -> Run:
    """TorchScript, loaded from the bytes that are written."""
    with _quiet():
        loaded = torch.jit.load(io.BytesIO(content))
    return lambda inputs: loaded(*inputs.values())


def to_program_bytes(module: Exportable) -> bytes:
    """The generator as a torch.export program."""
    buffer = io.BytesIO()
    inputs = module.example(EXAMPLE)
    with _words("torch-export"), torch.no_grad():
        program = torch.export.export(module, tuple(inputs.values()), dynamic_shapes=(_free_batch(inputs),))
        torch.export.save(program, buffer)
    return buffer.getvalue()


def run_program(content: bytes) -> Run:
    """The program, loaded from the bytes that are written."""
    with _quiet():
        loaded = torch.export.load(io.BytesIO(content)).module()
    return lambda inputs: loaded(*inputs.values())


def _free_batch(inputs: Inputs) -> tuple[dict[int, Any], ...]:
    batch = torch.export.Dim("batch", min=1, max=4096)
    return tuple({0: batch} for _ in inputs)


def _require(*packages: str) -> None:
    from importlib.util import find_spec

    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise UserError(f"export needs {' and '.join(missing)}. Install them: pip install 'gan-bench[export]'.")


@contextmanager
def _quiet() -> Iterator[None]:
    """Exporters warn of their own innards, and print; what matters is checked afterwards."""
    with warnings.catch_warnings(), Path(os.devnull).open("w") as void, redirect_stdout(void):
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _words(target: Target) -> Iterator[None]:
    """Whatever an exporter raises becomes one message with the operator."""
    try:
        with _quiet():
            yield
    except UserError:
        raise
    except Exception as error:
        raise NotExportableError(f"export to {target}: this member cannot be exported: {describe(error)}") from None

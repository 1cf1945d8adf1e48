"""Generators as files for other programs: ONNX, TorchScript, torch.export. Written only after they agree with eager.

What goes in and what comes out of them stands in bench/perf/traceable.py.
"""

import io
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from bench.errors import UserError
from bench.files import write_atomically
from bench.perf.faults import FIXED_BATCH, describe, first_line
from bench.perf.traceable import Exportable, NotExportableError
from bench.training.sampling import prompt

Target = Literal["onnx", "torchscript", "torch-export"]
Inputs = Mapping[str, Tensor]
Run = Callable[[Inputs], Tensor]

TOLERANCE = 1e-4  # largest absolute difference of a pixel in [-1, 1]: an eightieth of a grey level
BATCHES = (1, 32)  # what an export is checked at
EXAMPLE = 2  # images that it is traced with: none of the sizes it is checked at
SEED = 7  # of the fresh latents


@dataclass(frozen=True)
class Exported:
    """What was written."""

    path: Path
    target: Target
    bytes: int
    differences: dict[int, float]  # batch -> largest absolute difference from eager


def export(module: Exportable, target: Target, out: Path) -> Exported:
    """Export, compare with eager at batch 1 and 32 on fresh latents and noise, and only then write.

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
    """The largest difference from eager at each batch size. Raises UserError when it is above the tolerance.

    Eager is the member's own `generate` with a seeded generator; `run` gets the noise which that generator gave.
    """
    found: dict[int, float] = {}
    for batch in BATCHES:
        inputs, wanted = module.eager(prompt(module.gan, module.spec, batch, SEED))
        try:
            images = run(inputs)
        except Exception as error:
            raise UserError(
                f"export to {target}: cannot run batch {batch}: {first_line(error)}. Nothing was written."
            ) from None
        if images.shape != wanted.shape:
            raise UserError(
                f"export to {target}: gives shape {tuple(images.shape)}, eager {tuple(wanted.shape)}. "
                f"Perhaps {FIXED_BATCH}. Nothing was written."
            )
        found[batch] = float((images.float() - wanted.float()).abs().max())
        if not found[batch] <= TOLERANCE:
            raise UserError(
                f"export to {target}: at batch {batch} a pixel differs from eager by {found[batch]:.2g}, tolerance "
                f"{TOLERANCE:g}. Nothing was written. A generator that draws from anything but prompt.random cannot agree."
            )
    return found


def to_onnx_bytes(module: Exportable) -> bytes:
    """The generator as an ONNX model. Raises UserError when the packages are missing."""
    _require("onnx", "onnxscript")
    from onnxscript import optimizer

    inputs = module.example(EXAMPLE)
    with _words("onnx"):
        program = torch.onnx.export(
            module,
            tuple(inputs.values()),
            input_names=list(inputs),
            output_names=["images"],
            dynamic_shapes=(_free_batch(inputs),),
            dynamo=True,
            optimize=False,  # its rules take 1e-8 for 0 and drop it: StyleGAN's sqrt(variance + 1e-8)
            verbose=False,
        )
        assert program is not None
        optimizer.inline(program.model)
        optimizer.fold_constants(program.model)
        optimizer.remove_unused_nodes(program.model)
        return program.model_proto.SerializeToString()


def run_onnx(content: bytes) -> Run:
    """ONNX Runtime on the CPU."""
    return run_session(onnx_session(content, torch.get_num_threads()))


def run_session(session: Any) -> Run:
    """A session of ONNX Runtime, from tensors to images."""

    def run(inputs: Inputs) -> Tensor:
        return torch.from_numpy(session.run(None, {name: value.numpy() for name, value in inputs.items()})[0])

    return run


def onnx_session(content: bytes | str, threads: int) -> Any:
    """A session of ONNX Runtime on the CPU, of a model or of the path of one."""
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
        shapes = (_free_batch(inputs),)
        program = torch.export.export(module, tuple(inputs.values()), dynamic_shapes=shapes, strict=False)
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
    """Exporters emit internal warnings, and print; what matters is checked afterwards."""
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

"""int8 by ONNX Runtime: static, quantise-dequantise pairs, one scale per channel, calibrated on latents and not on data."""

import tempfile
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench.adoption.timing import BATCH
from bench.compression.copies import Copy
from bench.compression.parent import Parent
from bench.errors import UserError
from bench.gan import Nets, Prompt
from bench.perf.export import onnx_session, run_session, to_onnx_bytes
from bench.training.sampling import prompt

FAST = ("Conv", "MatMul", "Gemm")  # what ONNX Runtime has int8 kernels for on a processor
ALL = (*FAST, "ConvTranspose")  # its weights are kept in int8 too, and it computes in floating point
MULTIPLY = ("Conv", "FusedConv", "ConvTranspose", "MatMul", "FusedMatMul", "Gemm", "FusedGemm")
INTEGER = ("QLinearConv", "ConvInteger", "QLinearMatMul", "MatMulInteger", "MatMulIntegerToFloat", "QGemm")
BATCHES, SIZE = 8, 32  # of the calibration: 256 latents

Feed = Mapping[str, Any]


@dataclass(frozen=True)
class Int8:
    """Eight-bit weights and activations of some operators."""

    name: str
    operators: tuple[str, ...]

    def __call__(self, parent: Parent, seed: int, /) -> Copy:
        """Calibrate on latents of the seed. Raises UserError where there is nothing to quantise, or packages are missing."""
        content = to_onnx_bytes(parent.module)
        made = quantised(content, feeds(parent, seed), self.operators)
        return copy_of(parent, content, made)


def copy_of(parent: Parent, content: bytes, made: bytes) -> Copy:
    """The quantised model as a copy, timed against both ways to run the parent."""
    threads = torch.get_num_threads()
    whole, small = (run_session(onnx_session(one, threads)) for one in (content, made))
    module = parent.module

    def generate(_: Nets, asked: Prompt) -> Tensor:
        return small(_inputs(parent, asked))

    given = module.inputs(prompt(parent.gan, module.spec, BATCH))
    timed = {
        "the parent in PyTorch": lambda: module(*given.values()),
        "the parent in ONNX Runtime": lambda: whole(given),
        "compressed, in ONNX Runtime": lambda: small(given),
    }
    gan = parent.sampler({})
    gan = type(gan)({}, (), generate, gan.latents, task=gan.task)
    found = running(made)
    kept, small_ones = ({op: n for op, n in found.items() if op in some} for some in (MULTIPLY, INTEGER))
    return Copy(gan, made, ".onnx", len(content), 0.0, kept, small_ones, timed)


def _inputs(parent: Parent, asked: Prompt) -> dict[str, Tensor]:
    """The inputs of a request; noise is what the member itself would draw, which only running it tells."""
    if "noise" in parent.module.names:
        return parent.module.inputs(asked)
    given = {"latents": asked.latents, "labels": asked.labels, "source": asked.source}
    return {name: one for name in parent.module.names if (one := given[name]) is not None}


def feeds(parent: Parent, seed: int) -> list[Feed]:
    """Latents, and whatever else is asked for, as arrays."""
    asked = (prompt(parent.gan, parent.module.spec, SIZE, seed * 1_000 + index) for index in range(BATCHES))
    return [{name: one.numpy() for name, one in parent.module.inputs(each).items()} for each in asked]


def quantised(content: bytes, given: Sequence[Feed], operators: Sequence[str]) -> bytes:
    """The model with these operators between quantise and dequantise nodes. Raises UserError where it has none of them."""
    import onnx

    graph = onnx.load_from_string(content).graph
    if not any(node.op_type in operators for node in graph.node):
        found = sorted({node.op_type for node in graph.node} & set(MULTIPLY))
        raise UserError(
            f"int8: this generator has none of {', '.join(operators)}, but {', '.join(found) or 'nothing that multiplies'}. "
            "Use int8-all, which keeps the weights of transposed convolutions in int8 too."
        )
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _static(content, given, operators, Path(folder))


def _static(content: bytes, given: Sequence[Feed], operators: Sequence[str], folder: Path) -> bytes:
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        """Gives batch after batch, then None."""

        def __init__(self):
            self.rest = iter(given)

        def get_next(self) -> Any:
            return next(self.rest, None)

    whole, prepared, made = (folder / name for name in ("whole.onnx", "prepared.onnx", "made.onnx"))
    whole.write_bytes(content)
    quant_pre_process(whole, prepared, skip_symbolic_shape=True)
    quantize_static(
        prepared,
        made,
        Reader(),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=list(operators),
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    return made.read_bytes()


def running(content: bytes) -> dict[str, int]:
    """What multiplies once ONNX Runtime has optimised the graph: operator -> nodes. Read off the graph that runs."""
    import onnx
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.optimized_model_filepath = str(Path(folder) / "run.onnx")
        onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        graph = onnx.load(options.optimized_model_filepath).graph
    return dict(sorted(Counter(node.op_type for node in graph.node if node.op_type in MULTIPLY + INTEGER).items()))

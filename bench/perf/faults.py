"""What went wrong, with the operator where PyTorch or the member's own line names one."""

import re
import traceback
from pathlib import Path
from typing import Literal

import torch

Kind = Literal["memory", "unsupported", "failed"]

MEMORY = re.compile(r"out of memory|not enough memory|can't allocate memory|cannot allocate memory|bad_alloc", re.I)
OPERATOR = re.compile(r"(?:aten|prims|torchvision|onnx)(?:::|\.)[A-Za-z_][\w.]*")  # aten::randn, aten.randn.generator
CALL = re.compile(r"\b(?:torch|nn|F|functional)\.[A-Za-z_][\w.]*(?=\()")  # torch.randn( in a line of the member
TELLING = re.compile(r"Error|[Uu]nsupported|not support|::|Explanation")
FIXED_BATCH = "its batch size is fixed in the trace. Use tensor.shape[0] where sampling calls len(tensor); `bench check` names the line"
COMPILER = (
    "torch._dynamo",
    "torch._inductor",
    "torch._functorch",
    "torch.fx",
    "torch.export",
    "torch.onnx",
    "torch.jit",
)


def classify(error: BaseException) -> tuple[Kind, str]:
    """Memory that did not suffice, what a compiler cannot do, or something else; and one line about it."""
    text = str(error)
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or MEMORY.search(text):
        return "memory", first_line(error)
    chain = [error, *causes(error)]
    if any(type(one).__module__.startswith(COMPILER) for one in chain) or "double backward" in text:
        return "unsupported", describe(error)
    return "failed", f"{type(error).__name__}: {first_line(error)}"


def describe(error: BaseException) -> str:
    """``operator torch.randn (style.py line 83): what PyTorch says of it``."""
    chain = [error, *causes(error)]
    text = "\n".join(str(one) for one in chain)
    if "Constraints violated (batch)" in text:
        return FIXED_BATCH
    named = OPERATOR.search(text)
    place = next((found for one in reversed(chain) if (found := _own_line(one))), None)
    called = CALL.search(place.line or "") if place else None
    operator = named.group().rstrip(".") if named else called.group() if called else "that PyTorch does not name"
    where = f" ({Path(place.filename).name} line {place.lineno})" if place else ""
    return f"operator {operator}{where}: {telling_line(text)}"


def _own_line(error: BaseException) -> traceback.FrameSummary | None:
    """The innermost line that is neither PyTorch's nor the bench's."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if not {"torch", "bench", "onnxscript"}.intersection(Path(f.filename).parts)]
    return own[-1] if own else None


def telling_line(text: str) -> str:
    """The line of a long message that says what happened."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return ([line for line in lines if TELLING.search(line)] or lines or ["no message"])[0][:300]


def first_line(error: BaseException) -> str:
    """The first line of a message that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def causes(error: BaseException) -> list[BaseException]:
    """What led to an error, the nearest first."""
    found: list[BaseException] = []
    current = error.__cause__ or error.__context__
    while current is not None and current not in found:
        found.append(current)
        current = current.__cause__ or current.__context__
    return found

"""What losses and networks ask of PyTorch while a member is on trial: calls that are allowed and yet a trap."""

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

# A tensor's value as a number of Python's: on an accelerator each waits for all that was queued.
READS = (
    Tensor.item, Tensor.tolist, Tensor.numpy, Tensor.cpu,
    Tensor.__int__, Tensor.__bool__, Tensor.__float__, Tensor.__index__,
)  # fmt: skip
ELEMENTWISE = {
    "add", "iadd", "radd", "sub", "isub", "rsub", "mul", "imul", "rmul", "div", "truediv", "rtruediv", "true_divide",
    "maximum", "minimum", "where", "lerp", "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss",
}  # fmt: skip
PACKAGES = ("torch", "jaxtyping", "beartype")


@dataclass
class Observer(TorchFunctionMode):
    """Inside, calls work as ever and are noted with the line that made them. `count` is the size of the batch."""

    count: int
    reads: list[str] = field(default_factory=list)  # lines that read a tensor's value
    lengths: list[str] = field(default_factory=list)  # lines that call len(tensor)
    outer: list[str] = field(default_factory=list)  # lines where (N, 1) met (N,)
    differentiated: list[tuple[int, ...]] = field(default_factory=list)  # shapes that a second derivative is taken for

    def __post_init__(self) -> None:
        super().__init__()

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in READS:
            self.reads.append(here())
        elif func is Tensor.__len__:
            self.lengths.append(here())
        elif func is torch.autograd.grad and kwargs.get("create_graph"):
            inputs = args[1] if len(args) > 1 else kwargs["inputs"]
            self.differentiated += [tuple(one.shape) for one in ([inputs] if isinstance(inputs, Tensor) else inputs)]
        elif getattr(func, "__name__", "").strip("_") in ELEMENTWISE:
            shapes = {tuple(one.shape) for one in args if isinstance(one, Tensor)}
            if {(self.count, 1), (self.count,)} <= shapes:
                self.outer.append(here())
        return func(*args, **kwargs)


def here() -> str:
    """The innermost line on the stack that is the member's: neither PyTorch's nor this file's."""
    frames = [frame for frame in traceback.extract_stack() if is_members(frame.filename)]
    return line_of(frames[-1]) if frames else "an unknown line"


def is_members(filename: str) -> bool:
    """Whether a file is neither a library's nor this one."""
    return filename != __file__ and not any(name in Path(filename).parts for name in PACKAGES)


def line_of(frame: traceback.FrameSummary) -> str:
    """``my_gan.py line 12: x.item()``."""
    return f"{Path(frame.filename).name} line {frame.lineno}: {frame.line}"

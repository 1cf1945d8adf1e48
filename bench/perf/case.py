"""What is timed: a member, at a size, in a mode, on a device. Plain values, so that a case travels between processes."""

import re
from dataclasses import dataclass
from typing import Literal, cast

from bench.errors import UserError, unknown

What = Literal["generation", "training"]
MODES = ("eager", "compile", "bf16", "channels-last", "onnx")


@dataclass(frozen=True)
class WorkloadSpec:
    """One thing to time."""

    call: str  # "module:function(parameter=value)"
    channels: int
    resolution: int
    classes: int
    source_channels: int
    mode: str  # parts of MODES joined by "+", e.g. "compile+channels-last"
    device: str
    threads: int
    what: What
    batch: int
    stage: int = 0  # of the member's schedule; training only
    slowdown: float = 0.0  # artificial, as a share of each call: for testing the measurement itself

    @property
    def parts(self) -> frozenset[str]:
        """The parts of its mode."""
        return frozenset(self.mode.split("+"))


def modes(text: str) -> tuple[str, ...]:
    """Modes from ``eager,compile+channels-last``. Raises UserError for one that is unknown or cannot be."""
    found = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    if "" in found:
        raise UserError(f"--mode {text!r}: a mode is missing. Known: {', '.join(MODES)}; join them with +.")
    for mode in found:
        parts = mode.split("+")
        for part in parts:
            if part not in MODES:
                raise unknown("mode", part, MODES)
        if len(parts) > 1 and not {"eager", "onnx"}.isdisjoint(parts):
            raise UserError(f"--mode {mode}: eager and onnx stand alone. Join compile, bf16 and channels-last only.")
    return found


def batches(text: str) -> tuple[int, ...]:
    """Batch sizes from ``1,8,64``, ascending. Raises UserError for anything else."""
    parts = [part.strip() for part in text.split(",")]
    if not all(re.fullmatch("[1-9][0-9]{0,6}", part) for part in parts):
        raise UserError(f"--batch {text!r}: expected whole numbers from 1 to 9999999, for instance 1,8,64.")
    return tuple(sorted({int(part) for part in parts}))


def what(text: str) -> What:
    """A word as what is timed."""
    if text not in ("generation", "training"):
        raise unknown("thing to time", text, ("generation", "training"))
    return cast("What", text)

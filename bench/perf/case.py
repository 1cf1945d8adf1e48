"""What is timed: a member, at a size, in a mode, on a device. Plain values, so that a case travels between processes."""

from dataclasses import dataclass
from typing import Literal, cast

from bench.errors import UserError, unknown

What = Literal["generation", "training"]
MODES = ("eager", "compile", "bf16", "channels-last", "onnx")


@dataclass(frozen=True)
class WorkloadSpec:
    """One thing to time."""

    entry_point: str  # "module:function"
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
    """Modes from ``eager,compile+channels-last``. Raises UserError for one that is unknown or impossible."""
    found = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not found:
        raise UserError(f"--mode {text!r} names no mode. Known: {', '.join(MODES)}; join them with +.")
    for mode in found:
        parts = mode.split("+")
        for part in parts:
            if part not in MODES:
                raise unknown("mode", part, MODES)
        if len(parts) > 1 and not {"eager", "onnx"}.isdisjoint(parts):
            raise UserError(f"--mode {mode}: eager and onnx stand alone. Join compile, bf16 and channels-last only.")
    return found


def batches(text: str) -> tuple[int, ...]:
    """Batch sizes from ``1,8,64``, ascending. Raises UserError for what is not a positive whole number."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise UserError(f"--batch {text!r}: expected positive whole numbers, for instance 1,8,64.")
    return tuple(sorted({int(part) for part in parts}))


def what(text: str) -> What:
    """A word as what is timed."""
    if text not in ("generation", "training"):
        raise unknown("thing to time", text, ("generation", "training"))
    return cast("What", text)

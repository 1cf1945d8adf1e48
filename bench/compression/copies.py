"""What a recipe makes: a copy that can be sampled, its file, and how it is timed."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bench.compression.parent import Parent
from bench.errors import UserError
from bench.gan import GAN


@dataclass(frozen=True)
class Copy:
    """A compressed copy."""

    gan: GAN
    content: bytes  # of its file
    suffix: str
    parent_bytes: int  # of the parent in the same kind of file
    zeros: float = 0.0  # share of the weights that are zero
    kept_float: Mapping[str, int] = field(default_factory=dict)  # operator -> nodes that multiply in floating point
    in_int8: Mapping[str, int] = field(default_factory=dict)  # operator -> nodes that multiply in int8
    timed: Mapping[str, Callable[[], object]] = field(default_factory=dict)  # empty: nothing can be faster


class Recipe(Protocol):
    """A way to compress."""

    @property
    def name(self) -> str: ...

    def __call__(self, parent: Parent, seed: int, /) -> Copy: ...


PRUNE = re.compile(r"prune:(0?\.\d{1,4})")


def recipe(text: str) -> Recipe:
    """``int8``, ``int8-all``, ``prune:0.5`` or ``half``. Raises UserError for anything else."""
    from bench.compression.quantise import ALL, FAST, Int8
    from bench.compression.weights import Prune, half

    if text in ("int8", "int8-all"):
        return Int8(text, FAST if text == "int8" else ALL)
    if text == "half":
        return half
    found = PRUNE.fullmatch(text)
    if found and float(found[1]) > 0:
        return Prune(float(found[1]))
    raise UserError(f"--recipe {text}: expected int8, int8-all, half, or prune:SHARE with a share between 0 and 1.")

"""What a recipe makes: a copy that can be sampled, its file, and how it is timed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bench.compression.parent import Parent
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

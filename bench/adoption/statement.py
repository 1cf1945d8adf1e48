"""What a user says of a generator that he brings."""

import re
from dataclasses import dataclass
from pathlib import Path

import torch

from bench.errors import UserError
from bench.gan import gaussian, uniform

PRIOR = re.compile(r"(?:(gaussian|uniform):)?([1-9]\d{0,5})")
PRIORS = {"gaussian": gaussian, "uniform": uniform}


@dataclass(frozen=True)
class Statement:
    """What the file cannot say by itself."""

    name: str  # of the row
    budget: str  # of its training, in words: on the board, said to be stated
    images: int | None = None  # real images drawn, where known
    latents: str = ""  # "gaussian:128", "uniform:100" or "128"; "": from the file
    classes: int = 0  # of a conditional generator
    weights: Path | None = None  # of module:function
    seed: int = 0  # of the training, where a method has several files

    def __post_init__(self) -> None:
        if not self.budget.strip():
            raise UserError(
                "--budget: says nothing. State what the generator was trained with, or that it is not known."
            )

    def prior(self, shape: tuple[int, ...] | None = None) -> "Prior":
        """The latents; `shape` is what the file says of one of them, where it does.

        Raises UserError where neither says how wide they are, or the two disagree.
        """
        width = int(torch.Size(shape).numel()) if shape else 0
        found = PRIOR.fullmatch(self.latents) if self.latents else None
        if self.latents and found is None:
            raise UserError(
                f"--latents {self.latents}: expected gaussian:WIDTH or uniform:WIDTH, such as gaussian:128."
            )
        if found is None and not width:
            raise UserError(
                "--latents: the file does not say how wide its latents are. Give e.g. --latents gaussian:128."
            )
        asked = int(found[2]) if found else width
        if width and asked != width:
            raise UserError(f"--latents {self.latents}: the file takes latents of width {width}. Give that width.")
        return Prior(found[1] or "gaussian" if found else "gaussian", asked, shape or (asked,))


@dataclass(frozen=True)
class Prior:
    """Where latents come from."""

    kind: str
    width: int
    shape: tuple[int, ...]  # of one latent as the generator takes it: (100, 1, 1) for some

    def __call__(self, count: int, random: torch.Generator) -> torch.Tensor:
        """(count, width)"""
        return PRIORS[self.kind](self.width)(count, random)

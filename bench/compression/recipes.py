"""Recipes by name."""

import re

from bench.compression.copies import Recipe
from bench.compression.quantise import ALL, FAST, Int8
from bench.compression.weights import Prune, half
from bench.errors import UserError

PRUNE = re.compile(r"prune:(0?\.\d{1,4})")


def recipe(text: str) -> Recipe:
    """``int8``, ``int8-all``, ``prune:0.5`` or ``half``. Raises UserError for anything else."""
    if text in ("int8", "int8-all"):
        return Int8(text, FAST if text == "int8" else ALL)
    if text == "half":
        return half
    found = PRUNE.fullmatch(text)
    if found and float(found[1]) > 0:
        return Prune(float(found[1]))
    raise UserError(f"--recipe {text}: expected int8, int8-all, half, or prune:SHARE with a share between 0 and 1.")

"""Images as files: PNG with where they come from, one picture of many, arrays."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from bench.records.grid import COLUMNS
from bench.runs.origin import Origin
from bench.serving.sampler import Facts, Wanted
from bench.training.sampling import tile

PNG, NPZ = "image/png", "application/x-npz"
LEVEL = 1  # of PNG's compression: most of the size for a tenth of the time


@dataclass(frozen=True)
class File:
    """What a response carries."""

    content: bytes
    media_type: str


def png(images: np.ndarray, wanted: Sequence[Wanted], facts: Facts, columns: int = COLUMNS) -> File:
    """One picture of images (N, C, H, W) uint8, `columns` of them in a row; a single one as it is."""
    pixels = images[0] if len(images) == 1 else tile(torch.from_numpy(images), min(columns, len(images))).numpy()
    picture = Image.fromarray(pixels[0] if pixels.shape[0] == 1 else np.moveaxis(pixels, 0, -1))
    chunks = _origin(wanted[0], facts).chunks()
    chunks.add_text("gan-bench:seeds", seeds_of(wanted))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=LEVEL, pnginfo=chunks)
    return File(buffer.getvalue(), PNG)


def npz(images: np.ndarray, wanted: Sequence[Wanted], facts: Facts) -> File:
    """`arr_0`: images (N, H, W, C) uint8; `seeds` (N,); `labels` (N,) of a conditional generator; `checkpoint`, its sha256."""
    arrays: dict[str, np.ndarray] = {
        "seeds": np.array([one.seed for one in wanted]),
        "checkpoint": np.array(facts.checkpoint),
    }
    if facts.classes:
        arrays["labels"] = np.array([one.label for one in wanted])
    buffer = io.BytesIO()
    np.savez(buffer, np.moveaxis(images, 1, -1), **arrays)  # pyright: ignore[reportArgumentType]
    return File(buffer.getvalue(), NPZ)


def seeds_of(wanted: Sequence[Wanted]) -> str:
    """The seeds in words: 7, or 7,8,9; the two ends of a path as 7-8."""
    ends = wanted[-1].towards
    return f"{wanted[0].seed}-{ends}" if ends is not None else ",".join(str(one.seed) for one in wanted)


def _origin(wanted: Wanted, facts: Facts) -> Origin:
    return Origin(facts.member, facts.suite, facts.source, facts.checkpoint, facts.training_seed, wanted.seed)

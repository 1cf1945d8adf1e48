"""Content digests: what identifies a picture, a row and a whole set, whatever file it came in."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

HELD_OUT_SALT = b"gan-bench held-out 1\n"


def image_digest(pixels: np.ndarray) -> bytes:
    """32 bytes that identify the pixels (C, H, W) uint8 of one picture."""
    shape = "x".join(map(str, pixels.shape)).encode()
    return hashlib.sha256(shape + b"\n" + np.ascontiguousarray(pixels).tobytes()).digest()


def row_digest(images: Sequence[bytes], label: int | None) -> bytes:
    """32 bytes that identify a row: the digests of its picture (and source), and its label."""
    return hashlib.sha256(b"".join(images) + (b"" if label is None else b"%d" % label)).digest()


def set_digest(tables: Mapping[str, Iterable[bytes]]) -> str:
    """The digest of a whole set: `tables` maps "split/table" to the digests of its rows, in any order."""
    whole = hashlib.sha256(b"gan-bench data 1\n")
    for name in sorted(tables):
        rows = sorted(tables[name])
        whole.update(f"{name} {len(rows)}\n".encode() + b"".join(rows))
    return whole.hexdigest()


def held_out_rank(pixels: np.ndarray) -> float:
    """A number in [0, 1) that depends on the picture alone. A set without splits holds out the low ranks.

    A picture keeps its side whatever is added to the set, wherever its file lies and whatever resolution is asked for
    (the pixels are those before resizing); two copies of a picture are never on both sides.
    """
    digest = hashlib.sha256(HELD_OUT_SALT + image_digest(pixels)).digest()
    return int.from_bytes(digest[:8], "big") / 2**64

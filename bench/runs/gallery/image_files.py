"""Pictures beside a record: many images as one file of nothing but pixels, so that the same run gives the same bytes."""

import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from bench.files import write_atomically
from bench.records.parts import Artifact, Kept
from bench.training.sampling import tile

LARGEST_EXACT = 64  # side in pixels up to which a run keeps every pixel as it is; above, a grid would take megabytes
QUALITY = 90
PURGED = "not kept: it was removed from the cache before its run had ended"


def write_grid(images: Tensor, path: Path, columns: int, chunks: PngInfo | None = None) -> str:
    """Write images (N, C, H, W) uint8, C 1 or 3, as one PNG with text chunks; returns the file's sha256."""
    return write(path, _file(images, columns, "PNG", optimize=True, pnginfo=chunks))


def encode(images: Tensor, columns: int) -> tuple[bytes, str]:
    """Images (N, C, H, W) uint8, C 1 or 3, as the content of one file and its suffix: PNG, or WebP where they are large."""
    if images.shape[-1] <= LARGEST_EXACT:
        return _file(images, columns, "PNG", optimize=True), ".png"
    return _file(images, columns, "WEBP", quality=QUALITY, method=4), ".webp"


def write(path: Path, content: bytes) -> str:
    """Write a file whole or not at all; returns its sha256."""
    write_atomically(path, content)
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True)
class KeptFile:
    """A file that a run keeps in its cache until its record is written."""

    kind: str
    file: str  # its name in the cache; "" where there is no file
    sha256: str
    images: int  # real images drawn when it was made
    note: str = ""
    status: Kept = "kept"
    reason: str = ""  # why there is no file


def publish(kept: Iterable[KeptFile], cache: Path, folder: Path, stem: str) -> tuple[Artifact, ...]:
    """Copy what a run kept in its cache to where its record goes; the files are named after the record."""
    found: list[Artifact] = []
    for item in kept:
        if item.status != "kept":
            found.append(Artifact(kind=item.kind, images=item.images, status=item.status, reason=item.reason))
            continue
        name = f"{stem}-{item.file}"
        try:
            content = (cache / item.file).read_bytes()
        except FileNotFoundError:  # some disks delete what is old: the scores must not wait for a picture
            found.append(Artifact(kind=item.kind, images=item.images, status="not kept", reason=PURGED))
            continue
        write_atomically(folder / name, content)
        found.append(Artifact(kind=item.kind, path=name, sha256=item.sha256, images=item.images, note=item.note))
    return tuple(found)


def _file(images: Tensor, columns: int, format: str, **options: Any) -> bytes:
    picture = tile(images, columns).numpy()
    pixels = picture[0] if len(picture) == 1 else np.moveaxis(picture, 0, -1)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format=format, **options)
    return buffer.getvalue()

"""Pictures beside a record: written as PNG without anything but pixels, so that the same run gives the same bytes."""

import hashlib
import io
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from bench.generate import tile
from bench.record import write_atomically


def write_grid(images: Tensor, path: Path, columns: int) -> str:
    """Write images (N, C, H, W) uint8, C 1 or 3, as one picture; returns the file's sha256."""
    picture = tile(images, columns).numpy()
    pixels = picture[0] if len(picture) == 1 else np.moveaxis(picture, 0, -1)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", optimize=True)
    write_atomically(path, buffer.getvalue())
    return hashlib.sha256(buffer.getbuffer()).hexdigest()

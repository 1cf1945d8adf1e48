"""Digits: scikit-learn's 1,797 handwritten digits, which need no download."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from bench.data.digests import held_out_rank
from bench.data.folders.decode import resize_array
from bench.data.rows import DatasetRecipe, Row, Table
from bench.data.standard.declaration import StandardSet, Wanted, resizing

NAMES = tuple("0123456789")
HELD_OUT_FRACTION = 0.2


def read(wanted: Wanted) -> DatasetRecipe:
    """8 x 8, values 0 to 16, scaled to 0..255 (round(v * 255 / 16)), resized."""
    side = wanted.side

    def rows() -> Iterator[Row]:
        from sklearn.datasets import load_digits

        bunch: Any = load_digits()
        pixels = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[:, None]
        for i, (image, label) in enumerate(zip(pixels, bunch.target, strict=True)):
            yield Row((resize_array(image, side),), None, int(label), held_out_rank(image), f"digit {i}")

    line = f"values 0..16 to 0..255; {resizing(8, side)}uint8"
    return DatasetRecipe([Table(("images",), rows, 1797, ((1, side, side),))], NAMES, line, HELD_OUT_FRACTION)


DIGITS = StandardSet(
    "digits",
    "scikit-learn's handwritten digits (UCI optdigits, test part), 8 x 8 enlarged to 16 x 16",
    resolution=16,
    channels=1,
    classes=NAMES,
    counts=(1433, 364),
    splits="by content hash, about 80 : 20",
    licence="CC BY 4.0",
    source="Alpaydin and Kaynak 1998, https://doi.org/10.24432/C50P49",
    read=read,
    digest="a83f3a93efd8cc31da0ed6df011a6a4e1f6a19eb93ba2e071787ef1a25421109",
    shown=True,
)

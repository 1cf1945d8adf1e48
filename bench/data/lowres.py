"""Pairs for super-resolution: `lowres:NAME` is any other set, whose sources are its images made smaller.

A source has the size of its image, as sources of pairs do: the small picture with every pixel copied to factor x factor.
"""

from collections.abc import Iterator

import numpy as np

from bench.data.dataset import Split
from bench.data.folders.decode import RESIZED, resize_array
from bench.data.names import Name
from bench.data.rows import HELD_OUT, TRAIN, DatasetRecipe, DatasetSpec, Row, Table
from bench.data.store import store
from bench.errors import UserError

FACTORS = ("4", "2", "8")  # of the side; the first is meant when none is named


def lowres(name: Name, base: DatasetSpec) -> DatasetSpec:
    """The pairs of a set. Rows keep their split and lose their labels. Raises UserError for a factor that is not known."""
    factor = int(name.option("factor", FACTORS))

    def plan() -> DatasetRecipe:
        data = store.load(base)
        if data.train.source is not None:
            raise UserError(
                f"data set {name.full}: {name.argument} has pictures to translate already. Name a set of images."
            )
        shape = (data.channels, data.resolution, data.resolution)

        def rows() -> Iterator[Row]:
            for split, part in ((TRAIN, data.train), (HELD_OUT, data.held_out)):
                yield from pairs(part, split, factor)

        small = data.resolution // factor
        line = data.preprocessing.removesuffix("uint8") + f"source: resize to {small} {RESIZED}, pixels copied; uint8"
        return DatasetRecipe(
            [Table(("images", "source"), rows, len(data.train) + len(data.held_out), (shape, shape))], (), line
        )

    return DatasetSpec(name.full, f"{base.key}-lowres-{factor}", plan)


def pairs(part: Split, split: str, factor: int) -> Iterator[Row]:
    """The rows of a split, each image with its source."""
    for i, image in enumerate(part.images):
        pixels = np.asarray(image)
        yield Row((pixels, smaller(pixels, factor)), split, None, origin=f"{split} row {i}")


def smaller(pixels: np.ndarray, factor: int) -> np.ndarray:
    """(C, H, H) uint8 -> the same shape, every factor x factor pixels alike."""
    small = resize_array(pixels, pixels.shape[1] // factor)
    return small.repeat(factor, axis=1).repeat(factor, axis=2)

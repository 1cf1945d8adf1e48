"""STL-10: 96 x 96 in colour, resized. `stl10` trains on the 100,000 unlabelled images, `stl10:labelled` on 5,000 of ten classes."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.data.folders.decode import resize_array
from bench.data.rows import HELD_OUT, TRAIN, DatasetRecipe, Row, Table
from bench.data.standard import download
from bench.data.standard.declaration import Files, StandardSet, Wanted, resizing
from bench.errors import UserError

FILES = {
    "": {TRAIN: ("unlabeled_X.bin",), HELD_OUT: ("test_X.bin",)},
    "labelled": {TRAIN: ("train_X.bin", "train_y.bin"), HELD_OUT: ("test_X.bin", "test_y.bin")},
}
NAMES = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")
SIDE = 96
BYTES = 3 * SIDE * SIDE  # of an image


def parts_of(argument: str) -> dict[str, tuple[str, ...]]:
    """The files of each split. Raises UserError for another argument than `labelled`."""
    if argument not in FILES:
        raise UserError(f"data set 'stl10:{argument}': expected stl10 or stl10:labelled.")
    return FILES[argument]


def missing(folder: Path, argument: str) -> list[str]:
    """What a folder lacks; the files are read as memory maps, so .gz does not do."""
    return [name for part in parts_of(argument).values() for name in part if not (folder / name).is_file()]


def read(wanted: Wanted) -> DatasetRecipe:
    """8,000 held out: the test images."""
    parts, side, labelled = parts_of(wanted.argument), wanted.side, wanted.argument == "labelled"
    folder = wanted.folder()

    def rows() -> Iterator[Row]:
        for split, part in parts.items():
            images = read_images(folder / part[0])
            labels = read_labels(folder / part[1], len(images)) if labelled else None
            for i, image in enumerate(images):
                upright = resize_array(image.transpose(0, 2, 1), side)  # the files are column by column
                label = None if labels is None else int(labels[i])
                yield Row((upright,), split, label, origin=f"{folder / part[0]} image {i}")

    table = Table(("images",), rows, 13_000 if labelled else 108_000, ((3, side, side),))
    return DatasetRecipe([table], NAMES if labelled else (), f"{resizing(SIDE, side)}uint8")


def read_images(path: Path) -> np.ndarray:
    """(N, 3, 96, 96) uint8, a memory map. Raises UserError."""
    size = path.stat().st_size
    if not size or size % BYTES:
        raise UserError(f"{path}: {size:,} bytes, not a number of images of {BYTES:,}. Remove it and get it again.")
    return np.memmap(path, np.uint8, mode="r").reshape(-1, 3, SIDE, SIDE)


def read_labels(path: Path, count: int) -> np.ndarray:
    """(N,) from 0; the files count from 1. Raises UserError."""
    size = path.stat().st_size
    labels = np.fromfile(path, np.uint8).astype(np.int64) - 1 if size == count else np.array([-1])
    if labels.min(initial=0) < 0 or labels.max(initial=0) >= len(NAMES):
        raise UserError(f"{path}: expected {count:,} labels from 1 to {len(NAMES)}. Remove it and get it again.")
    return labels


STL10 = StandardSet(
    "stl10",
    "STL-10, 96 x 96 resized; the unlabelled images (stl10:labelled: 5,000 of ten classes)",
    resolution=64,
    channels=3,
    classes=(),
    counts=(100_000, 8_000),
    splits="official unlabelled (or train) / test",
    licence="none stated; cite the paper",
    source="Coates, Lee and Ng 2011",
    read=read,
    files=Files(("stl10_binary",), missing, download.stl10),
    arguments=True,
    shown=True,
)

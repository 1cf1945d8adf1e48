"""Data as others pack it: .npz arrays, folders with train/ and test/ (parquet.py: shards). Pixels as stored, not resized."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.data.digests import held_out_rank
from bench.data.folders.decode import BrokenPictureError, pixels, read_picture
from bench.data.folders.image_folder import arrange
from bench.data.folders.listing import in_order, list_files, refuse_broken
from bench.data.imports.archives import load_npz
from bench.data.rows import HELD_OUT, TRAIN, Row
from bench.errors import UserError

IMAGES = {
    TRAIN: ("x_train", "train_images", "X_train", "train_x"),
    HELD_OUT: ("x_test", "test_images", "X_test", "test_x", "x_val", "val_images"),
    None: ("arr_0", "images", "x", "X", "data"),
}
LABELS = {
    TRAIN: ("y_train", "train_labels", "Y_train", "train_y"),
    HELD_OUT: ("y_test", "test_labels", "Y_test", "test_y", "y_val", "val_labels"),
    None: ("arr_1", "labels", "y", "Y", "targets"),
}


@dataclass(frozen=True)
class Payload:
    """Pictures as they are packed; `rows` may be read more than once."""

    rows: Callable[[], Iterator[Row]]  # each with one picture (C, h, w)
    count: int
    classes: tuple[str, ...]  # names; () where labels are bare numbers, or missing
    labels: int  # the highest label + 1; 0: unlabelled
    sizes: frozenset[tuple[int, int]]  # (h, w) that occur
    colour: bool


def from_npz(path: Path) -> Payload:
    """x_train, y_train, x_test, y_test (Keras), train_images ... (MedMNIST), or arr_0, arr_1 (ADM)."""
    arrays = load_npz(path, "Save plain uint8 arrays: x_train, y_train, x_test, y_test, or images and labels.")
    parts: list[tuple[str | None, np.ndarray, np.ndarray | None]] = []
    for split, names in IMAGES.items():
        image_name = next((name for name in names if name in arrays), None)
        if image_name is not None:
            label_name = next((name for name in LABELS[split] if name in arrays), None)
            images = stored(path, image_name, arrays[image_name])
            labels = None if label_name is None else label_column(path, label_name, arrays[label_name], len(images))
            parts.append((split, images, labels))
    given = {split for split, _, _ in parts}
    if not parts or given not in ({TRAIN, HELD_OUT}, {None}) or len({labels is None for *_, labels in parts}) != 1:
        raise UserError(
            f"{path}: holds {', '.join(arrays) or 'nothing'}. "
            "Expected x_train, y_train, x_test, y_test, or images and labels (arr_0, arr_1)."
        )

    def rows() -> Iterator[Row]:
        for split, images, labels in parts:
            for i, image in enumerate(images):
                rank = held_out_rank(image) if split is None else 1.0
                yield Row((image,), split, None if labels is None else int(labels[i]), rank, f"{path.name} image {i}")

    shapes = {images.shape[1:] for _, images, _ in parts}
    if len({shape[0] for shape in shapes}) > 1:
        raise UserError(f"{path}: some images are grey, others have colour. Expected one kind.")
    sizes = frozenset((height, width) for _, height, width in shapes)
    highest = max(-1 if labels is None else int(labels.max()) for *_, labels in parts)
    return Payload(rows, sum(len(part[1]) for part in parts), (), highest + 1, sizes, next(iter(shapes))[0] == 3)


def stored(path: Path, name: str, array: np.ndarray) -> np.ndarray:
    """(N, H, W), (N, H, W, C) or (N, C, H, W) uint8 -> (N, C, H, W)."""
    if array.dtype == np.uint8 and array.ndim == 3:
        array = array[..., None]
    wrong = array.dtype != np.uint8 or array.ndim != 4 or not len(array)
    if wrong or not {array.shape[1], array.shape[3]} & {1, 3}:
        raise UserError(
            f"{path}: {name} is {array.dtype} of shape {array.shape}. "
            "Expected uint8 of shape (N, H, W), (N, H, W, C) or (N, C, H, W), C = 1 or 3."
        )
    return array.transpose(0, 3, 1, 2) if array.shape[3] in (1, 3) else array


def label_column(path: Path, name: str, array: np.ndarray, count: int) -> np.ndarray:
    """(N,) or (N, 1) integers, not negative."""
    flat = array.reshape(-1)
    if array.size != count or array.dtype.kind not in "iu" or (count and flat.min() < 0):
        raise UserError(
            f"{path}: {name} is {array.dtype} of shape {array.shape}. Expected {count:,} labels 0, 1, 2, ..."
        )
    return flat


def from_folder(path: Path, what: str, colour: bool) -> Payload:
    """A folder of pictures, all of one known kind; subfolders train/ and test/, classes below."""
    files = list_files(path, what)
    items, classes = arrange(files, labelled=True)
    numbered = list(enumerate(items))

    def read(pair: tuple[int, Any]) -> np.ndarray | BrokenPictureError:
        try:
            return pixels(read_picture(pair[1].file.path, colour))
        except BrokenPictureError as broken:
            return broken

    def rows() -> Iterator[Row]:
        for (_, item), image in zip(numbered, in_order(read, numbered), strict=True):
            if isinstance(image, BrokenPictureError):
                refuse_broken(what, path, len(items), [f"{item.file.name}: {image}"])
                continue
            rank = held_out_rank(image) if item.split is None else 1.0
            yield Row((image,), item.split, item.label, rank, item.file.name)

    return Payload(rows, len(items), classes, len(classes), frozenset(), colour)

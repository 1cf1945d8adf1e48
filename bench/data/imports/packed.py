"""Data as others pack it (arrays here and in folders; parquet.py: shards). Pixels as stored, not resized."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.data.folders.decode import pixels, read_picture
from bench.data.folders.folder_request import FolderRequest, Usable, usable
from bench.data.folders.image_folder import understood
from bench.data.folders.layout import Item, NotUnderstoodError
from bench.data.folders.listing import list_files
from bench.data.folders.reader import Reader
from bench.data.imports.array_files import PLAIN, StoredArray, stored_arrays
from bench.data.limits import readable
from bench.data.rows import HELD_OUT, TRAIN, Row
from bench.errors import UserError

IMAGES = {
    TRAIN: ("x_train", "train_images", "X_train", "train_x"),
    HELD_OUT: ("x_test", "test_images", "X_test", "test_x", "x_val", "val_images"),
    None: ("arr_0", "images", "x", "X", "data", "samples"),
}
LABELS = {
    TRAIN: ("y_train", "train_labels", "Y_train", "train_y"),
    HELD_OUT: ("y_test", "test_labels", "Y_test", "test_y", "y_val", "val_labels"),
    None: ("arr_1", "labels", "y", "Y", "targets"),
}
SHAPES = "uint8 of shape (N, H, W), (N, H, W, C) or (N, C, H, W), C = 1 or 3"


@dataclass(frozen=True)
class Payload:
    """Images as they are packed; `rows` may be read more than once."""

    rows: Callable[[], Iterator[Row]]  # each with one image (C, h, w)
    count: int
    sizes: frozenset[tuple[int, int]]  # (h, w) that occur
    colour: bool
    classes: tuple[str, ...] = ()  # names; () where labels are bare numbers, or missing
    labels: tuple[int, ...] = ()  # those that occur, sorted; (): unlabelled
    lossy: bool = False  # whether some images were JPEG files
    notes: tuple[str, ...] = ()
    layout: tuple[str, ...] = ()
    # broken files, "name: reason"; complete once the rows are read
    skipped: list[str] = field(default_factory=list[str])


@dataclass(frozen=True)
class ArrayPart:
    """The images of one split and their labels."""

    split: str | None
    name: str  # of the array
    array: StoredArray
    labels: np.ndarray | None  # (N,) int64

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of every image. Read as NHWC where both would fit, as ADM writes it."""
        if len(self.array.shape) == 3:
            return (1, *self.array.shape[1:])
        _, first, second, last = self.array.shape
        return (last, first, second) if last in (1, 3) else (first, second, last)

    def chunks(self) -> Iterator[np.ndarray]:
        """Some images after others, (n, C, H, W) uint8."""
        for chunk in self.array.chunks():
            if chunk.ndim == 3:
                yield chunk[:, None]
            else:
                yield chunk.transpose(0, 3, 1, 2) if chunk.shape[3] in (1, 3) else chunk


def from_arrays(path: Path) -> Payload:
    """x_train, y_train, x_test, y_test (Keras), train_images ... (MedMNIST), arr_0, arr_1 (ADM), or one array alone."""
    parts, notes = array_parts(path, stored_arrays(path))

    def rows() -> Iterator[Row]:
        for part in parts:
            images = (image for chunk in part.chunks() for image in chunk)
            for i, image in enumerate(images):
                label = None if part.labels is None else int(part.labels[i])
                yield Row((image,), part.split, label, origin=f"{readable(path.name)} image {i}")

    shapes = {part.shape for part in parts}
    if len({shape[0] for shape in shapes}) > 1:
        raise UserError(f"{readable(path)}: some images are grey, others have colour. Expected one kind.")
    sizes = frozenset((height, width) for _, height, width in shapes)
    labels = sorted({int(label) for part in parts if part.labels is not None for label in np.unique(part.labels)})
    colour = next(iter(shapes))[0] == 3
    return Payload(rows, sum(len(part.array) for part in parts), sizes, colour, labels=tuple(labels), notes=notes)


def array_parts(path: Path, arrays: Mapping[str, StoredArray]) -> tuple[list[ArrayPart], tuple[str, ...]]:
    """The arrays that hold images, with their labels, and remarks. Raises UserError where the names say too little."""
    parts, notes = [], []
    for split, names in IMAGES.items():
        name = next((name for name in names if name in arrays), None)
        if name is None:
            continue
        check_images(path, name, arrays[name])
        label_name = next((one for one in LABELS[split] if one in arrays), None)
        labels = None
        if label_name is not None:
            labels = label_column(path, label_name, arrays[label_name], len(arrays[name]))
        parts.append(ArrayPart(split, name, arrays[name], labels))
    if not parts and len(arrays) == 1:
        name, array = next(iter(arrays.items()))
        check_images(path, name, array)
        parts.append(ArrayPart(None, name, array, None))
    given = {part.split for part in parts}
    if given not in ({TRAIN, HELD_OUT}, {None}) or len({part.labels is None for part in parts}) != 1:
        shown = ", ".join(map(readable, arrays)) or "nothing"
        raise UserError(f"{readable(path)}: holds {shown}. {PLAIN}")
    return parts, tuple(notes)


def check_images(path: Path, name: str, array: StoredArray) -> None:
    """Whether an array can be images. Raises UserError."""
    shape = array.shape
    fits = len(shape) == 3 or (len(shape) == 4 and {shape[1], shape[3]} & {1, 3})
    if array.dtype != np.uint8 or not fits or 0 in shape:
        raise UserError(f"{readable(path)}: {readable(name)} is {array.dtype} of shape {shape}. Expected {SHAPES}.")


def label_column(path: Path, name: str, array: StoredArray, count: int) -> np.ndarray:
    """(N,) or (N, 1) whole numbers, not negative, or (N, K) with a single one in each row. Raises UserError."""
    problem = UserError(
        f"{readable(path)}: {readable(name)} is {array.dtype} of shape {array.shape}. "
        f"Expected {count:,} labels 0, 1, 2, ... (or one-hot rows)."
    )
    if array.dtype.kind not in "iufb" or not array.shape or len(array) != count or len(array.shape) > 2:
        raise problem
    values = array.read()
    if values.ndim == 2 and values.shape[1] > 1:
        if not (np.isin(values, (0, 1)).all() and (values.sum(1) == 1).all()):
            raise problem
        return values.argmax(1)
    flat = values.reshape(-1)
    if flat.dtype.kind not in "iu" or (flat < 0).any() or (flat > np.iinfo(np.int64).max).any():
        raise problem
    return flat.astype(np.int64)


def _laid_out(
    request: FolderRequest, content: Usable
) -> tuple[tuple[Item, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Items, classes, what was understood, and notes: every image, where the folders are not understood."""
    try:
        layout = understood(request, content)
    except NotUnderstoodError as problem:
        note = f"the folders are not understood ({problem}): all images are used, without splits and classes"
        return tuple(Item(file, None, None) for file in content.files), (), (), (note,)
    return tuple(layout.items), tuple(layout.classes), tuple(layout.lines), ()


def from_folder(request: FolderRequest, *, colour: bool | None = None) -> Payload:
    """A folder of images; subfolders train/ and test/, classes below. colour: None: as the files are.

    Where the folders are not understood, every image is taken without splits and classes, and the notes say so.
    """
    content = usable(request, list_files(request.path, request.what))
    items, classes, lines, notes = _laid_out(request, content)
    headers = [content.headers[item.file] for item in items]
    any_colour = any(header.colour for header in headers) if colour is None else colour

    def read(item: Item) -> Row:
        image = pixels(read_picture(item.file.path, any_colour))
        return Row((image,), item.split, item.label, origin=item.file.name)

    what, place, skipped = request.what, request.place, content.skipped
    reader = Reader(what, place, items, read, lambda item: item.file.name, request.skip_broken, skipped, request.advice)
    return Payload(
        reader.rows,
        len(items),
        frozenset((header.height, header.width) for header in headers),
        any_colour,
        classes,
        tuple(range(len(classes))),
        any(header.format in ("JPEG", "MPO") for header in headers),
        (*content.notes, *notes),
        lines,
        skipped,
    )

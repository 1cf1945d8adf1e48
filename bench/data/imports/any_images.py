"""Any images that lie in files, read for a comparison: one function for both sides."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from bench.data.catalogue import names
from bench.data.folders.decode import RESIZED, centre_square, picture, pixels
from bench.data.folders.folder_request import FolderRequest
from bench.data.folders.layout import TENTH
from bench.data.folders.listing import SKIP
from bench.data.image_set import ImageSet
from bench.data.imports import archives
from bench.data.imports.array_files import holds_arrays
from bench.data.imports.kinds import FOLDER, FORMS, NPY, PARQUET, TAR, UNKNOWN, ZIP, kind_of
from bench.data.imports.packed import Payload, from_arrays, from_folder
from bench.data.imports.parquet import from_parquet, parquet_files
from bench.data.limits import check_memory, exists, readable, user_path
from bench.data.rows import HELD_OUT
from bench.data.store import store
from bench.errors import UserError

NAMED = 3  # broken files that a note names

PREFIX = "folder:"


def source_path(source: str | Path) -> Path | None:
    """The path that `source` names: "folder:PATH", or a file or folder that exists; None: it is a data set's name.

    The name of a data set comes before a folder of that name in the current folder (write ./digits for that one).
    """
    text = str(source)
    if text.startswith(PREFIX):
        return user_path(text.removeprefix(PREFIX).partition("?")[0])
    path = user_path(text)
    known = {name for name in names() if ":" not in name}
    return path if text not in known and (isinstance(source, Path) or exists(path)) else None


def read_images(source: str | Path, *, resolution: int | None = None, skip_broken: bool = False) -> ImageSet:
    """All images of a folder (nested or not), an .npz or .npy, a .zip or .tar, or parquet shards.

    Files are told apart by content. Labels are read where there are some: subfolders, arr_1, StyleGAN's dataset.json, a
    column. Images keep their size, and all must have one, unless a `resolution` is given: then the central square of
    each is resized, which the notes say. Broken files are refused, or left out with `skip_broken`, which the notes say too.
    Raises UserError.
    """
    path = source_path(source) or user_path(source)
    name = readable(path)
    with opened_payload(path, f"images in {name}", skip_broken=skip_broken) as payload:
        sizes = sorted(payload.sizes)
        if len(sizes) > 1 and resolution is None:
            shown = ", ".join(f"{width} x {height}" for height, width in sizes[:3])
            raise UserError(
                f"{name}: has images of {len(sizes)} sizes: {shown}. Expected one size, or --resolution N: the central "
                "square of each is then resized to N pixels a side."
            )
        height, width = (resolution, resolution) if resolution else sizes[0]
        shape = (payload.count, 3 if payload.colour else 1, height, width)
        check_memory(name, int(np.prod(shape, dtype=object)))
        images, labels, held_out = np.empty(shape, np.uint8), [], []
        for i, row in enumerate(payload.rows()):
            images[i] = _sized(row.images[0], resolution)
            labels.append(row.label)
            held_out.append(None if row.split is None else row.split == HELD_OUT)
    images = images[: len(labels)]  # fewer where broken files are left out
    notes = [*(line.replace(TENTH, "") for line in payload.layout), *payload.notes, *_left_out(payload.skipped)]
    if resolution and sizes != [(resolution, resolution)]:
        notes.append(f"centre crop to square; resize to {resolution} {RESIZED}")
    return ImageSet(
        name,
        images,
        None if None in labels else np.array(labels, np.int64),
        payload.classes,
        None if None in held_out else np.array(held_out, bool),
        tuple(notes),
        payload.lossy,
    )


def _sized(image: np.ndarray, resolution: int | None) -> np.ndarray:
    return image if resolution is None else pixels(centre_square(picture(image), resolution))


def _left_out(skipped: Sequence[str]) -> Iterator[str]:
    """What is said of broken files that are left out: the first few by name."""
    if skipped:
        more = f"; and {len(skipped) - NAMED} more" if len(skipped) > NAMED else ""
        files = f"{len(skipped)} broken file{'s are' if len(skipped) > 1 else ' is'} left out"
        yield f"{files}: {'; '.join(skipped[:NAMED])}{more}"


@contextmanager
def opened_payload(path: Path, what: str, colour: bool | None = None, skip_broken: bool = False) -> Iterator[Payload]:
    """Whatever the images at `path` are packed in, unpacked for as long as it is open. Raises UserError."""
    kind = kind_of(path)
    if kind == UNKNOWN:
        raise UserError(f"{readable(path)}: not images that can be read. Expected {FORMS}.")
    if kind == TAR or (kind == ZIP and not holds_arrays(path)):
        with archives.unpacked(path, store.folder()) as place:
            yield packed_in_folder(place, what, readable(path), colour, skip_broken)
    elif kind == FOLDER:
        yield packed_in_folder(path, what, readable(path), colour, skip_broken)
    else:
        yield {NPY: from_arrays, ZIP: from_arrays, PARQUET: lambda one: from_parquet([one])}[kind](path)


def packed_in_folder(
    place: Path, what: str, shown: str, colour: bool | None = None, skip_broken: bool = False
) -> Payload:
    """The images in a folder: files, parquet shards, or a single file of arrays."""
    shards, bundle = parquet_files(place), only_arrays(place)
    if shards:
        return from_parquet(shards)
    if bundle is not None:
        return from_arrays(bundle)
    return from_folder(FolderRequest(what, place, skip_broken=skip_broken, advice=SKIP, shown=shown), colour=colour)


def only_arrays(place: Path) -> Path | None:
    """The .npz or .npy that is the only file in a folder."""
    files = [file for file in place.iterdir() if not file.name.startswith(".")]
    if len(files) != 1 or not files[0].is_file() or files[0].suffix.lower() not in (".npz", ".npy"):
        return None
    return files[0]

"""`bench data import NAME PATH`: a set that was brought by hand, in whatever packaging, becomes a prepared set.

NAME is a standard set (its content is checked against what was published) or a name of the user's own. PATH is a folder,
an .npz, a .zip or .tar, a parquet file or a folder of shards; for a standard set also the original files.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from bench.data.dataset import DataSet
from bench.data.digests import held_out_rank
from bench.data.folders import image_folder
from bench.data.folders.decode import Header, picture
from bench.data.folders.folder_request import CROP, PAD, FolderRequest, settle_side
from bench.data.folders.listing import SKIP, Found, list_files
from bench.data.imports import archives, imported
from bench.data.imports.any_images import only_arrays, opened_payload
from bench.data.imports.array_files import holds_arrays
from bench.data.imports.kinds import TAR, ZIP, kind_of
from bench.data.imports.packed import Payload
from bench.data.imports.parquet import parquet_files
from bench.data.limits import readable, user_path
from bench.data.loading import request
from bench.data.names import WITH_ARGUMENT, Name, check_resolution, parse
from bench.data.rows import HELD_OUT, TRAIN, DatasetRecipe, DatasetSpec, Row, Table
from bench.data.standard.declaration import StandardSet
from bench.data.standard.locate import locate, search
from bench.data.standard.table import SETS
from bench.data.store import store
from bench.errors import UserError, unknown


def import_set(
    name: str, path: str | Path, *, resolution: int | None = None, skip_broken: bool = False, fit: str = CROP
) -> DataSet:
    """Prepare the data at `path` as the set `name`; afterwards `load(name)` opens it and needs `path` no more.

    resolution: for a name of your own, the side to resize to (default: that of the images, which must be usable).
    fit: "crop" (the central square, resized) or "pad" (a black border up to the resolution, or to the next usable one).
    Raises UserError for what cannot be read, is not safe to unpack, or is not the set that its name says.
    """
    path = user_path(path)
    if fit not in (CROP, PAD):
        raise unknown("fit", fit, (CROP, PAD))
    kind = kind_of(path)
    parsed = parse(name)
    if parsed.family in WITH_ARGUMENT:
        raise UserError(f"import {name}: {parsed.family}:... is read where it lies. Give the copy a name of its own.")
    declared = SETS.get(parsed.family)
    if declared is None:
        imported.check_name(name)
    with ExitStack() as stack:
        place = path
        if kind == TAR or (kind == ZIP and not holds_arrays(path)):
            place = stack.enter_context(archives.unpacked(path, store.folder()))
        if declared is not None:
            return import_known(declared, parsed, place, resolution, skip_broken)
        return import_own(
            FolderRequest(f"import {name}", place, resolution, skip_broken, fit, SKIP, readable(path)), name
        )


def import_known(declared: StandardSet, name: Name, place: Path, resolution: int | None, skip_broken: bool) -> DataSet:
    """A standard set: from its original files where they are there, else from images or arrays."""
    original = search(declared, name.argument, place)
    if original is not None:
        return renew(request(name.full, resolution, lambda *_: original, skip_broken))
    if declared.files is None:
        raise UserError(f"import {name.full}: this set needs no files of its own. Run: bench data prepare {name.full}")
    if not declared.packed:
        first = declared.files.missing(place, name.argument)[0]
        raise UserError(
            f"import {name.full}: {readable(place)} does not hold the set ({first} is missing). Expected its original files."
        )
    where = partial(locate, given=None)
    native = request(name.full, None, where)
    with opened_payload(place, f"import {name.full}", colour=declared.channels == 3) as payload:
        data = renew(replace(native, plan=lambda: known_plan(declared, payload)))
    return data if resolution is None else renew(request(name.full, resolution, where))


def renew(order: DatasetSpec) -> DataSet:
    """Prepare anew, and forget what was derived from the old content."""
    data = store.load(order, refresh=True)
    for derived in store.folder().glob(f"{order.key}-to-*"):
        shutil.rmtree(derived, ignore_errors=True)
    return data


def known_plan(declared: StandardSet, payload: Payload) -> DatasetRecipe:
    """The images of a standard set, brought into its form. Raises UserError where they cannot be that set."""
    name, side = declared.name, declared.resolution
    assert side is not None
    number = class_numbers(name, payload.classes, declared.classes)

    def rows() -> Iterator[Row]:
        counts = {TRAIN: 0, HELD_OUT: 0}
        for row in payload.rows():
            if row.split is None or row.label is None or row.label not in number:
                raise UserError(f"import {name}: {row.origin} has no split or no known label. Expected train and test.")
            counts[row.split] += 1
            yield replace(row, images=(in_form(declared, row),), label=number[row.label])
        if tuple(counts.values()) != declared.counts:
            expected, got = (" + ".join(f"{n:,}" for n in both) for both in (declared.counts, counts.values()))
            raise UserError(f"import {name}: found {got} images (train + test), expected {expected}.")

    line = "pad {} to {} with zeros; uint8".format(*declared.padded) if declared.padded else "as published; uint8"
    table = Table(("images",), rows, payload.count, ((declared.channels, side, side),))
    return DatasetRecipe([table], declared.classes, line)


def in_form(declared: StandardSet, row: Row) -> np.ndarray:
    """One image as the set keeps it: grey saved as RGB is grey again, 28 x 28 is padded to 32 x 32."""
    image, channels, side = row.images[0], declared.channels, declared.resolution
    if channels == 1 and len(image) == 3 and (image == image[:1]).all():
        image = image[:1]
    small, large = declared.padded or (side, side)
    if declared.padded and image.shape[1:] == (small, small):
        assert large is not None
        assert small is not None
        margin = (large - small) // 2
        image = np.pad(image, ((0, 0), (margin, margin), (margin, margin)))
    if image.shape != (channels, side, side):
        raise UserError(
            f"import {declared.name}: {row.origin} is {image.shape} (C, H, W); expected {channels} x {small} x {small}."
        )
    return np.ascontiguousarray(image)


def class_numbers(name: str, found: tuple[str, ...], classes: tuple[str, ...]) -> dict[int, int]:
    """The packaging's label -> the set's label: by class name, by number, or as it is."""

    def plain(text: str) -> str:
        return re.sub(r"[^a-z0-9]", "", text.lower())

    if not found:
        return {label: label for label in range(len(classes))}
    known = {plain(text): label for label, text in enumerate(classes)}
    known |= {str(label): label for label in range(len(classes))}
    strange = [text for text in found if plain(text) not in known]
    if strange:
        raise UserError(f"import {name}: unknown class {strange[0]!r}. Expected {', '.join(classes[:12])}.")
    return {label: known[plain(text)] for label, text in enumerate(found)}


def import_own(asked: FolderRequest, name: str) -> DataSet:
    """A set under a name of the user's own."""
    if asked.resolution is not None:
        check_resolution(name, asked.resolution)
    place, key = asked.path, f"{imported.PREFIX}{name}"
    if place.is_dir() and not parquet_files(place) and only_arrays(place) is None:
        return renew(DatasetSpec(name, key, lambda: image_folder.plan(asked, list_files(place, asked.what))))
    with opened_payload(place, asked.what) as payload:
        return renew(DatasetSpec(name, key, lambda: own_plan(asked, payload)))


def own_plan(asked: FolderRequest, payload: Payload) -> DatasetRecipe:
    """Arrays or shards, cropped, resized or padded as a folder would be."""
    headers = {
        Found(asked.path, (f"an image of {width} x {height}",), 0, 0): Header(width, height, payload.colour)
        for height, width in sorted(payload.sizes)
    }
    side = settle_side(asked, headers)
    numbers = {label: i for i, label in enumerate(payload.labels)}
    notes = list(payload.notes)
    if payload.classes:
        classes, numbers = payload.classes, {label: label for label in payload.labels}
    else:
        classes = tuple(map(str, payload.labels))
        if payload.labels and payload.labels != tuple(range(len(classes))):
            notes.append(f"the labels are {shown_labels(classes)}: a label without images makes no class")

    def rows() -> Iterator[Row]:
        for row in payload.rows():
            rank = held_out_rank(row.images[0]) if row.split is None else 1.0
            label = None if row.label is None else numbers[row.label]
            yield replace(row, images=(asked.square(picture(row.images[0]), side),), label=label, rank=rank)

    table = Table(("images",), rows, payload.count, ((3 if payload.colour else 1, side, side),))
    line = f"{asked.preparation}{'RGB' if payload.colour else 'grey'}; uint8"
    lines = payload.layout or (
        f"splits: {'as packed' if payload_has_splits(payload) else 'none; a tenth is held out by content'}",
    )
    return DatasetRecipe([table], classes, line, notes=notes, layout=lines)


def payload_has_splits(payload: Payload) -> bool:
    """Whether the packaging says what is held out."""
    return next(iter(payload.rows())).split is not None


def shown_labels(classes: tuple[str, ...]) -> str:
    """The first few."""
    return ", ".join(classes[:8]) + (", ..." if len(classes) > 8 else "")

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

from bench.data.catalogue import KNOWN
from bench.data.dataset import DataSet
from bench.data.digests import held_out_rank
from bench.data.folders import image_folder
from bench.data.folders.decode import Header, picture
from bench.data.folders.folder_request import CROP, FolderRequest, settle_side
from bench.data.folders.listing import Found, list_files
from bench.data.imports import archives, imported
from bench.data.imports.any_images import only_arrays, opened_payload
from bench.data.imports.array_files import holds_arrays
from bench.data.imports.kinds import TAR, ZIP, kind_of
from bench.data.imports.packed import Payload
from bench.data.imports.parquet import parquet_files
from bench.data.loading import request
from bench.data.names import WITH_ARGUMENT, check_resolution, parse
from bench.data.rows import HELD_OUT, TRAIN, DatasetRecipe, DatasetSpec, Row, Table
from bench.data.standard import arrays, layouts
from bench.data.store import store
from bench.errors import UserError

COUNTS = {name: {TRAIN: KNOWN[name].train, HELD_OUT: KNOWN[name].held_out} for name in arrays.CLASSES}


def import_set(
    name: str, path: str | Path, *, resolution: int | None = None, skip_broken: bool = False, fit: str = CROP
) -> DataSet:
    """Prepare the data at `path` as the set `name`; afterwards `load(name)` opens it and needs `path` no more.

    resolution: for a name of your own, the side to resize to (default: that of the images, which must be usable).
    fit: "crop" (the central square, resized) or "pad" (a black border up to the resolution, or to the next usable one).
    Raises UserError for what cannot be read, is not safe to unpack, or is not the set that its name says.
    """
    path = Path(path).expanduser()
    kind = kind_of(path)
    parsed = parse(name)
    if parsed.family in WITH_ARGUMENT:
        raise UserError(f"import {name}: {parsed.family}:... is read where it lies. Give the copy a name of its own.")
    known = parsed.family in KNOWN
    if not known:
        imported.check_name(name)
    with ExitStack() as stack:
        place = path
        if kind == TAR or (kind == ZIP and not holds_arrays(path)):
            place = stack.enter_context(archives.unpacked(path, store.folder()))
        if known:
            return import_known(name, place, resolution, skip_broken)
        return import_own(name, place, resolution, skip_broken, fit)


def import_known(name: str, place: Path, resolution: int | None, skip_broken: bool) -> DataSet:
    """A standard set: from its original files where they are there, else from images or arrays."""
    layout = name if name in layouts.LAYOUTS else name.partition(":")[0]
    original = layouts.search(layout, place)
    if original is not None:
        return renew(request(name, resolution, lambda _: original, skip_broken))
    if name not in arrays.CLASSES:
        if layout not in layouts.LAYOUTS:
            raise UserError(f"import {name}: this set needs no files of its own. Run: bench data prepare {name}")
        first = layouts.LAYOUTS[layout].missing(place)[0]
        raise UserError(
            f"import {name}: {place} does not hold the set ({first} is missing). Expected its original files."
        )
    locate = partial(layouts.locate, given=None)
    native = request(name, None, locate)
    with opened_payload(place, f"import {name}", colour=KNOWN[name].channels == 3) as payload:
        data = renew(replace(native, plan=lambda: known_plan(name, payload)))
    return data if resolution is None else renew(request(name, resolution, locate))


def renew(order: DatasetSpec) -> DataSet:
    """Prepare anew, and forget what was derived from the old content."""
    data = store.load(order, refresh=True)
    for derived in store.folder().glob(f"{order.key}-to-*"):
        shutil.rmtree(derived, ignore_errors=True)
    return data


def known_plan(name: str, payload: Payload) -> DatasetRecipe:
    """The pictures of a standard set, brought into its form. Raises UserError where they cannot be that set."""
    classes = arrays.CLASSES[name]
    number = class_numbers(name, payload.classes, classes)
    channels, padded = KNOWN[name].channels, name in ("mnist", "fashion-mnist")

    def rows() -> Iterator[Row]:
        found = {TRAIN: 0, HELD_OUT: 0}
        for row in payload.rows():
            if row.split is None or row.label is None or row.label not in number:
                raise UserError(f"import {name}: {row.origin} has no split or no known label. Expected train and test.")
            found[row.split] += 1
            image = in_form(name, row, channels, padded)
            yield replace(row, images=(image,), label=number[row.label])
        if found != COUNTS[name]:
            expected = " + ".join(f"{count:,}" for count in COUNTS[name].values())
            got = " + ".join(f"{count:,}" for count in found.values())
            raise UserError(f"import {name}: found {got} images (train + test), expected {expected}.")

    line = arrays.PADDED if padded else arrays.AS_PUBLISHED
    return DatasetRecipe([Table(("images",), rows, payload.count, ((channels or 1, 32, 32),))], classes, line)


def in_form(name: str, row: Row, channels: int | None, padded: bool) -> np.ndarray:
    """One picture as the set keeps it: grey saved as RGB is grey again, 28 x 28 is padded to 32 x 32."""
    image = row.images[0]
    if channels == 1 and len(image) == 3 and (image == image[:1]).all():
        image = image[:1]
    if padded and image.shape[1:] == (28, 28):
        image = np.pad(image, ((0, 0), (2, 2), (2, 2)))
    if image.shape != (channels, 32, 32):
        side = "28 x 28" if padded else "32 x 32"
        raise UserError(f"import {name}: {row.origin} is {image.shape} (C, H, W); expected {channels} x {side}.")
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


def import_own(name: str, place: Path, resolution: int | None, skip_broken: bool, fit: str) -> DataSet:
    """A set under a name of the user's own."""
    if resolution is not None:
        check_resolution(name, resolution)
    asked = FolderRequest(f"import {name}", place, resolution, skip_broken, fit)
    if place.is_dir() and not parquet_files(place) and only_arrays(place) is None:
        plan = partial(image_folder.plan, asked, list_files(place, asked.what))
        return renew(DatasetSpec(name, f"{imported.PREFIX}{name}", plan))
    with opened_payload(place, asked.what) as payload:
        return renew(DatasetSpec(name, f"{imported.PREFIX}{name}", lambda: own_plan(asked, payload)))


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

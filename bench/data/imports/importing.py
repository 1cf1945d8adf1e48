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
from bench.data.folders import image_folder
from bench.data.folders.decode import RESIZED, centre_square, picture, pixels
from bench.data.folders.listing import list_files
from bench.data.imports import archives, imported
from bench.data.imports.packed import Payload, from_folder, from_npz
from bench.data.imports.parquet import from_parquet, parquet_files
from bench.data.loading import request
from bench.data.names import RESOLUTIONS, WITH_ARGUMENT, check_resolution, parse
from bench.data.rows import HELD_OUT, TRAIN, DatasetRecipe, DatasetSpec, Row, Table
from bench.data.standard import arrays, layouts
from bench.data.store import store
from bench.errors import UserError

EXPECTED = "Expected a folder of images, an .npz, a .zip or .tar of either, or parquet files."
COUNTS = {name: {TRAIN: KNOWN[name].train, HELD_OUT: KNOWN[name].held_out} for name in arrays.CLASSES}


def import_set(name: str, path: str | Path, *, resolution: int | None = None, skip_broken: bool = False) -> DataSet:
    """Prepare the data at `path` as the set `name`; afterwards `load(name)` opens it and needs `path` no more.

    resolution: for a name of your own, the side to resize to (default: that of the images, which must be usable).
    Raises UserError for what cannot be read, is not safe to unpack, or is not the set that its name says.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise UserError(f"import {name}: {path}: there is no such file or folder. {EXPECTED}")
    parsed = parse(name)
    if parsed.family in WITH_ARGUMENT:
        raise UserError(f"import {name}: {parsed.family}:... is read where it lies. Give the copy a name of its own.")
    with ExitStack() as stack:
        place = path
        if archives.is_archive(path):
            place = stack.enter_context(archives.unpacked(path, store.folder()))
        if parsed.family in KNOWN:
            return import_known(name, place, resolution, skip_broken)
        return import_own(imported.check_name(name), place, resolution, skip_broken)


def import_known(name: str, place: Path, resolution: int | None, skip_broken: bool) -> DataSet:
    """A standard set: from its original files where they are there, else from pictures or arrays."""
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
    data = renew(replace(native, plan=lambda: known_plan(name, open_payload(place, name))))
    return data if resolution is None else renew(request(name, resolution, locate))


def renew(order: DatasetSpec) -> DataSet:
    """Prepare anew, and forget what was derived from the old content."""
    data = store.load(order, refresh=True)
    for derived in store.folder().glob(f"{order.key}-to-*"):
        shutil.rmtree(derived, ignore_errors=True)
    return data


def open_payload(place: Path, name: str) -> Payload:
    """Whatever the pictures of a standard set are packed in."""
    shards, bundle = parquet_files(place), only_npz(place)
    if shards:
        return from_parquet(shards)
    if bundle is not None:
        return from_npz(bundle)
    if not place.is_dir():
        raise UserError(f"import {name}: {place}: unknown kind of file. {EXPECTED}")
    return from_folder(lift(place), f"import {name}", colour=KNOWN[name].channels == 3)


def only_npz(place: Path) -> Path | None:
    """The .npz at `place`, or the only file in that folder."""
    if place.is_file():
        return place if place.suffix.lower() == ".npz" else None
    files = [file for file in place.iterdir() if not file.name.startswith(".")]
    return files[0] if len(files) == 1 and files[0].suffix.lower() == ".npz" else None


def lift(place: Path) -> Path:
    """Step into a folder that holds nothing but one folder, as archives often do."""
    while True:
        entries = [entry for entry in place.iterdir() if not entry.name.startswith((".", "__MACOSX"))]
        if len(entries) != 1 or not entries[0].is_dir():
            return place
        place = entries[0]


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


def import_own(name: str, place: Path, resolution: int | None, skip_broken: bool) -> DataSet:
    """A set under a name of the user's own."""
    if resolution is not None:
        check_resolution(name, resolution)

    def plan() -> DatasetRecipe:
        shards, bundle = parquet_files(place), only_npz(place)
        if shards or bundle is not None:
            payload = from_parquet(shards) if bundle is None else from_npz(bundle)
            return own_plan(name, payload, resolution)
        if not place.is_dir():
            raise UserError(f"import {name}: {place}: unknown kind of file. {EXPECTED}")
        path = lift(place)
        return image_folder.plan(name, path, list_files(path, f"import {name}"), resolution, True, skip_broken)

    return renew(DatasetSpec(name, f"{imported.PREFIX}{name}", plan))


def own_plan(name: str, payload: Payload, resolution: int | None) -> DatasetRecipe:
    """Arrays or shards, cropped and resized as a folder would be."""
    side = resolution or usable_side(name, payload)
    classes = payload.classes or tuple(str(label) for label in range(payload.labels))

    def rows() -> Iterator[Row]:
        for row in payload.rows():
            yield replace(row, images=(pixels(centre_square(picture(row.images[0]), side)),))

    line = f"centre crop to square; resize to {side} {RESIZED}; " if resolution else ""
    table = Table(("images",), rows, payload.count, ((3 if payload.colour else 1, side, side),))
    return DatasetRecipe([table], classes, f"{line}{'RGB' if payload.colour else 'grey'}; uint8")


def usable_side(name: str, payload: Payload) -> int:
    """The side of the pictures if all are squares of one size that members are built for."""
    sizes = sorted(payload.sizes)
    if len(sizes) == 1 and sizes[0][0] == sizes[0][1] and sizes[0][0] in RESOLUTIONS:
        return sizes[0][0]
    shown = ", ".join(f"{width} x {height}" for height, width in sizes[:3])
    raise UserError(
        f"import {name}: images of {shown}; expected squares of {', '.join(map(str, RESOLUTIONS))} pixels. "
        "Give a resolution (--resolution 64): images are centre-cropped to squares and resized."
    )

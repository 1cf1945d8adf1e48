"""A data set's name -> the prepared data set."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from bench.data.catalogue import describe
from bench.data.dataset import DataSet, Split
from bench.data.folders import image_folder, image_pairs, unpaired
from bench.data.folders.decode import RESIZED, resize_array
from bench.data.imports import imported
from bench.data.limits import readable
from bench.data.lowres import lowres
from bench.data.names import Name, check_resolution, parse
from bench.data.rows import HELD_OUT, TRAIN, DatasetRecipe, DatasetSpec, Row, Table
from bench.data.standard.declaration import DataRoot, StandardSet, Wanted
from bench.data.standard.locate import locate, roots
from bench.data.standard.table import SETS
from bench.data.store import store
from bench.errors import UserError

ARGUMENT = re.compile(r"[A-Za-z0-9_, -]{0,150}")  # it becomes part of a folder's name
Locate = Callable[[StandardSet, str], Path]  # a declared set, the argument of its name -> the folder with its files
FOLDERS: dict[str, Callable[[Name, int | None, bool], DatasetSpec]] = {
    "folder": image_folder.folder,
    "pairs": image_pairs.pairs,
    "unpaired": unpaired.unpaired,
}


def load(
    name: str,
    *,
    resolution: int | None = None,
    data_root: DataRoot = None,
    skip_broken: bool = False,
    refresh: bool = False,
) -> DataSet:
    """The data set, prepared once under the cache and mapped into memory.

    name: see `names()`, e.g. "mnist", "folder:photos".
    resolution: side in pixels, a power of two from 8 to 256; None: that of the set.
    data_root: a torchvision-style root that is looked at before anything is downloaded; None: $BENCH_DATA.
    skip_broken: leave out files of a folder that cannot be read, and record them, instead of refusing the folder.
    refresh: prepare it anew.

    Raises UserError for an unknown name, files that are missing and cannot be downloaded, damaged or unsuitable images,
    a disk that is full or not writable.
    """
    wanted = request(name, resolution, located(data_root), skip_broken)
    return store.load(wanted, refresh=refresh)


def located(data_root: DataRoot) -> Locate:
    """Looks for files below a data root first. Raises UserError for a root that was named and is not there."""
    if data_root is not None:
        roots(data_root)
    return partial(locate, given=data_root)


def request(name: str, resolution: int | None, where: Locate, skip_broken: bool = False) -> DatasetSpec:
    """What `load` prepares or opens; the original files of a standard set are where `where` says."""
    parsed = parse(name)
    default = describe(name).resolution
    side = default if resolution is None else check_resolution(name, resolution)
    if parsed.family in FOLDERS:
        return FOLDERS[parsed.family](parsed, side, skip_broken)
    if parsed.family == "lowres":
        return lowres(parsed, request(parsed.argument, resolution, where, skip_broken))
    declared = SETS.get(parsed.family)
    if declared is not None:
        return standard(declared, parsed, side, where, skip_broken)
    assert default is not None
    assert side is not None
    own = imported.request(name)
    return own if side == default else resized(own, side)


def standard(declared: StandardSet, name: Name, side: int | None, where: Locate, skip_broken: bool) -> DatasetSpec:
    """A set of the field, from its declaration."""
    if name.argument and not declared.arguments:
        raise UserError(f"data set {name.full!r}: {declared.name} takes no argument.")
    if not ARGUMENT.fullmatch(name.argument):
        raise UserError(
            f"data set {readable(name.full[:100])!r}: expected letters, digits, _ and commas after the colon."
        )
    if declared.kept and side != declared.resolution:
        assert side is not None
        return resized(standard(declared, name, declared.resolution, where, skip_broken), side)
    wanted = Wanted(
        name.full,
        name.argument,
        side,
        lambda: where(declared, name.argument),
        lambda base: store.load(request(base, side, where)),
        skip_broken,
    )
    parts = [part.strip() for part in name.argument.split(",") if part.strip()]
    key = "-".join([declared.name, *parts, str(side or "native")]).lower()
    pinned = declared.digest if declared.pinned else ""
    return DatasetSpec(name.full, key, lambda: declared.read(wanted), pinned)


def resized(native: DatasetSpec, side: int) -> DatasetSpec:
    """A prepared set at another resolution. Rows keep their split."""

    def plan() -> DatasetRecipe:
        data = store.load(native)
        count, shape = len(data.train) + len(data.held_out), (data.channels, side, side)

        def rows() -> Iterator[Row]:
            for split, part in ((TRAIN, data.train), (HELD_OUT, data.held_out)):
                yield from resized_rows(part, split, side)

        line = data.preprocessing.removesuffix("uint8") + f"resize {data.resolution} to {side} {RESIZED}; uint8"
        return DatasetRecipe([Table(("images",), rows, count, (shape,))], data.classes, line)

    return DatasetSpec(native.name, f"{native.key}-to-{side}", plan)


def resized_rows(part: Split, split: str, side: int) -> Iterator[Row]:
    """The rows of a split, each channel resized."""
    for i, image in enumerate(part.images):
        label = None if part.labels is None else int(part.labels[i])
        yield Row((resize_array(np.asarray(image), side),), split, label, origin=f"{split} row {i}")

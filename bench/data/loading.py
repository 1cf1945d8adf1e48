"""A data set's name -> the prepared data set."""

from collections.abc import Iterator

import numpy as np

from bench.data import arrays, photos, store
from bench.data.catalogue import describe
from bench.data.dataset import DataSet, Split
from bench.data.find import DataRoot
from bench.data.names import Name, check_resolution, parse
from bench.data.pictures import RESIZED, resize_array
from bench.data.plan import HELD_OUT, TRAIN, Plan, Request, Row, Table
from bench.errors import UserError


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
    return store.load(request(name, resolution, data_root, skip_broken), refresh=refresh)


def request(name: str, resolution: int | None, data_root: DataRoot, skip_broken: bool = False) -> Request:
    """What `load` prepares or opens."""
    parsed = parse(name)
    side = describe(name).resolution if resolution is None else check_resolution(name, resolution)
    if parsed.family == "folder":
        return photos.folder(parsed, side, skip_broken)
    if parsed.argument:
        raise UserError(f"data set {name!r}: {parsed.family} takes no argument.")
    assert side is not None
    if parsed.family == "digits":
        return Request(name, f"digits-{side}", lambda: arrays.digits(side))
    return square_32(parsed, side, data_root)


def square_32(name: Name, side: int, data_root: DataRoot) -> Request:
    """The sets that are kept as 32 x 32: another side is resized from there."""
    if side != 32:
        return resized(square_32(name, 32, data_root), side)
    read = arrays.mnist if name.family in ("mnist", "fashion-mnist") else arrays.cifar
    return Request(name.full, f"{name.family}-32", lambda: read(name.family, data_root))


def resized(native: Request, side: int) -> Request:
    """A prepared set at another resolution. Rows keep their split."""

    def plan() -> Plan:
        data = store.load(native)
        count, shape = len(data.train) + len(data.held_out), (data.channels, side, side)

        def rows() -> Iterator[Row]:
            for split, part in ((TRAIN, data.train), (HELD_OUT, data.held_out)):
                yield from resized_rows(part, split, side)

        line = data.preprocessing.removesuffix("uint8") + f"resize {data.resolution} to {side} {RESIZED}; uint8"
        return Plan([Table(("images",), rows, count, (shape,))], data.classes, line)

    return Request(native.name, native.key.replace(f"-{32}", f"-{side}"), plan)


def resized_rows(part: Split, split: str, side: int) -> Iterator[Row]:
    """The rows of a split, each channel resized."""
    for i, image in enumerate(part.images):
        label = None if part.labels is None else int(part.labels[i])
        yield Row((resize_array(np.asarray(image), side),), split, label, origin=f"{split} row {i}")

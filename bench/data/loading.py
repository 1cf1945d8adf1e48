"""A data set's name -> the prepared data set."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from bench.data.catalogue import describe
from bench.data.dataset import DataSet, Split
from bench.data.folders import image_folder, image_pairs, unpaired
from bench.data.folders.decode import RESIZED, resize_array
from bench.data.imports import imported
from bench.data.names import Name, check_resolution, parse
from bench.data.rows import HELD_OUT, TRAIN, DatasetRecipe, DatasetSpec, Row, Table
from bench.data.standard import arrays, celeba, layouts, stacked
from bench.data.standard.locate import DataRoot
from bench.data.standard.pinned import PINNED
from bench.data.store import store
from bench.errors import UserError

Locate = Callable[[str], Path]  # a layout's name, e.g. "mnist" -> the folder with its files


@dataclass(frozen=True)
class Order:
    """A data set as ordered by the user."""

    name: Name
    resolution: int | None  # None: that of the files
    locate: Locate
    skip_broken: bool

    @property
    def side(self) -> int:
        """The resolution of a set that has one of its own."""
        assert self.resolution is not None
        return self.resolution


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
    wanted = request(name, resolution, partial(layouts.locate, given=data_root), skip_broken)
    return store.load(wanted, refresh=refresh)


def request(name: str, resolution: int | None, locate: Locate, skip_broken: bool = False) -> DatasetSpec:
    """What `load` prepares or opens; the original files of a standard set are where `locate` says."""
    parsed = parse(name)
    default = describe(name).resolution
    side = default if resolution is None else check_resolution(name, resolution)
    order = Order(parsed, side, locate, skip_broken)
    family = FAMILIES.get(parsed.family)
    if family is None:
        assert default is not None
        own = imported.request(name)
        return own if side == default else resized(own, order.side)
    if parsed.argument and parsed.family not in TAKES_ARGUMENT:
        raise UserError(f"data set {name!r}: {parsed.family} takes no argument.")
    return family(order)


def digits(order: Order) -> DatasetSpec:
    """Embedded in scikit-learn."""
    return DatasetSpec("digits", f"digits-{order.side}", lambda: arrays.digits(order.side))


def square_32(order: Order) -> DatasetSpec:
    """The sets that are kept as 32 x 32: another side is resized from there."""
    family = order.name.family
    if order.side != 32:
        return resized(square_32(replace(order, resolution=32)), order.side)
    read = arrays.mnist if family in ("mnist", "fashion-mnist") else arrays.cifar
    return DatasetSpec(family, f"{family}-32", lambda: read(family, order.locate(family)), pinned=family in PINNED)


def stl10(order: Order) -> DatasetSpec:
    """STL-10, or `stl10:labelled`."""
    part = order.name.argument
    if part not in ("", "labelled"):
        raise UserError(f"data set {order.name.full!r}: expected stl10 or stl10:labelled.")
    name = order.name.full
    key = f"stl10-{part}-{order.side}" if part else f"stl10-{order.side}"
    return DatasetSpec(name, key, lambda: arrays.stl10(order.locate(name), order.side, bool(part)))


def faces(order: Order) -> DatasetSpec:
    """CelebA, with attributes as classes where asked."""
    chosen = celeba.parse_attributes(order.name.argument)
    key = "-".join(["celeba", *chosen, str(order.side)]).lower()
    name = order.name.full

    def plan() -> DatasetRecipe:
        folder = order.locate("celeba")
        return celeba.plan(name, chosen, order.side, folder, order.skip_broken)

    return DatasetSpec(name, key, plan)


def stacks(order: Order) -> DatasetSpec:
    """Three digits as channels."""
    family = order.name.family
    base = request(family.removeprefix("stacked-"), order.side, order.locate)
    return DatasetSpec(family, f"{family}-{order.side}", lambda: stacked.plan(family, lambda: store.load(base)))


def facades(order: Order) -> DatasetSpec:
    """At the resolution of its files unless one is asked for: 256 as pix2pix ships it."""

    def plan() -> DatasetRecipe:
        return image_pairs.facades(order.locate("facades"), order.resolution, order.skip_broken)

    return DatasetSpec("facades", f"facades-{order.resolution or 'native'}", plan)


FAMILIES: dict[str, Callable[[Order], DatasetSpec]] = {
    "digits": digits,
    "mnist": square_32,
    "fashion-mnist": square_32,
    "cifar10": square_32,
    "cifar100": square_32,
    "stacked-digits": stacks,
    "stacked-mnist": stacks,
    "stl10": stl10,
    "celeba": faces,
    "facades": facades,
    "folder": lambda order: image_folder.folder(order.name, order.resolution, order.skip_broken),
    "pairs": lambda order: image_pairs.pairs(order.name, order.resolution, order.skip_broken),
    "unpaired": lambda order: unpaired.unpaired(order.name, order.resolution, order.skip_broken),
}
TAKES_ARGUMENT = {"celeba", "stl10", "folder", "pairs", "unpaired"}


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

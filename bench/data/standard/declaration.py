"""A standard set is one declaration: what it is called, what is known about it, where its files lie, how they are read."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.data.dataset import DataSet
from bench.data.folders.decode import RESIZED
from bench.data.rows import DatasetRecipe

DataRoot = str | os.PathLike[str] | None


@dataclass(frozen=True)
class Wanted:
    """A standard set as it was asked for."""

    name: str  # in full, e.g. "celeba:Smiling"
    argument: str  # what follows the colon
    resolution: int | None  # side in pixels; None: that of the files, where a declaration names none
    folder: Callable[[], Path]  # where its files are; raises UserError
    base: Callable[[str], DataSet]  # another set, at the same resolution
    skip_broken: bool

    @property
    def side(self) -> int:
        """The resolution of a set that has one of its own."""
        assert self.resolution is not None
        return self.resolution


@dataclass(frozen=True)
class Files:
    """The files of a standard set."""

    folders: tuple[str, ...]  # below a data root, the usual one first, e.g. ("MNIST/raw",)
    missing: Callable[[Path, str], list[str]]  # (a folder, the argument of the name) -> what it lacks to be the set
    download: Callable[[Path], None] | None = None  # into a root that is thrown away unless all went well


@dataclass(frozen=True)
class StandardSet:
    """All there is to say about a set of the field."""

    name: str
    title: str
    resolution: int | None  # in pixels, when none is asked for; None: that of the files
    channels: int
    classes: tuple[str, ...]  # names; (): unlabelled unless the name says more
    counts: tuple[int, int]  # images to train on, held out
    splits: str  # where the splits come from
    licence: str
    source: str
    read: Callable[[Wanted], DatasetRecipe]
    files: Files | None = None  # None: needs none
    digest: str = ""  # of the content at `resolution`; "": no verified copy was available to take it from
    arguments: bool = False  # whether something may follow the name, e.g. celeba:Smiling
    kept: bool = False  # prepared at `resolution` alone; other sides are resized from there
    padded: tuple[int, int] | None = None  # (28, 32): from side, to side, with zeros
    packed: bool = False  # whether it may be imported from arrays, images or shards, and not from its own files alone
    shown: bool = False  # whether its images may stand in a report: never faces

    @property
    def pinned(self) -> bool:
        """Whether its content is known row by row, and refused where it differs."""
        return bool(self.digest) and self.files is not None


def needs(names: Sequence[str]) -> Callable[[Path, str], list[str]]:
    """Asks a folder which of these files it lacks; .gz counts as there."""
    return lambda folder, _: [
        name for name in names if not (folder / name).is_file() and not (folder / f"{name}.gz").is_file()
    ]


def resizing(native: int, side: int) -> str:
    """What the preprocessing line says about a change of size."""
    return "" if native == side else f"resize {native} to {side} {RESIZED}; "

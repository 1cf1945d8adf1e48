"""What a reader of data hands to the store: tables of rows, read one by one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

TRAIN, HELD_OUT = "train", "held_out"


@dataclass(frozen=True)
class Row:
    """One row of a table: a picture, or a picture and its source."""

    images: tuple[np.ndarray, ...]  # each (C, H, W) uint8; one per column of the table
    split: str | None  # TRAIN or HELD_OUT; None: by `rank`
    label: int | None = None
    rank: float = 1.0  # digests.held_out_rank of the picture before resizing
    origin: str = ""  # where it came from, for messages


@dataclass(frozen=True)
class Table:
    """Rows that belong together."""

    columns: tuple[str, ...]  # of "images" and "source"
    rows: Callable[[], Iterator[Row]]
    count: int  # how many rows are expected, for the progress bar and the space on the disk
    shapes: tuple[tuple[int, int, int], ...]  # (C, H, W) of each column


@dataclass(frozen=True)
class DatasetRecipe:
    """How to make a data set."""

    tables: Sequence[Table]  # one; two when the source pictures are unpaired
    classes: tuple[str, ...]
    preprocessing: str
    held_out_fraction: float = 0.1  # of rows whose split is None
    skipped: list[str] = field(default_factory=list)  # files left out with their reasons, filled while rows are read
    notes: list[str] = field(default_factory=list)  # remarks worth showing to the user
    layout: tuple[str, ...] = ()  # how the files were understood, e.g. "classes: 2: cat, dog"
    expected: str = ""  # the trees that a folder of this kind may be


@dataclass(frozen=True)
class DatasetSpec:
    """A data set as asked for: what it is called, where its prepared form is kept, how to make it."""

    name: str
    key: str  # folder name in the store; changes with whatever changes the content
    plan: Callable[[], DatasetRecipe]
    pinned: str = ""  # the digest that its content must have (standard/pinned.py); "": it may be anything

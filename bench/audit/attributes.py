"""What is balanced: the classes of a data set, attributes from a table, and two of them together."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from bench.errors import UserError

FEWEST = 30  # real images of a cell; smaller ones are merged
REST = "rest"
CLASSES = "class"


@dataclass(frozen=True, eq=False)
class Attribute:
    """A property with K >= 2 values, known of every real image."""

    name: str
    values: tuple[str, ...]
    places: np.ndarray  # (N,) int64: the value of each real image
    notes: tuple[str, ...] = ()  # what was merged


def read_attributes(path: Path, images: int) -> list[Attribute]:
    """The columns of a CSV file with a header and a row for each real image, in their order.

    Raises UserError for another number of rows, an empty cell, a column of one value, or a file that is no such table.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            header, *rows = list(csv.reader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise UserError(f"{path}: no table of attributes ({error}). Expected CSV with a header.") from error
    if len(rows) != images:
        raise UserError(f"{path}: {len(rows)} rows for {images} real images. Expected a row for each, in their order.")
    for line, row in enumerate(rows, 2):
        if len(row) != len(header) or not all(cell.strip() for cell in row):
            raise UserError(f"{path}, line {line}: expected {len(header)} values, none of them empty.")
    return [_column(path, name, [row[place].strip() for row in rows]) for place, name in enumerate(header)]


def of_classes(labels: np.ndarray, names: Sequence[str]) -> Attribute:
    """The classes of labelled images (N,); bare numbers are their own names."""
    known = tuple(names) or tuple(str(k) for k in range(int(labels.max(initial=-1)) + 1))
    if labels.max(initial=-1) >= len(known) or labels.min(initial=0) < 0:
        raise UserError(f"labels from {labels.min()} to {labels.max()} for {len(known)} classes. Expected 0 to K - 1.")
    return Attribute(CLASSES, known, labels.astype(np.int64))


def merged(attribute: Attribute) -> Attribute:
    """The attribute with values of fewer than 30 real images in one value, which is said."""
    counts = np.bincount(attribute.places, minlength=len(attribute.values))
    small = counts < FEWEST
    if not small.any():
        return attribute
    kept = np.flatnonzero(~small)
    table = np.full(len(counts), len(kept))
    table[kept] = np.arange(len(kept))
    names = [attribute.values[k] for k in np.flatnonzero(small)]
    note = f"{attribute.name}: {', '.join(names)} merged into {REST!r}: fewer than {FEWEST} real images each"
    rest = (REST,) if counts[small].sum() else ()
    values = (*(attribute.values[k] for k in kept), *rest)
    return Attribute(attribute.name, values, table[attribute.places], (*attribute.notes, note))


def crossed(attributes: Sequence[Attribute]) -> list[Attribute]:
    """Every two of the attributes as one, whose values are the cells."""
    return [
        Attribute(
            f"{a.name} x {b.name}",
            tuple(f"{one}, {other}" for one in a.values for other in b.values),
            a.places * len(b.values) + b.places,
        )
        for a, b in combinations(attributes, 2)
    ]


def _column(path: Path, name: str, cells: list[str]) -> Attribute:
    values, places = np.unique(cells, return_inverse=True)
    if len(values) < 2:
        raise UserError(f"{path}: column {name!r} has one value, {cells[0]!r}. Expected two or more; leave it out.")
    return Attribute(name, tuple(map(str, values)), places.astype(np.int64))

"""Rows -> the files of a prepared set, in constant memory: pictures as they come, then sorted by digest."""

import os
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from bench.data.digests import image_digest, row_digest, set_digest
from bench.data.progress_bar import track
from bench.data.rows import HELD_OUT, TRAIN, DatasetRecipe, Row, Table
from bench.errors import UserError

CHUNK_BYTES = 16 << 20  # what is held in memory while sorting


class TableWriter:
    """Takes the rows of one table, then writes its splits in canonical order."""

    def __init__(self, folder: Path, table: Table):
        self.folder, self.table = folder, table
        self.digests: list[bytes] = []
        self.pictures: list[bytes] = []  # digests of the first column alone, to count duplicates
        self.labels: list[int | None] = []
        self.splits: list[str | None] = []
        self.ranks: list[float] = []

    def read(self, text: str) -> None:
        """Write all rows as they come."""
        with ExitStack() as stack:
            files = [stack.enter_context(self._raw(column).open("wb")) for column in self.table.columns]
            for row in track(self.table.rows(), self.table.count, text):
                for file, image, shape in zip(files, row.images, self.table.shapes, strict=True):
                    if image.shape != shape or image.dtype != np.uint8:
                        raise ValueError(f"{row.origin}: {image.dtype} {image.shape}, expected uint8 {shape}")
                    file.write(np.ascontiguousarray(image).data)
                self._note(row)

    def _note(self, row: Row) -> None:
        digests = [image_digest(image) for image in row.images]
        self.digests.append(row_digest(digests, row.label))
        self.pictures.append(digests[0])
        self.labels.append(row.label)
        self.splits.append(row.split)
        self.ranks.append(row.rank)

    def _raw(self, column: str) -> Path:
        return self.folder / f"{column}.raw"

    def assign(self, fraction: float) -> dict[str, np.ndarray]:
        """The rows of each split, in canonical order. Rows without a split of their own are assigned by rank."""
        in_split = {split: [i for i, own in enumerate(self.splits) if own == split] for split in (TRAIN, HELD_OUT)}
        free = [i for i, own in enumerate(self.splits) if own is None]
        low = {i for i in free if self.ranks[i] < fraction}
        if free and not low:  # a small set: hold out the lowest rank all the same
            low = _at_rank(free, self.ranks, min)
        if free and len(low) == len(free):
            low -= _at_rank(free, self.ranks, max)
        in_split[HELD_OUT] += sorted(low)
        in_split[TRAIN] += [i for i in free if i not in low]
        return {split: np.array(sorted(rows, key=self.digests.__getitem__)) for split, rows in in_split.items()}

    def write(self, splits: dict[str, np.ndarray]) -> None:
        """Write the files of every split and remove the unsorted ones."""
        name = self.table.columns[0]
        for column, shape in zip(self.table.columns, self.table.shapes, strict=True):
            raw = np.memmap(self._raw(column), np.uint8, mode="r", shape=(len(self.digests), *shape))
            for split, rows in splits.items():
                write_rows(self.folder / f"{split}.{column}.npy", raw, rows)
            del raw
            self._raw(column).unlink()
        for split, rows in splits.items():
            digests = np.frombuffer(b"".join(self.digests[i] for i in rows), np.uint8).reshape(-1, 32)
            write_array(self.folder / f"{split}.{name}.digests.npy", digests)
            if self.labels and self.labels[0] is not None:
                labels = np.array([self.labels[i] for i in rows], dtype=np.int64)
                write_array(self.folder / f"{split}.labels.npy", labels)


def _at_rank(rows: list[int], ranks: list[float], end: Any) -> set[int]:
    """All rows at the lowest (min) or highest (max) rank: copies of a picture stay together."""
    value = end(ranks[i] for i in rows)
    return {i for i in rows if ranks[i] == value}


def write(plan: DatasetRecipe, folder: Path, name: str) -> dict[str, Any]:
    """Write the files of a set into `folder`; returns its manifest."""
    writers, counts, digests = [], {}, {}
    for table in plan.tables:
        writer = TableWriter(folder, table)
        writer.read(f"preparing {name}")
        splits = writer.assign(plan.held_out_fraction)
        for split, rows in splits.items():
            if not len(rows):
                raise UserError(
                    f"data set {name}: no image left for the {split.replace('_', '-')} split. {_need(plan)}"
                )
            counts[f"{split}/{table.columns[0]}"] = len(rows)
            digests[f"{split}/{table.columns[0]}"] = [writer.digests[i] for i in rows]
        writer.write(splits)
        writers.append(writer)
    return {
        "name": name,
        "digest": set_digest(digests),
        "preprocessing": plan.preprocessing,
        "classes": list(plan.classes),
        "paired": len(plan.tables) == 1,
        "counts": counts,
        "shapes": {
            column: shape for table in plan.tables for column, shape in zip(table.columns, table.shapes, strict=True)
        },
        "class_counts": class_counts(writers[0], plan.classes),
        "duplicates": duplicates(writers[0].pictures),
        "skipped": plan.skipped,
        "notes": plan.notes,
        "files": {path.name: path.stat().st_size for path in sorted(folder.iterdir())},
    }


def _need(plan: DatasetRecipe) -> str:
    skipped = f" ({len(plan.skipped)} files were skipped.)" if plan.skipped else ""
    return f"At least two different images are needed, one to train on and one to hold out.{skipped}"


def class_counts(writer: TableWriter, classes: tuple[str, ...]) -> list[int]:
    """How many images each class has, both splits together."""
    found = Counter(writer.labels)
    return [found[label] for label in range(len(classes))]


def duplicates(pictures: Sequence[bytes]) -> int:
    """How many pictures are exact copies (pixel by pixel, after preprocessing) of another one."""
    return len(pictures) - len(set(pictures))


def write_rows(path: Path, table: np.ndarray, rows: np.ndarray) -> None:
    """Write table[rows] as .npy, a chunk at a time."""
    step = max(1, CHUNK_BYTES // table[0].nbytes)
    with path.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (len(rows), *table.shape[1:])}
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, len(rows), step):
            file.write(np.ascontiguousarray(table[rows[start : start + step]]).data)
        file.flush()
        os.fsync(file.fileno())


def write_array(path: Path, array: np.ndarray) -> None:
    """Write a small array as .npy, durably."""
    with path.open("wb") as file:
        np.save(file, array, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())

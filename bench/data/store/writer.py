"""Rows -> the files of a prepared set, in constant memory: pictures as they come, then sorted by digest."""

import os
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from bench.data.digests import image_digest, row_digest, set_digest
from bench.data.limits import readable
from bench.data.progress_bar import track
from bench.data.rows import HELD_OUT, TRAIN, DatasetRecipe, Row, Table
from bench.errors import UserError

CHUNK_BYTES = 16 << 20  # what is held in memory while sorting
SHOWN = 5  # classes named in a remark
LEAST = 2  # different images on each side where a set is split by content: one has no spread that could be measured


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
        low = _lowest(free, self.ranks, fraction)
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


def _lowest(rows: list[int], ranks: list[float], fraction: float) -> set[int]:
    """Rows to hold out: those below `fraction`, in a small set the lowest so that both sides have at least `LEAST`.

    Copies of an image have one rank and stay together. Too few rows: all on the training side.
    """
    values = sorted(set(ranks[i] for i in rows))
    if len(values) < 2 * LEAST:
        return set()
    count = sum(value < fraction for value in values)
    count = min(max(count, LEAST), len(values) - LEAST)
    return {i for i in rows if ranks[i] < values[count]}


def write(plan: DatasetRecipe, folder: Path, name: str) -> dict[str, Any]:
    """Write the files of a set into `folder`; returns its manifest."""
    writers, counts, digests, placed = [], {}, {}, []
    for table in plan.tables:
        writer = TableWriter(folder, table)
        writer.read(f"preparing {readable(name)}")
        splits = writer.assign(plan.held_out_fraction)
        for split, rows in splits.items():
            if not len(rows):
                raise UserError(f"data set {readable(name)}: {_need(plan, writer)}")
            counts[f"{split}/{table.columns[0]}"] = len(rows)
            digests[f"{split}/{table.columns[0]}"] = [writer.digests[i] for i in rows]
        writer.write(splits)
        writers.append(writer)
        placed.append(splits)
    shared = in_both(writers[0], placed[0])
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
        "in_both_splits": shared,
        "skipped": plan.skipped,
        "notes": [*plan.notes, *remarks(writers[0], placed[0], plan.classes, shared)],
        "layout": list(plan.layout),
        "files": {path.name: path.stat().st_size for path in sorted(folder.iterdir())},
    }


def _need(plan: DatasetRecipe, writer: TableWriter) -> str:
    skipped = f" ({len(plan.skipped)} files were skipped.)" if plan.skipped else ""
    different, given = len(set(writer.pictures)), any(split is not None for split in writer.splits)
    if given:
        return f"one of the two splits holds no image that can be used.{skipped}"
    return (
        f"{different} different images. At least {2 * LEAST} different images are needed: {LEAST} to train on and "
        f"{LEAST} to hold out.{skipped}"
    )


def in_both(writer: TableWriter, splits: dict[str, np.ndarray]) -> int:
    """How many held-out images are also in the training split, pixel by pixel after preprocessing."""
    train = {writer.pictures[i] for i in splits[TRAIN]}
    return sum(writer.pictures[i] in train for i in splits[HELD_OUT])


def remarks(writer: TableWriter, splits: dict[str, np.ndarray], classes: Sequence[str], shared: int) -> list[str]:
    """What a user should know about the splits."""
    held_out, notes = len(splits[HELD_OUT]), []
    if shared:
        notes.append(
            f"{shared:,} of {held_out:,} held-out images are also in the training split: "
            "scores against held-out images are too good, and copies are harder to tell"
        )
    for split, words in ((TRAIN, "trained on"), (HELD_OUT, "held out")):
        if len(splits[split]) < LEAST:
            notes.append(f"a single image is {words}: metrics that need two or more cannot be measured there")
        there = {writer.labels[i] for i in splits[split]}
        absent = [name for label, name in enumerate(classes) if label not in there]
        if absent:
            shown = ", ".join(absent[:SHOWN]) + (f" and {len(absent) - SHOWN:,} more" if len(absent) > SHOWN else "")
            notes.append(f"no image is {words} of class {shown}" + (": no model learns it" if split == TRAIN else ""))
    return notes


def class_counts(writer: TableWriter, classes: tuple[str, ...]) -> list[int]:
    """How many images each class has, both splits together."""
    per_label = Counter(writer.labels)
    return [per_label[label] for label in range(len(classes))]


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

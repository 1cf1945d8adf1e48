"""Folders of pictures: which files, which splits, which classes, and whether they can be read."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bench.data.folders.decode import BrokenPictureError, Header, read_header
from bench.data.rows import HELD_OUT, TRAIN
from bench.errors import UserError

A = TypeVar("A")
B = TypeVar("B")
IGNORED = {"thumbs.db", "desktop.ini"}  # what file managers leave behind; names with a leading dot are ignored too
TRAIN_NAMES = ("train", "training")
HELD_OUT_NAMES = ("test", "testing", "held_out", "held-out", "val", "valid", "validation")  # the first that is there
AHEAD = 64  # files that are read together
SHOWN = 5  # broken files named in a message


@dataclass(frozen=True)
class Found:
    """A file of a folder."""

    path: Path
    parts: tuple[str, ...]  # below the folder
    size: int
    changed: int  # ns

    @property
    def name(self) -> str:
        """The path below the folder, with forward slashes."""
        return "/".join(self.parts)


def list_files(folder: Path, what: str) -> list[Found]:
    """All files below `folder`, links followed, in a fixed order. Raises UserError for what is no folder, or empty."""
    if not folder.is_dir():
        hint = "it is a file" if folder.exists() else "there is no such folder"
        raise UserError(f"{what}: {folder}: {hint}. Expected a folder of images.")
    found = sorted(_walk(folder, (), {folder.resolve()}), key=lambda file: file.parts)
    if not found:
        raise UserError(f"{what}: {folder} holds no files. Expected images (PNG, JPEG, WebP, ...), nested or not.")
    return found


def _walk(folder: Path, parts: tuple[str, ...], seen: set[Path]) -> Iterator[Found]:
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        raise UserError(f"{folder}: {error.strerror}. Expected a folder that may be read.") from error
    for entry in entries:
        if entry.name.startswith(".") or entry.name.lower() in IGNORED or entry.name == "__MACOSX":
            continue
        path = Path(entry.path)
        if entry.is_dir():
            if path.resolve() not in seen:  # a link may lead back up
                seen.add(path.resolve())
                yield from _walk(path, (*parts, entry.name), seen)
            continue
        try:
            stat = entry.stat()
            yield Found(path, (*parts, entry.name), stat.st_size, stat.st_mtime_ns)
        except OSError:  # a link to nothing: named when it is read
            yield Found(path, (*parts, entry.name), 0, 0)


def fingerprint(files: Sequence[Found], *more: object) -> str:
    """Twelve letters that change when a file is added, removed, renamed or written, or `more` changes."""
    whole = hashlib.sha256(repr(more).encode())
    for file in files:
        whole.update(f"{file.name}\0{file.size}\0{file.changed}\n".encode("utf-8", "surrogateescape"))
    return whole.hexdigest()[:12]


def split_folders(files: Sequence[Found]) -> dict[str, str]:
    """Which top-level subfolder is which split, e.g. {"train": "train", "test": "held_out"}; empty if there are none.

    Recognised when every file is below a subfolder with the name of a split, one of them for training. `test` is held
    out before `val`; a third split is left unused.
    """
    tops = {file.parts[0] for file in files if len(file.parts) > 1}
    flat = any(len(file.parts) == 1 for file in files)
    train = [top for top in tops if top.lower() in TRAIN_NAMES]
    others = [top for top in tops if top.lower() in HELD_OUT_NAMES]
    if flat or len(train) != 1 or not others or len(train) + len(others) != len(tops):
        return {}
    held_out = min(others, key=lambda top: HELD_OUT_NAMES.index(top.lower()))
    return {train[0]: TRAIN, held_out: HELD_OUT}


def classes_of(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Class names, sorted: the first-level subfolders, when there are at least two and no file lies beside them."""
    names = {parts[0] for parts in paths if len(parts) > 1}
    flat = any(len(parts) == 1 for parts in paths)
    return () if flat or len(names) < 2 else tuple(sorted(names))


def in_order(function: Callable[[A], B], items: Sequence[A]) -> Iterator[B]:
    """function(item) for each item, in order, several at once, few in memory. Exceptions are raised in their turn."""
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1), thread_name_prefix="bench-read") as pool:
        for start in range(0, len(items), AHEAD):
            yield from pool.map(function, items[start : start + AHEAD])


def read_headers(files: Sequence[Found]) -> list[Header | BrokenPictureError]:
    """The header of each file, or why it has none."""

    def header(file: Found) -> Header | BrokenPictureError:
        try:
            return read_header(file.path)
        except BrokenPictureError as broken:
            return broken

    return list(in_order(header, files))


def refuse_broken(what: str, folder: Path, total: int, broken: Sequence[str]) -> None:
    """Raise for broken files ("name: reason"), naming the first few and counting all."""
    if not broken:
        return
    shown = "; ".join(broken[:SHOWN]) + ("; ..." if len(broken) > SHOWN else "")
    count = f"{len(broken):,} of {total:,} files cannot be used"
    raise UserError(
        f"{what}: {folder}: {count}: {shown}. "
        "Expected still images only. Remove or repair them, or skip and record them with --skip-broken "
        "(for a suite: `bench data prepare` with it first)."
    )

"""Prepared data sets: one folder each under the cache, written once, whole or not at all, read as memory maps.

    <home>/data/<key>/manifest.json         name, digest, preprocessing, classes, counts, duplicates, skipped, notes
    <home>/data/<key>/<split>.images.npy    (N, C, H, W) uint8, sorted by row digest
    <home>/data/<key>/<split>.source.npy    (M, C', H, W) uint8, image-to-image sets only
    <home>/data/<key>/<split>.labels.npy    (N,) int64, labelled sets only
    <home>/data/<key>/<split>.<table>.digests.npy    (N, 32) uint8, to find a damaged row

While a set is being prepared it lives in `<key>.partial` under a lock; the folder gets its name when it is complete.
Writing goes through ordinary writes, never through a memory map: a full disk is an error, not a crash.
"""

import errno
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bench.data.dataset import DataSet, Split
from bench.data.limits import readable
from bench.data.rows import HELD_OUT, TRAIN, DatasetRecipe, DatasetSpec
from bench.errors import UserError
from bench.paths import home

FORMAT = 1  # of the folder above; another format is prepared anew
NEEDED = {f"{split}.images.npy" for split in (TRAIN, HELD_OUT)}
SPARE_BYTES = 64 << 20  # what a preparation leaves free on the disk
NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NO_WRITE = {errno.EROFS, errno.EACCES, errno.EPERM}


def folder() -> Path:
    """Where prepared sets live."""
    return home() / "data"


def load(request: DatasetSpec, *, refresh: bool = False) -> DataSet:
    """Open the prepared set, preparing it first where that has not been done (or `refresh` asks for it anew)."""
    target = folder() / request.key
    if not refresh and is_complete(target):
        return open_set(target, request.name)
    with disk_errors(target), locked(target):
        recover(target)
        if refresh or not is_complete(target):  # another process may have prepared it meanwhile
            prepare(request, target)
    return open_set(target, request.name)


def recover(target: Path) -> None:
    """Take back what a process that was killed in the middle of replacing it had put aside."""
    old = target.with_name(f"{target.name}.old")
    if not target.exists() and is_complete(old):
        old.replace(target)


def prepare(request: DatasetSpec, target: Path) -> None:
    """Write the set beside its place, then move it there."""
    from bench.data.store.writer import write

    partial = target.with_name(f"{target.name}.partial")
    for left in (partial, target.with_name(f"{target.name}.old")):  # of a preparation that was killed
        shutil.rmtree(left, ignore_errors=True)
    plan = request.plan()
    announce(request.name, plan)
    require_space(target, plan)
    try:
        partial.mkdir(parents=True)
        manifest = write(plan, partial, request.name)
        if request.pinned:
            require_published(request, plan, manifest["digest"])
        write_json(partial / "manifest.json", {"format": FORMAT, **manifest})
        if plan.layout:
            say(f"  note: {note}" for note in manifest["notes"])
        replace_folder(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def announce(name: str, plan: DatasetRecipe) -> None:
    """Say on standard error how the files were understood, before anything is prepared."""
    if plan.layout:
        say([f"{readable(name)} is read as:", *(f"  {line}" for line in plan.layout)])
        say(f"  {line}" for line in plan.expected.splitlines())


def say(lines: Iterable[str]) -> None:
    """Lines for people, which never mix with what a program reads."""
    for line in lines:
        print(line, file=sys.stderr)


def require_published(request: DatasetSpec, plan: DatasetRecipe, digest: str) -> None:
    """Refuse a pinned set whose content differs from what was published, naming what is strange."""
    from bench.data.standard.pinned import plan_problems

    if digest != request.pinned:
        problem = "; ".join(plan_problems(request.name, request.pinned, plan))
        raise UserError(f"data set {problem}. The files are damaged or altered: remove them and get them again.")


def replace_folder(source: Path, target: Path) -> None:
    """Move `source` to `target`; whoever has the old one mapped keeps reading it."""
    if target.exists():
        old = target.with_name(f"{target.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        target.replace(old)
        source.replace(target)
        shutil.rmtree(old, ignore_errors=True)
    else:
        source.replace(target)


def is_complete(target: Path) -> bool:
    """Whether a whole set of this format lies in `target`."""
    manifest = read_manifest(target)
    if manifest is None or manifest.get("format") != FORMAT or not set(manifest["files"]) >= NEEDED:
        return False
    return all(
        (target / name).is_file() and (target / name).stat().st_size == size for name, size in manifest["files"].items()
    )


def read_manifest(target: Path) -> dict[str, Any] | None:
    """What is known about the set in `target`; None where there is none that can be read."""
    try:
        manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) and isinstance(manifest.get("files"), dict) else None


def open_set(target: Path, name: str) -> DataSet:
    """Map the prepared set in `target`; nothing is read but the manifest and the labels."""
    manifest = read_manifest(target)
    if manifest is None:
        raise UserError(f"data set {name}: {target} holds no prepared set. Run: bench data prepare {name}")
    return DataSet(
        name=name,
        train=_open_split(target, TRAIN, manifest),
        held_out=_open_split(target, HELD_OUT, manifest),
        classes=tuple(manifest["classes"]),
        digest=manifest["digest"],
        preprocessing=manifest["preprocessing"],
        layout=tuple(manifest.get("layout", ())),
        notes=tuple(manifest.get("notes", ())),
    )


def _open_split(target: Path, split: str, manifest: dict[str, Any]) -> Split:
    def read(part: str, mode: Any) -> np.ndarray | None:
        name = f"{split}.{part}.npy"
        return np.load(target / name, mmap_mode=mode, allow_pickle=False) if name in manifest["files"] else None

    images = read("images", "r")
    assert images is not None
    return Split(images, read("labels", None), read("source", "r"), paired=manifest["paired"])


@contextmanager
def locked(target: Path) -> Iterator[None]:
    """Hold the lock of `target`: two processes never prepare the same set at once."""
    from filelock import FileLock

    locks = target.parent / ".locks"
    locks.mkdir(parents=True, exist_ok=True)
    with FileLock(locks / f"{target.name}.lock"):
        yield


def require_space(target: Path, plan: DatasetRecipe) -> None:
    """Refuse to begin what cannot be finished: sorting needs the set twice."""
    needed = 2 * sum(table.count * sum(int(np.prod(shape)) for shape in table.shapes) for table in plan.tables)
    free = shutil.disk_usage(target.parent).free
    if needed + SPARE_BYTES > free:
        raise no_space(target, f"preparing needs {needed / 1e6:,.0f} MB, {free / 1e6:,.0f} MB are free")


def no_space(target: Path, detail: str) -> UserError:
    """The error for a full disk."""
    return UserError(
        f"no space left for prepared data in {target.parent}: {detail}. Nothing was kept. "
        "Make room, or set BENCH_HOME to a folder on a larger disk."
    )


@contextmanager
def disk_errors(target: Path) -> Iterator[None]:
    """Turn a full or read-only disk into a message."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_SPACE:
            raise no_space(target, str(error.strerror)) from error
        if error.filename is not None and not Path(str(error.filename)).is_relative_to(home()):
            raise UserError(
                f"{readable(error.filename)}: {error.strerror}. Expected a file that may be read."
            ) from error
        if error.errno in NO_WRITE:
            raise UserError(
                f"cannot write prepared data to {target.parent}: {error.strerror}. "
                "Set BENCH_HOME to a folder that you may write to."
            ) from error
        raise


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write durably: the manifest is what makes a set complete."""
    with path.open("w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)  # escapes keep file names that are not UTF-8
        file.flush()
        os.fsync(file.fileno())

"""Is a set what it should be? By content: every row's digest, whatever the packaging."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.data.digests import image_digest, row_digest, set_digest
from bench.data.loading import located, request
from bench.data.names import parse
from bench.data.rows import HELD_OUT, TRAIN, DatasetSpec
from bench.data.standard.declaration import DataRoot
from bench.data.standard.locate import present
from bench.data.standard.pinned import SHOWN, plan_problems
from bench.data.standard.table import SETS
from bench.data.store import store
from bench.errors import UserError


@dataclass(frozen=True)
class Verification:
    """What `bench data verify` found."""

    name: str
    checked: tuple[str, ...]  # what was read: "original files in PATH", "prepared set in PATH"
    against: str  # "the published content", "the digests taken when it was prepared"
    problems: tuple[str, ...]  # empty: all is well
    digest: str | None  # of the prepared set

    @property
    def ok(self) -> bool:
        """Whether every row is as it should be."""
        return not self.problems


def verify(name: str, *, resolution: int | None = None, data_root: DataRoot = None) -> Verification:
    """Read every row of the original files (where they are available) and of the prepared set, and compare digests.

    A pinned set is compared with what was published; another one with what it was when it was prepared. A set that is
    neither prepared nor pinned is prepared first. Raises UserError where there is nothing to read.
    """
    wanted = request(name, resolution, located(data_root))
    folder = store.folder() / wanted.key
    original = original_files(name, data_root)
    checked: list[str] = []
    problems: list[str] = []
    if wanted.pinned and original is not None:
        checked.append(f"original files in {original}")
        problems += original_problems(wanted, original)
    if not problems and not (wanted.pinned and checked):
        store.load(wanted)
    if store.is_complete(folder):
        checked.append(f"prepared set in {folder}")
        problems += prepared_problems(folder, wanted.pinned)
    manifest = store.read_manifest(folder) or {}
    against = "the published content" if wanted.pinned else "the digests taken when it was prepared"
    return Verification(name, tuple(checked), against, tuple(problems), manifest.get("digest"))


def original_files(name: str, data_root: DataRoot) -> Path | None:
    """The folder with the original files of a standard set, without downloading."""
    parsed = parse(name)
    declared = SETS.get(parsed.family)
    return None if declared is None or declared.files is None else present(declared.files, parsed.argument, data_root)


def original_problems(wanted: DatasetSpec, folder: Path) -> list[str]:
    """What is wrong with the original files, naming the images."""
    located = request(wanted.name, None, lambda *_: folder)
    try:
        return plan_problems(wanted.name, wanted.pinned, located.plan())
    except UserError as error:
        return [str(error)]


def prepared_problems(folder: Path, expected: str) -> list[str]:
    """What is wrong with a prepared set: rows that changed since it was written."""
    manifest = store.read_manifest(folder) or {}
    parts: dict[str, list[bytes]] = {}
    problems = []
    for table in ("images",) if manifest["paired"] else ("images", "source"):
        for split in (TRAIN, HELD_OUT):
            noted = np.load(folder / f"{split}.{table}.digests.npy", allow_pickle=False)
            measured = prepared_digests(folder, split, table, manifest)
            parts[f"{split}/{table}"] = measured
            bad = [i for i, digest in enumerate(measured) if digest != noted[i].tobytes()]
            problems += [
                f"{folder}/{split}.{table}.npy: row {i} has changed since it was prepared" for i in bad[:SHOWN]
            ]
            if len(bad) > SHOWN:
                problems.append(f"{folder}/{split}.{table}.npy: {len(bad) - SHOWN:,} more rows have changed")
    digest = set_digest(parts)
    if not problems and digest != manifest["digest"]:
        problems.append(f"{folder}/manifest.json: digest {manifest['digest'][:12]}, the content has {digest[:12]}")
    if not problems and expected and digest != expected:
        problems.append(f"{folder}: digest {digest[:12]}, the published set has {expected[:12]}")
    return [f"{problem}. Prepare it again: bench data prepare --refresh {manifest['name']}" for problem in problems]


def prepared_digests(folder: Path, split: str, table: str, manifest: dict) -> list[bytes]:
    """The digest of each row as it lies on the disk."""
    columns = ["images", "source"] if table == "images" and manifest["paired"] else [table]
    names = [f"{split}.{column}.npy" for column in columns]
    arrays = [np.load(folder / name, mmap_mode="r", allow_pickle=False) for name in names if name in manifest["files"]]
    label_file = f"{split}.labels.npy"
    labels = (
        np.load(folder / label_file, allow_pickle=False)
        if table == "images" and label_file in manifest["files"]
        else None
    )
    return [
        row_digest([image_digest(array[i]) for array in arrays], None if labels is None else int(labels[i]))
        for i in range(len(arrays[0]))
    ]

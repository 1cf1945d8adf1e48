"""Where the files of a standard set are: the data root, the downloads, else a download through torchvision."""

import gzip
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from bench.data.store.store import disk_errors, locked, replace_folder
from bench.errors import UserError
from bench.paths import data_root, home

DataRoot = str | os.PathLike[str] | None
Missing = Callable[[Path], list[str]]  # a folder -> what it lacks to be the set


@dataclass(frozen=True)
class Layout:
    """How a standard set lies below a root."""

    folder: str  # e.g. "MNIST/raw"
    missing: Missing
    download: Callable[[Path], None] | None  # into a root that is thrown away unless all went well


def downloads() -> Path:
    """A torchvision-style root of our own, for what was downloaded."""
    return home() / "downloads"


def roots(given: DataRoot) -> list[Path]:
    """Where to look, in this order."""
    named = data_root(given)
    return [downloads()] if named is None else [named, downloads()]


def files(names: Sequence[str]) -> Missing:
    """Asks a folder which of these files it lacks; .gz counts as there."""
    return lambda folder: [
        name for name in names if not (folder / name).is_file() and not (folder / f"{name}.gz").is_file()
    ]


def find(name: str, layout: Layout, given: DataRoot) -> Path:
    """The folder that lacks nothing: `<root>/<layout.folder>`, downloaded where no root has it.

    Raises UserError, naming the first missing file and the places that were searched.
    """
    places = [root / layout.folder for root in roots(given)]
    for place in places:
        if not layout.missing(place):
            return place
    problem = "there is no automatic download for this set"
    if layout.download is not None:
        problem = fetch(layout)
        if not problem:
            return downloads() / layout.folder
    absent = layout.missing(places[0])
    more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
    raise UserError(
        f"data set {name}: {absent[0]}{more} not found. Looked in: {', '.join(map(str, places))}; {problem}. "
        f"Name a torchvision-style root with --data-root PATH or BENCH_DATA, or bring the files and run: "
        f"bench data import {name} PATH"
    )


def fetch(layout: Layout) -> str:
    """Download into a folder that gets its name when it is whole; returns what went wrong ("" if nothing)."""
    assert layout.download is not None
    target = downloads() / layout.folder
    first = downloads() / Path(layout.folder).parts[0]
    partial = first.with_name(f"{first.name}.partial")
    with disk_errors(target), locked(first):
        if not layout.missing(target):  # another process was faster
            return ""
        shutil.rmtree(partial, ignore_errors=True)  # of a download that was killed
        partial.mkdir(parents=True)
        try:
            with redirect_stdout(sys.stderr):
                layout.download(partial)
            absent = layout.missing(partial / layout.folder)
            if absent:
                return f"the download came without {absent[0]}"
            target.parent.mkdir(parents=True, exist_ok=True)
            replace_folder(partial / layout.folder, target)
        except (OSError, RuntimeError, ValueError, EOFError) as error:
            return f"the download failed ({_first_line(error)})"
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return ""


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(":") if lines else type(error).__name__


def read_bytes(folder: Path, name: str) -> bytes:
    """The content of a file, unpacked where it is stored as .gz."""
    plain = folder / name
    if plain.is_file():
        return plain.read_bytes()
    with gzip.open(folder / f"{name}.gz") as file:
        return file.read()

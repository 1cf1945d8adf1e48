"""Where the files of a standard set are: the data root, the downloads, else a download through torchvision."""

import gzip
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path

from bench.data.store import disk_errors, locked, replace_folder
from bench.errors import UserError
from bench.home import data_root, home

DataRoot = str | os.PathLike[str] | None


def downloads() -> Path:
    """A torchvision-style root of our own, for what was downloaded."""
    return home() / "downloads"


def roots(given: DataRoot) -> list[Path]:
    """Where to look, in this order."""
    named = data_root(given)
    return [downloads()] if named is None else [named, downloads()]


def missing(folder: Path, files: Sequence[str]) -> list[str]:
    """Which of `files` are not in `folder`, packed (.gz) or not."""
    return [name for name in files if not (folder / name).is_file() and not (folder / f"{name}.gz").is_file()]


def find(
    name: str, folder: str, files: Sequence[str], given: DataRoot, download: Callable[[Path], None] | None = None
) -> Path:
    """The folder that has all `files`: `<root>/<folder>`, downloaded where no root has it.

    `download` is handed a root that is thrown away unless it succeeds. Raises UserError, naming the first missing file
    and the places that were searched.
    """
    for root in roots(given):
        if not missing(root / folder, files):
            return root / folder
    problem = "there is no automatic download for this set"
    if download is not None:
        problem = fetch(folder, files, download)
        if not missing(downloads() / folder, files):
            return downloads() / folder
    places = [root / folder for root in roots(given)]
    absent = missing(places[0], files)
    more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
    raise UserError(
        f"data set {name}: {absent[0]}{more} not found. Looked in: {', '.join(map(str, places))}; {problem}. "
        f"Name a torchvision-style root with --data-root PATH or BENCH_DATA, "
        f"or run: bench data import {name} PATH (a folder, .zip, .npz or parquet files)."
    )


def fetch(folder: str, files: Sequence[str], download: Callable[[Path], None]) -> str:
    """Download into a folder that gets its name when it is whole; returns what went wrong ("" if nothing)."""
    target = downloads() / folder
    partial = downloads() / f"{Path(folder).parts[0]}.partial"
    with disk_errors(target), locked(downloads() / Path(folder).parts[0]):
        if not missing(target, files):  # another process was faster
            return ""
        shutil.rmtree(partial, ignore_errors=True)  # of a download that was killed
        partial.mkdir(parents=True)
        try:
            with redirect_stdout(sys.stderr):
                download(partial)
            target.parent.mkdir(parents=True, exist_ok=True)
            replace_folder(partial / folder, target)
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

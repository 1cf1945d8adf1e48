"""Where the files of a standard set are: the data root, the downloads, else a download."""

import gzip
import shutil
import sys
from contextlib import redirect_stdout
from pathlib import Path

from bench.data.limits import DAMAGE, open_regular, read_at_most
from bench.data.standard.declaration import DataRoot, Files, StandardSet
from bench.data.store.store import disk_errors, locked, replace_folder
from bench.errors import UserError
from bench.paths import data_root, home

LARGEST = 256 << 20  # bytes of a file, unpacked; that of MNIST's training images has 47 MB


def downloads() -> Path:
    """A torchvision-style root of our own, for what was downloaded."""
    return home() / "downloads"


def roots(given: DataRoot) -> list[Path]:
    """Where to look, in this order."""
    named = data_root(given)
    if named is not None and not named.is_dir():
        origin = "--data-root" if given else "BENCH_DATA"
        raise UserError(f"{origin} {named}: there is no such folder. Expected a torchvision-style root.")
    return [downloads()] if named is None else [named, downloads()]


def search(declared: StandardSet, argument: str, place: Path) -> Path | None:
    """The folder at or below `place` that holds the files of a set; None if there is none."""
    if declared.files is None or not place.is_dir():
        return None
    for depth in range(4):
        folders = sorted(path for path in place.glob("/".join(["*"] * depth)) if path.is_dir()) if depth else [place]
        for folder in folders:
            if not declared.files.missing(folder, argument):
                return folder
    return None


def present(files: Files, argument: str, given: DataRoot) -> Path | None:
    """The folder with the files of a set, without downloading."""
    return next((place for place in places(files, given) if not files.missing(place, argument)), None)


def places(files: Files, given: DataRoot) -> list[Path]:
    """Where the files may lie."""
    return [root / folder for root in roots(given) for folder in files.folders]


def locate(declared: StandardSet, argument: str, given: DataRoot) -> Path:
    """The folder that lacks nothing: `<root>/<folder of the set>`, downloaded where no root has it.

    Raises UserError, naming the first missing file and the places that were searched.
    """
    files = declared.files
    assert files is not None
    there = present(files, argument, given)
    if there is not None:
        return there
    problem = "there is no automatic download for this set"
    if files.download is not None:
        problem = fetch(files, argument)
        if not problem:
            return downloads() / files.folders[0]
    absent = files.missing(places(files, given)[0], argument)
    more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
    raise UserError(
        f"data set {declared.name}: {absent[0]}{more} not found. "
        f"Looked in: {', '.join(map(str, places(files, given)))}; {problem}. "
        f"Name a torchvision-style root with --data-root PATH or BENCH_DATA, or bring the files and run: "
        f"bench data import {declared.name} PATH"
    )


def fetch(files: Files, argument: str) -> str:
    """Download into a folder that gets its name when it is whole; returns what went wrong ("" if nothing)."""
    assert files.download is not None
    target = downloads() / files.folders[0]
    first = downloads() / Path(files.folders[0]).parts[0]
    partial = first.with_name(f"{first.name}.partial")
    with disk_errors(target), locked(first):
        if not files.missing(target, argument):  # another process was faster
            return ""
        shutil.rmtree(partial, ignore_errors=True)  # of a download that was killed
        partial.mkdir(parents=True)
        try:
            with redirect_stdout(sys.stderr):
                files.download(partial)
            absent = files.missing(partial / files.folders[0], argument)
            if absent:
                return f"the download came without {absent[0]}"
            target.parent.mkdir(parents=True, exist_ok=True)
            replace_folder(partial / files.folders[0], target)
        except (*DAMAGE, UserError) as error:
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
    path = plain if plain.is_file() else folder / f"{name}.gz"
    try:
        with open_regular(path) as file:
            return read_at_most(file if path == plain else gzip.open(file), LARGEST, str(path))
    except DAMAGE as error:
        raise UserError(f"{path}: cannot be read ({error}). Remove it and download or copy it again.") from error

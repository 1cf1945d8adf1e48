"""Unpacking what came from somewhere: nothing outside the target folder, no bombs, nothing left when it fails."""

import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import numpy as np

from bench.data.store.store import SPARE_BYTES
from bench.errors import UserError

BOMB_RATIO = 100  # unpacked : packed; pictures hardly shrink, a bomb reaches 1000 and more
BOMB_BYTES = 1 << 30  # below this no ratio is a danger
MEMBERS = 5_000_000
SYMLINK = 0o120000
ZIP = (".zip",)
TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


def is_archive(path: Path) -> bool:
    """Whether its name says that it is an archive we unpack."""
    return path.is_file() and path.name.lower().endswith(ZIP + TAR)


@contextmanager
def unpacked(path: Path, workplace: Path) -> Iterator[Path]:
    """The content of an archive in a temporary folder below `workplace`. Raises UserError for what is not safe."""
    workplace.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="unpack-", dir=workplace) as target:
        try:
            if path.name.lower().endswith(ZIP):
                unzip(path, Path(target))
            else:
                untar(path, Path(target))
        except (zipfile.BadZipFile, tarfile.TarError, EOFError, NotImplementedError, RuntimeError) as error:
            raise UserError(f"{path}: damaged, encrypted or of an unknown kind ({error}). Get it again.") from error
        yield Path(target)


def unzip(path: Path, target: Path) -> None:
    """Unpack a .zip after looking at every member."""
    with zipfile.ZipFile(path) as archive:
        check_zip(path, archive)
        check_room(path, sum(info.file_size for info in archive.infolist()), target)
        archive.extractall(target)


def check_zip(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse members that lead outside, links and bombs. zipfile never unpacks more than a member declares."""
    for info in archive.infolist():
        check_member(path, info.filename)
        if (info.external_attr >> 16) & 0o170000 == SYMLINK:
            raise UserError(f"{path}: member {info.filename!r} is a link. Refused: pack the files themselves.")
    check_bomb(path, len(archive.infolist()), sum(info.file_size for info in archive.infolist()))


def untar(path: Path, target: Path) -> None:
    """Unpack a .tar member by member; sizes are counted as they come, since the index is spread over the file."""
    unpacked_bytes = 0
    with tarfile.open(path) as archive:
        for count, member in enumerate(archive, start=1):
            check_member(path, member.name)
            if not (member.isfile() or member.isdir()):
                raise UserError(f"{path}: member {member.name!r} is a link or a device. Refused.")
            unpacked_bytes += member.size
            check_bomb(path, count, unpacked_bytes)
            check_room(path, member.size, target)
            archive.extract(member, target, filter="data")


def check_member(path: Path, name: str) -> None:
    """Refuse names that point outside the target folder."""
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or (len(name) > 1 and name[1] == ":"):
        raise UserError(f"{path}: member {name!r} points outside the target folder. Refused: this archive is not safe.")


def load_npz(path: Path, expected: str) -> dict[str, np.ndarray]:
    """All arrays of an .npz; nothing pickled is ever loaded. Raises UserError, which ends with what was `expected`."""
    try:
        with zipfile.ZipFile(path) as archive:
            check_bomb(path, len(archive.infolist()), sum(info.file_size for info in archive.infolist()))
        with np.load(path, allow_pickle=False) as content:
            arrays = {name: content[name] for name in content.files}
    except (ValueError, OSError, EOFError, MemoryError, zlib.error, zipfile.BadZipFile) as error:
        if "allow_pickle" in str(error):
            raise UserError(f"{path}: it holds pickled objects, which are never loaded. {expected}") from error
        raise UserError(f"{path}: it cannot be read ({error}). {expected}") from error
    return {name: array for name, array in arrays.items() if isinstance(array, np.ndarray)}


def check_bomb(path: Path, members: int, size: int) -> None:
    """Refuse what would swell beyond reason."""
    packed = path.stat().st_size
    if members > MEMBERS or (size > BOMB_BYTES and size > BOMB_RATIO * packed):
        raise UserError(
            f"{path}: {packed / 1e6:,.1f} MB would unpack to {size / 1e6:,.0f} MB in {members:,} members. "
            f"Refused as a zip bomb (more than {BOMB_RATIO} times its size). Unpack it yourself if you trust it."
        )


def check_room(path: Path, size: int, target: Path) -> None:
    """Refuse what does not fit on the disk."""
    free = shutil.disk_usage(target).free
    if size + SPARE_BYTES > free:
        raise UserError(
            f"{path}: unpacking needs {size / 1e6:,.0f} MB, {free / 1e6:,.0f} MB are free in {target.parent}. "
            "Make room, or set BENCH_HOME to a folder on a larger disk."
        )

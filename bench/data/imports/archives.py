"""Unpacking what came from somewhere: nothing outside the target folder, no bombs, nothing left when it fails."""

import bz2
import gzip
import io
import lzma
import shutil
import tarfile
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from filelock import FileLock, Timeout

from bench.data.limits import DAMAGE, FREE_BYTES, RATIO, check_unpacked, open_regular, readable
from bench.data.store.store import NO_SPACE, NO_WRITE, SPARE_BYTES
from bench.errors import UserError

SYMLINK = 0o120000
PREFIX = "unpack-"
COMPRESSED = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ", lzma.open))


@contextmanager
def unpacked(path: Path, workplace: Path) -> Iterator[Path]:
    """The content of an archive in a temporary folder below `workplace`. Raises UserError for what is not safe."""
    workplace.mkdir(parents=True, exist_ok=True)
    sweep(workplace)
    locks = workplace / ".locks"
    locks.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=workplace) as target:
        lock = FileLock(locks / f"{Path(target).name}.lock")
        with lock:
            _unpack(path, Path(target))
            yield Path(target)
        Path(lock.lock_file).unlink(missing_ok=True)


def sweep(workplace: Path) -> None:
    """Remove what killed processes left: folders whose lock nobody holds."""
    for left in workplace.glob(f"{PREFIX}*"):
        lock = FileLock(workplace / ".locks" / f"{left.name}.lock", timeout=0)
        try:
            with lock:
                shutil.rmtree(left, ignore_errors=True)
        except (Timeout, OSError):  # in use, or somebody else's
            continue
        Path(lock.lock_file).unlink(missing_ok=True)


def _unpack(path: Path, target: Path) -> None:
    try:
        with open_regular(path) as file:
            start = file.read(4)
            file.seek(0)
            if start[:2] == b"PK":
                unzip(path, file, target)
            else:
                untar(path, file, target)
    except DAMAGE as error:
        if isinstance(error, OSError) and error.errno in NO_SPACE | NO_WRITE:
            raise
        first = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise UserError(
            f"{readable(path)}: damaged, encrypted or of an unknown kind ({first}). Get it again."
        ) from error


def unzip(path: Path, file: IO[bytes], target: Path) -> None:
    """Unpack a .zip after looking at every member."""
    with zipfile.ZipFile(file) as archive:
        check_zip(path, archive)
        check_room(path, sum(info.file_size for info in archive.infolist()), target)
        archive.extractall(target)


def check_zip(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse members that lead outside, links, names that come twice, and bombs.

    zipfile never unpacks more than a member declares.
    """
    members = archive.infolist()
    for info in members:
        check_member(path, info.filename)
        if (info.external_attr >> 16) & 0o170000 == SYMLINK:
            raise UserError(
                f"{readable(path)}: member {readable(info.filename)} is a link. Refused: pack the files themselves."
            )
    name, times = Counter(info.filename.rstrip("/") for info in members).most_common(1)[0] if members else ("", 0)
    if times > 1:
        raise UserError(f"{readable(path)}: member {readable(name)} comes {times} times. Refused: pack it again.")
    check_unpacked(path, len(members), sum(info.file_size for info in members))


class CountedStream(io.RawIOBase):
    """Unpacked bytes, counted as they come: a stream that swells beyond reason ends with UserError."""

    def __init__(self, path: Path, stream: Any):
        self.path, self.stream, self.count = path, stream, 0
        self.most = max(FREE_BYTES, RATIO * path.stat().st_size)

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, and never more than a whole bomb would need."""
        content = self.stream.read(min(size, self.most) if size >= 0 else self.most)
        self.count += len(content)
        check_unpacked(self.path, 0, self.count)
        return content


def untar(path: Path, file: IO[bytes], target: Path) -> None:
    """Unpack a .tar member by member, in one pass; sizes are counted as they come, as the index is spread over the file."""
    start = file.read(6)
    file.seek(0)
    packed = next((opener(file) for first, opener in COMPRESSED if start.startswith(first)), file)
    declared = 0
    with tarfile.open(fileobj=CountedStream(path, packed), mode="r|") as archive:
        for count, member in enumerate(archive, start=1):
            check_member(path, member.name)
            if not (member.isfile() or member.isdir()):
                raise UserError(f"{readable(path)}: member {readable(member.name)} is a link or a device. Refused.")
            declared += max(0, member.size)
            check_unpacked(path, count, declared)
            check_room(path, member.size, target)
            archive.extract(member, target, filter="data")


def check_member(path: Path, name: str) -> None:
    """Refuse names that point outside the target folder."""
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or (len(name) > 1 and name[1] == ":"):
        raise UserError(
            f"{readable(path)}: member {readable(name)!r} points outside the target folder. "
            "Refused: this archive is not safe."
        )


def check_room(path: Path, size: int, target: Path) -> None:
    """Refuse what does not fit on the disk."""
    free = shutil.disk_usage(target).free
    if size + SPARE_BYTES > free:
        raise UserError(
            f"{readable(path)}: unpacking needs {size / 1e6:,.0f} MB, {free / 1e6:,.0f} MB are free in {target.parent}. "
            "Make room, or set BENCH_HOME to a folder on a larger disk."
        )

"""What may be opened, how far it may unpack, how much memory it may take: asked before anything is read or allocated.

Files that come from elsewhere may be broken or made to do harm. Only regular files are opened (a pipe would wait for ever),
and a size that a file claims is compared with what it holds and with the memory that is available.
"""

import errno
import os
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from gzip import GzipFile
from lzma import LZMAError
from pathlib import Path
from tarfile import TarError
from tokenize import TokenError
from typing import IO

import psutil

from bench.errors import UserError

RATIO = 100  # unpacked : packed; images hardly shrink, a bomb reaches 1000 and more
FREE_BYTES = 1 << 30  # below this no ratio is a danger
MEMBERS = 5_000_000  # files in an archive, rows of a table, folders of a tree
SPARE_MEMORY = 0.9  # share of the available memory that may be asked for
# What Python's readers of archives and arrays raise when they meet damaged or hostile bytes.
DAMAGE = (
    OSError, EOFError, ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, RuntimeError,
    MemoryError, SyntaxError, TokenError, struct.error, zlib.error, LZMAError, TarError, zipfile.BadZipFile,
)  # fmt: skip
KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def open_regular(path: Path) -> IO[bytes]:
    """The file at `path`, links followed, open for reading. Raises OSError; never waits for a pipe or a device."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        kind = stat.S_IFMT(os.fstat(handle).st_mode)
        if kind != stat.S_IFREG:
            raise OSError(errno.EINVAL, f"{KINDS.get(kind, 'something')}, not a regular file", str(path))
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def user_path(text: str | Path) -> Path:
    """A path as the user wrote it, ~ and ~name filled in. Raises UserError for a home folder that is not there."""
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise UserError(f"{readable(text)}: {error} Expected a path.") from error


def is_folder(path: Path) -> bool:
    """Whether a folder lies there; a path that the system refuses (too long, with a zero byte) is none."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def exists(path: Path) -> bool:
    """Whether anything lies there; a path that the system refuses is nothing."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def check_unpacked(path: Path, members: int, size: int) -> None:
    """Refuse a file that would unpack beyond reason. `size`: bytes unpacked, as claimed or as counted so far."""
    packed = path.stat().st_size
    if members > MEMBERS or (size > FREE_BYTES and size > RATIO * packed):
        raise UserError(
            f"{readable(path)}: {packed / 1e6:,.1f} MB would unpack to {size / 1e6:,.0f} MB in {members:,} members. "
            f"Refused as a zip bomb (more than {RATIO} times its size). Unpack it yourself if you trust it."
        )


def check_memory(what: str, size: int) -> None:
    """Refuse what does not fit into the available memory. `size` in bytes."""
    available = int(psutil.virtual_memory().available)
    if size > SPARE_MEMORY * available:
        raise UserError(
            f"{what}: reading it takes {size / 1e9:,.1f} GB of memory, {available / 1e9:,.1f} GB are available. "
            "Use fewer or smaller images, or a machine with more memory."
        )


def read_at_most(file: IO[bytes] | GzipFile, limit: int, what: str) -> bytes:
    """All that is left in `file`, unpacked on the way. Raises UserError for more than `limit` bytes."""
    content = file.read(limit + 1)
    if len(content) > limit:
        raise UserError(f"{what}: holds more than the {limit:,} bytes that were expected. Get it again.")
    return content


def readable(name: object) -> str:
    """A name as text for messages and class names: one Unicode form; bytes that are not UTF-8 are read as Latin-1.

    Control characters are escaped: a file name must not move the cursor of a terminal.
    """
    text = os.fspath(name) if isinstance(name, os.PathLike) else str(name)
    text = re.sub("[\udc80-\udcff]", lambda byte: chr(ord(byte[0]) - 0xDC00), text)
    text = unicodedata.normalize("NFC", text)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)

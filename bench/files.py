"""Files written whole or not at all, and digests of what is in them."""

import hashlib
import json
import os
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from bench.errors import UserError

PART = ".part"  # ends the name of a file that is being written


class NotWritten(UserError):  # noqa: N818 (a UserError)
    """A file could not be written: of the disk or the folder, never of what was to be written."""


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    A link is followed, so that its target is replaced. A file that is there keeps its mode; a new one gets what the umask
    leaves of 0666. Raises NotWritten when the folder is not writable, the disk is full, or the path is not a regular file.
    """
    try:
        target = _target(path)
        mode = _mode(target)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.", suffix=PART)
    except OSError as error:
        raise _cannot_write(path, error) from None
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(mode)
        part.replace(target)
    except OSError as error:
        raise _cannot_write(path, error) from None
    finally:
        part.unlink(missing_ok=True)


def _target(path: Path) -> Path:
    """Where the content goes: the end of a chain of links, in a folder that exists."""
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _mode(target: Path) -> int:
    """Permissions of the file to be: those of the one it replaces, else what the umask leaves."""
    try:
        found = target.stat()
    except FileNotFoundError:
        return 0o666 & ~_umask()
    if not stat.S_ISREG(found.st_mode):
        raise OSError(0, "it is not a regular file")
    return stat.S_IMODE(found.st_mode)


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    found = os.umask(0o077)
    os.umask(found)
    return found


def sweep_parts(folder: Path, stem: str = "") -> None:
    """Remove the half-written files in a folder whose names were to begin with `stem`: of processes that were killed.

    For whoever holds the lock under which they are written.
    """
    for part in folder.iterdir() if folder.is_dir() else ():
        if part.name.startswith(f".{stem}") and part.name.endswith(PART) and not part.is_symlink():
            with suppress(OSError):  # not ours to remove: harmless
                part.unlink()


def _cannot_write(path: Path, error: OSError) -> NotWritten:
    return NotWritten(
        f"{path}: cannot be written: {error.strerror or error}. Nothing was changed. "
        "Free space or give a folder you may write to, then run the same command again."
    )


def time_of(folder: Path) -> float:
    """What time it is by the clock of the file system, in seconds since 1970; by ours where the folder may not be written to.

    Machines that share a folder need not agree on the time.
    """
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".", suffix=PART) as file:
            return Path(file.name).stat().st_mtime
    except OSError:
        return time.time()


def sha256_of(path: Path) -> str:
    """The sha256 of a file's content, hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(content: object) -> str:
    """The sha256 of a JSON value in canonical form: sorted keys, no spaces, UTF-8."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()

"""A job is run by one process at a time: whoever holds its claim.

A claim is a lock of the operating system (flock), which is free again when its process ends, however it ends. Some shared file
systems have none. There a claim is a lease: a file that its holder touches every twenty seconds. Who waits takes it over when it has
seen no touch for a minute of its own clock, so clocks of machines may differ; a holder that was stopped for so long finds out
before it writes a record. filelock has both.
"""

import errno
import os
import tempfile
from pathlib import Path
from typing import Protocol

from filelock import FileLock, SoftFileLease, Timeout

from bench.errors import UserError
from bench.files import time_of

CLAIMS = "BENCH_CLAIMS"  # "lease": where locks work, but each machine sees only its own
SECONDS = 60.0  # without a touch until a lease is another's
CONTENDED = (errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK)


class Claim(Protocol):
    """Held by this process until `release`."""

    @property
    def lost(self) -> bool:
        """Whether another process has taken it over."""
        ...

    def release(self) -> None:
        """Another may take it."""
        ...


class Lock:
    """A lock of the operating system: it cannot be lost."""

    lost = False

    def __init__(self, path: Path):
        """Raises Timeout when another process holds it, OSError when it cannot be made."""
        self._lock = FileLock(path, mode=0o666)  # whoever may write to the folder may lock: the umask decides
        self._lock.acquire(timeout=0)

    def release(self) -> None:
        """Another may take it."""
        self._lock.release()


class Lease:
    """A file that is touched while its holder lives."""

    def __init__(self, path: Path, seconds: float):
        """Raises Timeout when another process holds it, OSError when it cannot be made.

        A holder on this machine that is dead is known at once. One elsewhere that seems dead is watched for as long as it takes to be sure.
        """
        self._lease = SoftFileLease(path, lease_duration=seconds, mode=0o666, thread_local=False)
        self._lease.acquire(timeout=1.1 * seconds if _seems_dead(path, seconds) else 0)

    @property
    def lost(self) -> bool:
        """Whether another process has taken it over, after a minute without a touch."""
        return self._lease.compromise is not None or not self._lease.is_lock_held_by_us

    def release(self) -> None:
        """Another may take it; one that was lost is another's and stays."""
        self._lease.release()


def _seems_dead(path: Path, seconds: float) -> bool:
    """Whether a lease was not touched for so long, by the clock of the file system."""
    try:
        return time_of(path.parent) - path.stat().st_mtime > seconds
    except OSError:
        return False


def claim(folder: Path, stem: str) -> Claim | None:
    """The claim on the job of a stem in a folder; None: another process holds it. Raises UserError where neither kind can be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made: {error.strerror or error}. Give another --results.") from None
    path = folder / f".{stem}.lock"
    try:
        return Lease(path.with_suffix(".lease"), SECONDS) if leases(folder) else Lock(path)
    except Timeout:
        return None
    except OSError as error:
        raise UserError(
            f"{path}: cannot be locked: {error.strerror or error}. Give a results folder you may write to."
        ) from None


def leases(folder: Path) -> bool:
    """Whether claims in a folder are leases: its file system has no locks, or the user says so."""
    said = os.environ.get(CLAIMS, "")
    if said not in ("", "lease"):
        raise UserError(f"${CLAIMS} is {said!r}: expected lease, or leave it out.")
    return said == "lease" or not _has_locks(folder)


def _has_locks(folder: Path) -> bool:
    """Tried on a file of its own, so that nobody who claims a job is in the way."""
    try:
        import fcntl
    except ImportError:  # Windows has locks of another kind, which filelock uses
        return True
    with tempfile.TemporaryFile(dir=folder, prefix=".", suffix=".part") as file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno in CONTENDED
    return True

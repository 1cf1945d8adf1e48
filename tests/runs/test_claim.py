"""Claims: by locks where a file system has them, by leases where not; each job is one process's."""

import errno
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.runs import claim as claims
from bench.runs.claim import Lease, Lock, claim

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and flock")

HOLDER = """
import sys
from pathlib import Path
from bench.runs import claim
claim.SECONDS = float(sys.argv[2])
held = claim.Lease(Path(sys.argv[1]), claim.SECONDS) if sys.argv[3] == "lease" else claim.Lock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.readline()
print(held.lost, flush=True)
"""


@contextmanager
def holder(path: Path, kind: str, seconds: float = 60) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the claim at a path, and says on a line from here whether it lost it."""
    command = [sys.executable, "-c", HOLDER, str(path), str(seconds), kind]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


@pytest.fixture(params=[errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP], ids=errno.errorcode.get)
def without_locks(request, monkeypatch) -> None:
    def flock(*_: object) -> None:
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", flock)


def test_where_there_are_locks_they_are_used(tmp_path):
    with_lock = claim(tmp_path, "0-abc")
    assert isinstance(with_lock, Lock)
    assert not with_lock.lost
    with_lock.release()


def test_where_there_are_none_a_lease_is_taken(tmp_path, without_locks):
    held = claim(tmp_path / "new", "0-abc")
    assert isinstance(held, Lease)
    assert claim(tmp_path / "new", "0-abc") is None
    assert claim(tmp_path / "new", "1-abc") is not None
    held.release()
    again = claim(tmp_path / "new", "0-abc")
    assert again is not None
    again.release()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["lock", "lease"])
def test_another_process_s_claim_is_respected_and_a_killed_one_s_is_free(tmp_path, monkeypatch, kind):
    if kind == "lease":
        monkeypatch.setenv(claims.CLAIMS, "lease")
    with holder(tmp_path / f".0-abc.{kind}", kind) as other:
        assert claim(tmp_path, "0-abc") is None
        other.send_signal(signal.SIGKILL)
        other.wait()
        held = claim(tmp_path, "0-abc")
    assert held is not None
    assert not held.lost
    held.release()


@pytest.mark.slow
def test_a_holder_that_stood_still_finds_out_that_it_lost_its_claim(tmp_path):
    path = tmp_path / ".0-abc.lease"
    with holder(path, "lease", seconds=1.0) as other:
        assert taken(path, 0.5) is None  # it lives
        other.send_signal(signal.SIGSTOP)
        held = taken(path, 20)
        assert held is not None
        other.send_signal(signal.SIGCONT)
        assert other.stdin is not None
        assert other.stdout is not None
        other.stdin.write("\n")
        other.stdin.flush()
        assert other.stdout.readline() == "True\n"
        other.wait()
    assert not held.lost  # the other's end did not take it away
    held.release()


def taken(path: Path, seconds: float) -> Lease | None:
    """The lease of a minute of one second, if it can be had in so many seconds. One contender watches all the time."""
    from filelock import SoftFileLease, Timeout

    made = Lease.__new__(Lease)
    made._lease = SoftFileLease(path, lease_duration=1.0, mode=0o666, thread_local=False)
    try:
        made._lease.acquire(timeout=seconds)
    except Timeout:
        return None
    return made


@pytest.mark.slow
def test_a_holder_elsewhere_that_is_silent_is_watched_and_then_taken_over(tmp_path, monkeypatch):
    monkeypatch.setenv(claims.CLAIMS, "lease")
    monkeypatch.setattr(claims, "SECONDS", 1.0)
    path = tmp_path / ".0-abc.lease"
    with holder(path, "lease", seconds=1.0) as other:
        other.kill()
        other.wait()
    marker = path.read_text()
    path.write_text(marker.replace(socket.gethostname(), "elsewhere"))  # where its process cannot be looked for
    assert claim(tmp_path, "0-abc") is None  # it was touched a moment ago
    silent = time.time() - 5
    os.utime(path, (silent, silent))
    held = claim(tmp_path, "0-abc")
    assert held is not None
    held.release()


@pytest.mark.slow
def test_clocks_that_differ_do_not_matter(tmp_path):
    path = tmp_path / ".0-abc.lease"
    with holder(path, "lease", seconds=1.0):
        for shift in (-86_400, 86_400):
            moved = time.time() + shift
            os.utime(path, (moved, moved))
            assert taken(path, 0.6) is None


def test_a_wish_that_is_none_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv(claims.CLAIMS, "flock")
    with pytest.raises(UserError, match="BENCH_CLAIMS is 'flock': expected lease"):
        claim(tmp_path, "0-abc")


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"file/below: cannot be made"):
        claim(tmp_path / "file" / "below", "0-abc")

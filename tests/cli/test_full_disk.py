"""A disk that is full while a suite runs: one message, nothing half-written, and the same command goes on once there is room."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.files import write_atomically
from bench.records.record import read_all

SUITE = """
name = "tiny"
version = "1.0.0"
members = ["toys:toy"]
seeds = [0]
ranking = "fid@digits-cnn"
[data]
name = "digits"
resolution = 16
[training]
images = 320
batch_size = 16
[evaluation]
metrics = ["fid@digits-cnn"]
samples = 60
every = 160
curve_samples = 60
selection = "fid@digits-cnn:held-out"
"""


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own with hardly any room."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", folder], check=False).returncode
    ):
        pytest.skip("a small file system cannot be mounted here: that takes the right to mount")
    yield folder
    subprocess.run(["umount", folder], check=True)


def bench(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "BENCH_HOME": str(folder / "home"),
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_full_disk_stops_the_run_in_words_and_room_continues_it(tmp_path, small_disk):
    (tmp_path / "tiny.toml").write_text(SUITE)
    run = ("run", "--suite", "tiny.toml", "--device", "cpu", "--results", str(small_disk / "results"))
    filler = small_disk / "filler"
    filler.write_bytes(bytes(8 * 1024))
    done = bench(tmp_path, *run)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "cannot be written: No space left on device. Nothing was changed." in done.stderr
    assert "Traceback" not in done.stderr
    assert list(small_disk.rglob("*.json")) == list(small_disk.rglob("*.part")) == []
    filler.unlink()
    subprocess.run(["mount", "-o", "remount,size=4m", small_disk], check=True)
    done = bench(tmp_path, *run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [record.status for record in read_all(small_disk / "results")] == ["ok"]


def test_what_was_there_stays_when_its_successor_does_not_fit(tmp_path, monkeypatch):
    path = tmp_path / "training.pt"
    write_atomically(path, b"before")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        UserError, match=r"training.pt: cannot be written: No space left on device. .* run the same command"
    ):
        write_atomically(path, b"after")
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]

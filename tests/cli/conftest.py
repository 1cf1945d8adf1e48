"""The command line in this process, on a small suite that a subprocess trained once."""

import functools
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.cli import main

SUITE = """
name = "tiny"
version = "1.0.0"
members = ["toys:toy"]
seeds = [0, 1]
ranking = "fid@digits-cnn"
[data]
name = "digits"
resolution = 16
[training]
images = 960
batch_size = 16
[evaluation]
metrics = ["fid@digits-cnn", "fid@digits-cnn:held-out", "precision@digits-cnn"]
samples = 120
sample_seeds = [0, 1]
every = 480
curve_samples = 120
selection = "fid@digits-cnn:held-out"
"""
RUN = ("run", "--suite", "tiny.toml", "--device", "cpu")


class Bench:
    """The command line in this process."""

    def __init__(self, folder: Path, capsys: Any, monkeypatch: Any):
        self.folder, self.capsys, self.monkeypatch = folder, capsys, monkeypatch

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        self.monkeypatch.chdir(self.folder)
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = self.capsys.readouterr()
        return code, out, err

    def refuses(self, *arguments: object) -> str:
        """Exit code 2, one line on stderr."""
        code, _, err = self(*arguments)
        assert code == 2, err
        assert err.startswith("bench: error: ")
        assert len(err.splitlines()) == 1
        return err

    def run(self, *arguments: object) -> tuple[int, str, str]:
        """Run the tiny suite."""
        return self(*RUN, *arguments)

    def rewrite(self, old: str, new: str) -> None:
        """Change the tiny suite."""
        (self.folder / "tiny.toml").write_text(SUITE.replace(old, new))

    @property
    def record(self) -> Path:
        """The first record of the tiny suite."""
        return min(self.folder.glob("results/tiny/toy/*.json"))


@pytest.fixture
def bench(tmp_path, capsys, monkeypatch):
    (tmp_path / "tiny.toml").write_text(SUITE)
    return Bench(tmp_path, capsys, monkeypatch)


def start(folder: Path, *arguments: object, **options: Any) -> subprocess.Popen[str]:
    """The command line in a process of its own that finds the toys and has a cache in the folder."""
    environment = os.environ | {
        "BENCH_HOME": str(folder / "home"),
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "bench", *map(str, arguments)]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.Popen(command, cwd=folder, env=environment, text=True, **pipes)


@pytest.fixture
def process(tmp_path):
    """Starts the command line in a process of its own, beside the tiny suite."""
    (tmp_path / "tiny.toml").write_text(SUITE)
    return functools.partial(start, tmp_path)


@pytest.fixture(scope="session")
def trained(tmp_path_factory, toys):
    """A folder in which the tiny suite has run once, and its cache."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "tiny.toml").write_text(SUITE)
    process = start(folder, *RUN)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, out + err
    return folder


@pytest.fixture
def after(trained, capsys, monkeypatch):
    monkeypatch.setenv("BENCH_HOME", str(trained / "home"))
    return Bench(trained, capsys, monkeypatch)


ENDINGS = """
import ctypes, os, signal
from toys import toy

def _late(spec, end):
    gan, judged = toy(spec), [0]
    forward = gan.players["critic"].net.forward
    def counting(images):
        judged[0] += 1
        if judged[0] > 40:
            end()
        return forward(images)
    gan.players["critic"].net.forward = counting
    return gan

def leaves(spec):
    return _late(spec, lambda: os._exit(0))

def crashes(spec):
    return _late(spec, lambda: ctypes.string_at(0))

def killed(spec):
    return _late(spec, lambda: os.kill(os.getpid(), signal.SIGKILL))

def leaves_at_once(spec):
    os._exit(0)
"""


@pytest.fixture
def ending(tmp_path):
    """The folder of the tiny suite, with members that end their process."""
    (tmp_path / "ends.py").write_text(ENDINGS)
    return tmp_path


@pytest.fixture
def children_of() -> Callable[[int], list[int]]:
    """The processes that a process has started."""
    if not Path("/proc/self/task").exists():
        pytest.skip("processes are read from /proc")
    return lambda pid: [
        int(word) for path in Path(f"/proc/{pid}/task").glob("*/children") for word in path.read_text().split()
    ]


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    """Waits until something is so."""

    def wait(true: Callable[[], object], seconds: float = 120.0) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, "timeout"
            time.sleep(0.02)

    return wait

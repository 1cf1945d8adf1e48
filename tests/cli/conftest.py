"""The command line in this process, on a small suite that a subprocess trained once."""

import functools
import os
import subprocess
import sys
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

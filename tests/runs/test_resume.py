"""A run that is killed again and again ends with the record of one that never was."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

SUITE = """
name = "resume"
version = "1.0.0"
members = ["toys:toy"]
seeds = [0]
ranking = "fid@digits-cnn"
[data]
name = "digits"
resolution = 16
flip = true
[training]
images = 24_000
batch_size = 16
[evaluation]
metrics = ["fid@digits-cnn", "precision@digits-cnn"]
samples = 200
sample_seeds = [0, 1]
every = 3_000
curve_samples = 200
selection = "fid@digits-cnn:held-out"
"""
TIMES = {"seconds", "started", "finished", "digest", "peak_memory_bytes"}  # the only things that may differ
KILLS = 3


def start(suite: Path, results: Path, home: Path, seconds: float = 0) -> subprocess.Popen[bytes]:
    environment = os.environ | {
        "BENCH_HOME": str(home),
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "OMP_NUM_THREADS": "1",
        "CI": "true",
    }
    command = [
        sys.executable,
        "-m",
        "bench",
        "run",
        "--suite",
        str(suite),
        "--results",
        str(results),
        "--device",
        "cpu",
    ]
    return subprocess.Popen(
        [*command, "--checkpoint-seconds", str(seconds)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def finish(process: subprocess.Popen[bytes]) -> None:
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output.decode()


def record(results: Path) -> dict[str, Any]:
    (path,) = results.glob("resume/*/*.json")
    content = json.loads(path.read_text())
    for point in content["curve"]:
        point.pop("train_seconds")
    for state_of_the_checkout in ("commit", "dirty"):  # somebody may work in it meanwhile
        content["environment"].pop(state_of_the_checkout)
        content["member"].pop(state_of_the_checkout)
    content["artifacts"] = [item for item in content["artifacts"] if item["kind"] != "source"]
    return {key: value for key, value in content.items() if key not in TIMES}


def files_of(results: Path) -> dict[str, bytes]:
    """What lies beside the record."""
    found = (
        path for path in results.glob("resume/*/*") if path.suffix not in (".json", ".zip") and path.name[0] != "."
    )
    return {path.name: path.read_bytes() for path in found}


@pytest.mark.slow
def test_killed_three_times_equals_uninterrupted(tmp_path):
    suite = tmp_path / "resume.toml"
    suite.write_text(SUITE)
    finish(start(suite, tmp_path / "whole", tmp_path / "home-whole"))

    instants = random.Random(0)
    home = tmp_path / "home-killed"
    checkpoint = home / "checkpoints" / "resume" / "toy"
    kills, seen = 0, set()
    while kills < KILLS:
        process = start(suite, tmp_path / "killed", home)
        wait_for_progress(process, checkpoint, seen)
        time.sleep(instants.uniform(0.0, 0.6))
        assert process.poll() is None, "the run ended before it could be killed: give it a larger budget"
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += 1
    assert list((tmp_path / "killed").glob("resume/*/*.json")) == []
    finish(start(suite, tmp_path / "killed", home))

    assert record(tmp_path / "killed") == record(tmp_path / "whole")
    files = files_of(tmp_path / "whole")
    assert {path.rpartition(".")[2] for path in files} >= {"png", "csv"}
    assert files == files_of(tmp_path / "killed")
    assert list((tmp_path / "killed").rglob("*.part")) == []


@pytest.mark.slow
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_saves_the_run_which_goes_on_to_the_same_record(tmp_path, signum):
    suite = tmp_path / "resume.toml"
    suite.write_text(SUITE.replace("24_000", "12_000"))
    home = tmp_path / "home"
    process = start(suite, tmp_path / "stopped", home, seconds=60)
    wait_for_progress(process, home / "checkpoints/resume/toy", set())
    process.send_signal(signum)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 128 + signum, output.decode()
    assert "is saved at" in output.decode()
    assert list((tmp_path / "stopped").glob("resume/*/*.json")) == []
    finish(start(suite, tmp_path / "stopped", home))
    finish(start(suite, tmp_path / "whole", tmp_path / "home-whole"))
    assert record(tmp_path / "stopped") == record(tmp_path / "whole")
    assert files_of(tmp_path / "stopped") == files_of(tmp_path / "whole")


def wait_for_progress(process: subprocess.Popen[bytes], checkpoint: Path, seen: set[int]) -> None:
    """Until this process has written a checkpoint of its own: each kill then hits a training that goes on."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        written = {path.stat().st_mtime_ns for path in checkpoint.glob("*/training.pt")}
        if written - seen:
            seen |= written
            return
        assert process.poll() is None, process.communicate()[0].decode()
        time.sleep(0.01)
    raise AssertionError("no checkpoint within two minutes")

"""`bench run --devices N`: several processes train a job together. Their records are those of one."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="processes share descriptors")]

SUITE = """
name = "tiny"
version = "1.0.0"
members = ["dcgan(width=8)"]
seeds = [0]
ranking = "fid@digits-cnn"
data = { name = "digits", resolution = 16 }
training = { images = 1600, batch_size = 16, parts = 4 }

[evaluation]
metrics = ["fid@digits-cnn"]
samples = 100
every = 800
curve_samples = 100
selection = "fid@digits-cnn:held-out"
"""

# A member that goes wrong in the second process alone, as a device that breaks would.
BROKEN = """
import os, time
from dataclasses import replace
from zoo.dcgan import dcgan


def acting(act):
    def build(spec):
        gan = dcgan(spec, width=8)
        def then(turn):
            if turn.now.step == 20 and os.environ.get("RANK") == "1":
                act()
        (stage,) = gan.schedule
        first, *rest = stage.updates
        return replace(gan, schedule=[replace(stage, updates=[replace(first, then=[then]), *rest])])
    return build


def fail():
    raise ValueError("only here")


def hold_up():
    with open("held.part", "w") as file:
        file.write(str(os.getpid()))
    os.rename("held.part", "held")
    time.sleep(600)


raises = acting(fail)
exits = acting(lambda: os._exit(9))
hangs = acting(hold_up)


def slow(spec):
    gan = dcgan(spec, width=8)
    (stage,) = gan.schedule
    first, *rest = stage.updates
    return replace(gan, schedule=[replace(stage, updates=[replace(first, then=[lambda turn: time.sleep(0.05)]), *rest])])
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(SUITE)
    Path("broken.py").write_text(BROKEN)
    return tmp_path


def command(*options: object, before: tuple[str, ...] = ("-m", "bench")) -> list[str]:
    return [sys.executable, *before, "run", "--suite", "tiny.toml", *map(str, options)]


def bench(*options: object, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*options, **more), capture_output=True, text=True, timeout=240)


@contextmanager
def started(*options: object) -> Iterator[subprocess.Popen[str]]:
    """The command while it runs; it does not outlive a test that fails."""
    with subprocess.Popen(command(*options), stderr=subprocess.PIPE, text=True) as run:
        try:
            yield run
        finally:
            run.kill()


def records(folder: str) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(Path(folder).glob("tiny/*/*.json"))]


def sameness(record: dict[str, Any]) -> dict[str, Any]:
    """What may not depend on how many processes there were."""
    names = ("job_digest", "protocol_digest", "status", "images_seen", "steps", "updates", "scores")
    curve = [{key: value for key, value in point.items() if key != "train_seconds"} for point in record["curve"]]
    pictures = [artifact["sha256"] for artifact in record["artifacts"] if artifact["kind"] == "grid"]
    return {name: record.get(name) for name in names} | {"curve": curve, "pictures": pictures}


def test_two_processes_make_the_record_of_one_and_so_does_torchrun(place):
    run = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "bench")
    assert bench("--results", "one").returncode == 0
    assert bench("--devices", 2, "--results", "two").returncode == 0
    torchrun = bench("--results", "three", before=run)
    assert torchrun.returncode == 0, torchrun.stderr
    (one,), (two,), (three,) = map(records, ("one", "two", "three"))
    assert len(one["scores"]) == 2
    assert len(sameness(one)["pictures"]) >= 2
    assert sameness(one) == sameness(two) == sameness(three)
    assert "processes" not in one["environment"]
    assert two["environment"]["processes"] == three["environment"]["processes"] == 2


@pytest.mark.parametrize(
    ("member", "said"),
    [
        ("raises", "process 1 of 2: ValueError: only here"),
        ("exits", "process 1 of 2 ended without a word, by exit code 9"),
    ],
)
def test_a_process_that_fails_is_named_and_the_other_jobs_go_on(place, member, said):
    ended = bench("--member", f"broken:{member}", "--member", "dcgan(width=8)", "--devices", 2)
    assert ended.returncode == 1
    assert said in ended.stderr
    by_status = {record["status"]: record for record in records("results")}
    assert by_status.keys() == {"ok", "failed"}
    assert by_status["failed"]["failure"]["message"] == said


def test_a_killed_process_is_named(place):
    with started("--member", "broken:hangs", "--devices", 2) as run:
        _until(Path("held").exists)
        os.kill(int(Path("held").read_text()), signal.SIGKILL)
        _, said = run.communicate(timeout=120)
    assert "process 1 of 2 ended without a word, by SIGKILL" in said


def test_an_interrupted_run_goes_on_with_another_number_of_processes(place):
    member = ("--member", "broken:slow", "--checkpoint-seconds", 1)
    assert bench(*member, "--results", "whole").returncode == 0
    with started(*member, "--devices", 2, "--results", "cut") as run:
        saved = Path(place / "home")
        _until(lambda: any(saved.rglob("training.pt")))
        run.send_signal(signal.SIGTERM)
        _, said = run.communicate(timeout=120)
    assert run.returncode == 128 + signal.SIGTERM, said
    assert "is saved at" in said
    assert bench(*member, "--devices", 4, "--results", "cut").returncode == 0
    (whole,), (cut,) = records("whole"), records("cut")
    assert sameness(whole) == sameness(cut)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--devices", 3),
            "3 processes cannot share 4 parts of a batch evenly. Give --devices a divisor of the parts.",
        ),
        (("--devices", 2, "--parts", 1), "2 processes cannot share 1 part of a batch evenly"),
        (("--devices", 0), "--devices"),
    ],
)
def test_what_cannot_be_shared_is_refused(place, options, said):
    ended = bench(*options)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert not records("results")


def test_a_command_without_the_others_says_what_to_do(place):
    environment = {"RANK": "0", "WORLD_SIZE": "2"}  # nobody at MASTER_ADDR, because there is none
    ended = subprocess.run(command(), capture_output=True, text=True, timeout=120, env=os.environ | environment)
    assert ended.returncode == 1
    assert "process 0 of 2 does not reach the others" in ended.stderr


def _until(holds, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)

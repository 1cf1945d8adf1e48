"""`bench status`: what a suite's jobs do, seen from another process."""

import json
import os
import time
from pathlib import Path

import pytest

from bench.runs import heartbeat

pytestmark = pytest.mark.slow
WRONG = """
from dataclasses import replace
from toys import toy


def fail(turn):
    if turn.now.step == 5:
        raise ValueError("no such luck")


def gan(spec):
    made = toy(spec)
    stage, *later = made.schedule
    first, *rest = stage.updates
    return replace(made, schedule=[replace(stage, updates=[replace(first, then=[*first.then, fail]), *rest]), *later])
"""
ASK = ("status", "--suite", "tiny.toml", "--device", "cpu")


def states(out: str) -> dict[int, str]:
    return {row["seed"]: row["state"] for row in json.loads(out)}


def signed(folder: Path) -> Path | None:
    return next(folder.glob("results/tiny/*/.*.sign"), None)


def test_what_is_done_and_what_waits(after, toys):
    code, out, err = after(*ASK, "--seed", 0, "--seed", 7, "--json")
    assert code == 0, err
    assert states(out) == {0: "done", 7: "waiting"}
    assert "2 jobs: 1 done, 1 waiting." in after(*ASK, "--seed", 0, "--seed", 7)[1]
    assert signed(after.folder) is None


def test_a_running_job_says_where_and_how_far_and_a_killed_one_falls_silent(
    bench, process, toys, tmp_path, monkeypatch
):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    bench.rewrite("images = 960", "images = 960_000")
    run = process("run", "--suite", "tiny.toml", "--device", "cpu", "--seed", 0, "--checkpoint-seconds", 1)
    try:
        until = time.monotonic() + 90
        while signed(tmp_path) is None or not any((tmp_path / "home").rglob("training.pt")):
            assert run.poll() is None, run.communicate()
            assert time.monotonic() < until
            time.sleep(0.1)
        (row,) = json.loads(bench(*ASK, "--seed", 0, "--json")[1])
        assert row["state"] == "running"
        assert row["sign"]["budget"] == 960_000
        assert 0 <= row["age"] < 60
        assert "1 running" in bench(*ASK, "--seed", 0)[1]
    finally:
        run.kill()
        run.communicate(timeout=30)
    sign = signed(tmp_path)
    assert sign is not None
    before = time.time() - 3600
    os.utime(sign, (before, before))
    (row,) = json.loads(bench(*ASK, "--seed", 0, "--json")[1])
    assert row["state"] == "silent"
    assert row["age"] == pytest.approx(3600, abs=60)
    sign.unlink()
    assert states(bench(*ASK, "--seed", 0, "--json")[1]) == {0: "interrupted"}


def test_a_failed_job_says_why(bench, toys, tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    (tmp_path / "wrong.py").write_text(WRONG)
    member = ("--member", "wrong:gan", "--seed", 0)
    assert bench("run", "--suite", "tiny.toml", "--device", "cpu", *member)[0] == 1
    (row,) = json.loads(bench(*ASK, *member, "--json")[1])
    assert (row["state"], row["why"], row["sign"]) == ("failed", "ValueError: no such luck", None)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"host": 1}', b"\xff", b"[" * 10_000])
def test_signs_that_are_none_are_not_believed(tmp_path, content):
    (tmp_path / "x.sign").write_bytes(content)
    assert heartbeat.read(tmp_path / "x.sign") is None
    assert heartbeat.read(tmp_path / "missing.sign") is None


def test_the_age_is_that_of_the_file_systems_clock(tmp_path, monkeypatch):
    path = tmp_path / "x.sign"
    sign = heartbeat.Sign(
        host="a", process=1, phase="train", activity="", images=1, budget=2, elapsed=1.0, seconds_left=None
    )
    path.write_text(sign.model_dump_json())
    monkeypatch.setattr(time, "time", lambda: 0.0)  # a machine whose clock is decades behind
    found = heartbeat.read(path)
    assert found is not None
    assert found[0] == sign
    assert found[1] < 60

"""`bench run --on local:N`: the same records as one process makes, and one answer about all jobs."""

import json
import signal

import pytest

from bench.cli.several import count_of, processes


def scores(folder):
    found = [json.loads(path.read_text()) for path in sorted(folder.glob("tiny/*/*.json"))]
    found = [one for one in found if one["status"] == "ok"]
    return [
        (one["member"]["name"], one["seed"], one["job"], one["scores"], one["curve"][-1]["scores"]) for one in found
    ]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["run", "--on", "local:3"], 3),
        (["run", "--on=local:4", "-s", "demo"], 4),
        (["run", "--suite", "demo"], 1),
        (["run", "--on", "slurm"], 1),  # refused by the option
        (["run", "--on", "local:0"], 1),
    ],
)
def test_how_many_processes(arguments, expected):
    assert processes(arguments) == expected


@pytest.mark.parametrize("text", ["", "local:", "local:-1", "local:257", "local:two", "locals", "local:1:1", "local:²"])
def test_what_is_refused(text, bench):
    assert count_of(text) is None
    if text:
        code, _, said = bench("run", "--suite", "tiny.toml", "--on", text)
        assert code == 2
        assert "local, or local:N" in said


def test_the_records_are_those_of_one_process(process, tmp_path):
    one = process("run", "--suite", "tiny.toml", "--results", "one")
    one.communicate(timeout=300)
    several = process("run", "--suite", "tiny.toml", "--results", "several", "--on", "local:2")
    out, said = several.communicate(timeout=300)
    assert (one.returncode, several.returncode) == (0, 0), said
    assert scores(tmp_path / "several") == scores(tmp_path / "one")
    assert len(scores(tmp_path / "one")) == 2
    assert "[2/2] toy seed" in out
    again = process("run", "--suite", "tiny.toml", "--results", "several", "--on", "local:2")
    out, _ = again.communicate(timeout=300)
    assert again.returncode == 0
    assert out.count("has a record") == 2


def test_what_fails_is_counted_once_and_the_others_go_on(process, ending):
    asked = ("--member", "ends:leaves", "--member", "toys:toy", "--member", "ends:crashes")
    running = process("run", "--suite", "tiny.toml", "--on", "local:3", *asked)
    _, said = running.communicate(timeout=300)
    assert running.returncode == 1
    assert "2 of 6 jobs have a result; 4 failed" in said
    assert len(scores(ending / "results")) == 6 - 4


def test_a_signal_ends_all_of_them_and_each_saves(process, tmp_path, until, children_of):
    (tmp_path / "tiny.toml").write_text(
        (tmp_path / "tiny.toml").read_text().replace("images = ", "images = 100_000_000 # ")
    )
    running = process("run", "--suite", "tiny.toml", "--yes", "--on", "local:2", "--checkpoint-seconds", "0")
    until(lambda: len(list(tmp_path.glob("home/checkpoints/**/training.pt"))) == 2)
    found = children_of(running.pid)
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=120)
    assert len(found) == 2
    assert running.returncode == 143
    assert list(tmp_path.glob("results/**/*.json")) == []

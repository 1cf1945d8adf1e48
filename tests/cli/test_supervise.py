"""What ends a member's process does not end the suite, and is no success."""

import json
import os
import signal
from pathlib import Path

import pytest

WORDS = {"leaves": "exit code 0", "crashes": "SIGSEGV", "killed": "SIGKILL: the kernel does that where memory runs out"}


def failure(path):
    return json.loads(path.read_text())["failure"]


def test_a_member_that_ends_its_process_is_a_failed_run_and_the_suite_goes_on(process, ending):
    asked = [word for name in WORDS for word in ("--member", f"ends:{name}")]
    running = process("run", "--suite", "tiny.toml", "--seed", 0, *asked, "--member", "toys:toy")
    _, said = running.communicate(timeout=300)
    assert running.returncode == 1, said
    assert "1 of 4 jobs have a result; 3 failed" in said
    for name, words in WORDS.items():
        (path,) = ending.glob(f"results/tiny/{name}/*.json")
        assert failure(path)["type"] == "ProcessEnded"
        assert words in failure(path)["message"]
        assert [other.suffix for other in path.parent.iterdir() if other.name.endswith(".ended")] == []
    (path,) = ending.glob("results/tiny/toy/*.json")
    assert json.loads(path.read_text())["status"] == "ok"


def test_retrying_what_ends_its_process_comes_to_an_end(process, ending):
    command = ("run", "--suite", "tiny.toml", "--seed", 0, "--member", "ends:leaves", "--member", "ends:crashes")
    process(*command).communicate(timeout=300)
    running = process(*command, "--retry", "failed")
    _, said = running.communicate(timeout=300)
    assert running.returncode == 1, said
    assert len(list(ending.glob("results/tiny/*/*.json"))) == 4  # two attempts each


@pytest.mark.parametrize("source", ["", "import os\nos._exit(0)\n"], ids=["builder", "module"])
def test_a_member_that_ends_the_process_when_it_is_tried_is_named(process, ending, source):
    if source:
        (ending / "ends.py").write_text(source)
    running = process("run", "--suite", "tiny.toml", "--member", "toys:toy", "--member", "ends:leaves_at_once")
    _, said = running.communicate(timeout=300)
    assert running.returncode == 2
    assert "member 'leaves-at-once': when it was tried, its process ended with exit code 0" in said
    assert list(ending.glob("results/**/*.json")) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_child_ends_with_its_parent(process, ending, until, children_of, number):
    (ending / "tiny.toml").write_text(
        (ending / "tiny.toml").read_text().replace("images = ", "images = 100_000_000 # ")
    )
    running = process("run", "--suite", "tiny.toml", "--yes", "--checkpoint-seconds", "0")
    until(lambda: children_of(running.pid) and list(ending.glob("home/checkpoints/**/training.pt")))
    (child,) = children_of(running.pid)
    running.send_signal(number)
    _, said = running.communicate(timeout=120)
    until(lambda: not Path(f"/proc/{child}").exists())
    assert running.returncode == (-number if number == signal.SIGKILL else 128 + number)
    assert list(ending.glob("results/**/*.json")) == []
    if number != signal.SIGKILL:
        assert "The same command" in said
        assert "twice" not in said


def test_one_signal_to_the_whole_group_is_one_request(process, ending, until, children_of):
    """As a terminal sends Ctrl-C: parent and child get it, and the parent passes its own on."""
    (ending / "tiny.toml").write_text(
        (ending / "tiny.toml").read_text().replace("images = ", "images = 100_000_000 # ")
    )
    running = process("run", "--suite", "tiny.toml", "--yes", start_new_session=True)
    until(lambda: children_of(running.pid) and list(ending.glob("home/checkpoints/**/*.pt")))
    os.killpg(running.pid, signal.SIGINT)
    _, said = running.communicate(timeout=120)
    assert running.returncode == 130
    assert "twice" not in said
    assert list(ending.glob("home/checkpoints/**/training.pt"))

"""Whatever happens in a verb: one line, an exit code that says whose it is, and the traceback only on request."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.boards import board, published
from bench.errors import Interrupted, UserError


def stops(monkeypatch, error: BaseException) -> None:
    """Let `bench references` and `bench gate` raise."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(published, "load", fail)
    monkeypatch.setattr(board, "load", fail)


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (UserError("this cannot be"), 2, "error: this cannot be"),
        (UserError("two\nlines \x1b[31m"), 2, "error: two lines �[31m"),
        (FileNotFoundError(2, "No such file or directory", "there.json"), 2, "there.json: No such file or directory"),
        (OSError(28, "No space left on device"), 2, "No space left on device"),
        (UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "invalid"), 2, "text in an unexpected encoding"),
        (UnicodeEncodeError("utf-8", "\udc80", 0, 1, "surrogates not allowed"), 2, "text in an unexpected encoding"),
        (ZeroDivisionError("division by zero"), 1, "failed: ZeroDivisionError: division by zero. --debug shows where"),
        (RecursionError("too deep"), 1, "failed: RecursionError"),
        (RuntimeError("no memory\nframe #0: c10::Error" + 900 * "x"), 1, "failed: RuntimeError: no memory. --debug"),
        (MemoryError(), 1, "failed: MemoryError"),
        (SystemExit(0), 1, "a module called sys.exit(0)"),
        (KeyboardInterrupt(), 130, "interrupted. The same command continues where it stopped."),
        (Interrupted(signal.SIGTERM), 143, "interrupted."),
        (Interrupted(signal.SIGTERM, "saved at 5,000 images."), 143, "bench: saved at 5,000 images."),
    ],
)
def test_an_exception_becomes_a_line_and_an_exit_code(bench, monkeypatch, error, code, words):
    stops(monkeypatch, error)
    found, out, err = bench("references")
    assert (found, out) == (code, "")
    assert words in err
    assert len(err.splitlines()) == 1


def test_a_crash_of_the_gate_is_no_regression(bench, monkeypatch):
    stops(monkeypatch, ZeroDivisionError("division by zero"))
    code, _, err = bench("gate", "--baseline", "x")
    assert code == 70
    assert "failed: ZeroDivisionError" in err


def test_debug_shows_the_traceback(bench, monkeypatch):
    stops(monkeypatch, ZeroDivisionError("division by zero"))
    for arguments in (["--debug", "references"], ["references", "--debug"]):
        _, _, err = bench(*arguments)
        assert "Traceback" in err
        assert "in fail" in err


def test_a_reader_that_went_away_is_no_success(bench, monkeypatch):
    stops(monkeypatch, BrokenPipeError(32, "Broken pipe"))
    assert bench("references") == (141, "", "")


ASLEEP = """
import sys, time
from bench.boards import published
from bench.cli import main
def load():
    print("asleep", flush=True)
    time.sleep(60)
published.load = load
main(["references"])
"""


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_ends_a_verb_with_its_own_code(name, code):
    number = getattr(signal, name)
    command = [sys.executable, "-c", ASLEEP]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stdout is not None
    assert running.stdout.readline() == "asleep\n"
    running.send_signal(number)
    _, err = running.communicate(timeout=60)
    assert (running.returncode, err) == (code, "bench: interrupted. The same command continues where it stopped.\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_that_cannot_be_written_is_an_error(process):
    with Path("/dev/full").open("w") as full:
        running = process("references", stdout=full)
        _, err = running.communicate(timeout=60)
    assert running.returncode == 2
    assert "No space left on device" in err
    assert len(err.splitlines()) == 1


def test_closed_output_is_an_error(process):
    running = process("references", stdout=None, preexec_fn=lambda: os.close(1))
    _, err = running.communicate(timeout=60)
    assert running.returncode == 2
    assert err == "bench: error: standard output is closed. Redirect it to a file or to /dev/null.\n"

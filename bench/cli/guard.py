"""The entry of the command line: whatever happens in a verb ends in one line and an exit code.

0 done; 1 the answer is no (a failed run, an unsound record, a regression) or the bench itself failed; 2 the user can fix it;
70 `bench gate` itself failed, because there 1 means regression; 128 + n ended by signal n.
"""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

import typer

from bench.cli import several, supervise
from bench.cli.app import tree
from bench.cli.exit_codes import FAULT, SIGNALLED, USER
from bench.errors import Interrupted, UserError
from bench.formats import plain
from bench.runs.interrupts import SIGNALS, Latest
from bench.runs.lifeline import lifeline

GATE_FAULT = 70
SIGPIPE = 13
LONGEST = 500  # letters of a foreign message
CLICK_ERROR = typer.BadParameter.__mro__[2]  # click's ClickException, which typer does not name
CONTINUE = "interrupted. The same command continues where it stopped."


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit. A verb that trains is run in a child of its own."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if arguments is None and supervise.wanted(given):
        count = several.processes(given)
        sys.exit(supervise.run() if count == 1 else several.run(count))
    lifeline.hold()
    debug = "--debug" in given
    given = [argument for argument in given if argument != "--debug"]
    code = _guarded(lambda: _run(given), GATE_FAULT if given[:1] == ["gate"] else FAULT, debug)
    lifeline.leave(code)
    _finish_output(code)


def _run(arguments: list[str]) -> int:
    """Parse and run; the exit code."""
    command = tree()
    if "_BENCH_COMPLETE" in os.environ:  # the shell asks which words may follow
        command.main(args=arguments, prog_name="bench")
    _prepare_streams()
    _listen()
    _refuse_empty(arguments)
    with command.make_context("bench", arguments) as context:
        try:
            command.invoke(context)
        except SystemExit as stop:  # ours are typer.Exit: this one is of a module that a verb imported
            raise RuntimeError(f"a module called sys.exit({stop.code!r})") from stop
    return 0


def _guarded(run: Callable[[], int], fault: int, debug: bool) -> int:
    """The exit code of `run`, or of what it raised, which is said in one line."""
    try:
        code = run()
        sys.stdout.flush()
        return code
    except typer.Exit as stop:
        return stop.exit_code
    except BrokenPipeError:
        return SIGNALLED + SIGPIPE
    except (Exception, KeyboardInterrupt) as error:
        if debug:
            traceback.print_exc()
        code, words = _verdict(error, fault)
        with suppress(OSError):  # where nobody can be told, the code still says it
            print(f"bench: {plain(words)}", file=sys.stderr)
        return code


def _verdict(error: BaseException, fault: int) -> tuple[int, str]:
    """Exit code and message."""
    if isinstance(error, KeyboardInterrupt):
        return SIGNALLED + getattr(error, "signum", signal.SIGINT), str(error) or CONTINUE
    if isinstance(error, typer.Abort):
        return FAULT, "aborted."
    if isinstance(error, UserError):
        return USER, f"error: {error}"
    if isinstance(error, CLICK_ERROR):
        return USER, f"error: {_usage(error)}"
    if isinstance(error, OSError):
        where = f"{os.fspath(error.filename)!s}: " if error.filename is not None else ""
        return USER, f"error: {where}{error.strerror or error}. --debug shows where."
    if isinstance(error, UnicodeError):
        return USER, f"error: text in an unexpected encoding: {error}. --debug shows where."
    first = (str(error).strip().splitlines() or [""])[0][:LONGEST]  # PyTorch appends its own C++ frames
    return (
        fault,
        f"failed: {type(error).__name__}: {first}. --debug shows where; if that is in the bench, please report it.",
    )


def _refuse_empty(arguments: Sequence[str]) -> None:
    """No option means anything by an empty value; as a path it would be the current folder. NUL is in no path."""
    for before, argument in zip(("", *arguments), arguments, strict=False):
        option, equals, value = argument.partition("=") if argument.startswith("--") else (before, "=", argument)
        if equals and not value.strip():
            raise UserError(f"{option or 'an argument'} is given an empty value. Give another, or leave it out.")
        if "\0" in argument:
            raise UserError(f"{argument!r} holds a NUL character.")


def _usage(error: BaseException) -> str:
    """What click says of wrong usage, with the verb and where its help is."""
    words = error.format_message()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "bench"
    return f"{path.removeprefix('bench').strip()}: {words} See `{path} --help`.".removeprefix(": ")


def _prepare_streams() -> None:
    """Names of any encoding can be printed. Raises UserError where nothing can be printed at all."""
    if sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison]  # Python's value for a closed descriptor
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115  # takes the free descriptor before a file does
        raise UserError("standard output is closed. Redirect it to a file or to /dev/null.")
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


def _listen() -> None:
    """Signals that ask for an end become exceptions, so that what must be saved is saved. What is ignored stays ignored."""
    if threading.current_thread() is not threading.main_thread():
        return  # Python lets the main thread alone set handlers
    latest = Latest()

    def interrupt(signum: int, _: FrameType | None) -> None:
        if not latest.repeats(signum):
            raise Interrupted(signum)

    for number in SIGNALS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, interrupt)


def _finish_output(code: int) -> NoReturn:
    """Exit; output that could not be written is not tried again by the interpreter."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(code)

"""The one exception that the user can fix, its "did you mean", and an interruption from outside."""

import signal
from collections.abc import Iterable
from difflib import get_close_matches


class UserError(Exception):
    """Something the user can fix. The message says what, where, what was expected and what to do.

    The command line prints it without a traceback and exits with code 2.
    """


class Interrupted(KeyboardInterrupt):
    """A signal asks the process to end: SIGTERM, SIGHUP. Like Ctrl-C it passes ``except Exception``.

    Whoever catches it saves and raises it again. The command line exits with code 128 + `signum`.
    """

    def __init__(self, signum: int = signal.SIGINT, words: str = ""):
        super().__init__(words)
        self.signum = signum


NEAREST = 3  # names that are offered in place of an unknown one


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """The error for a name that does not exist: the nearest ones, e.g. ``unknown("member", "wgangp", members)``."""
    choices = sorted(known)
    close = [repr(other) for other in get_close_matches(name, choices, n=NEAREST, cutoff=0.5)]
    if not close:
        return UserError(f"unknown {kind} {name!r}. Known: {', '.join(choices) or 'none'}.")
    *others, last = close
    offered = f"{', '.join(others)} or {last}" if others else last
    return UserError(f"unknown {kind} {name!r}. Did you mean {offered}?")

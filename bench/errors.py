"""The one exception that is the user's to mend, and its "did you mean"."""

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(Exception):
    """Something the user can mend. The message says what, where, what was expected and what to do.

    The command line prints it without a traceback and exits with code 2.
    """


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """The error for a name that nobody knows, e.g. ``unknown("member", "wgangp", members)``."""
    choices = sorted(known)
    close = get_close_matches(name, choices, n=1, cutoff=0.5)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    return UserError(f"unknown {kind} {name!r}. {hint}Known: {', '.join(choices) or 'none'}.")

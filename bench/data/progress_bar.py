"""A progress bar for long preparations: on a terminal a bar, elsewhere one line at the start."""

import os
import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
LONG = 20_000  # rows from which a preparation is announced where there is no terminal


def track(items: Iterable[T], total: int, text: str) -> Iterator[T]:
    """Yield `items`, showing on standard error how far they are."""
    if not sys.stderr.isatty() or os.environ.get("CI"):
        if total >= LONG:
            print(f"{text}: {total:,} rows", file=sys.stderr)
        yield from items
        return
    from rich.console import Console
    from rich.progress import track as bar

    yield from bar(items, description=text, total=total, console=Console(stderr=True), transient=True)

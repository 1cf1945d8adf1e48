"""What verbs print: a table on a terminal, Markdown when piped, JSON for programs; and verdicts in the format asked for."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, cast

import typer

from bench.cli.options import Text
from bench.formats import NONE, escape, grid, plain

Row = Mapping[str, object]
GAP = 2  # between two columns
LEAST = 12  # of a column of words, however narrow the terminal is


class Renderers(Protocol):
    """A module that renders one kind of verdict."""

    render_text: Callable[[Any], str]
    render_markdown: Callable[[Any], str]
    render_json: Callable[[Any], str]


def show(module: Renderers, verdict: object, format: Text) -> None:
    """Print a verdict by the module that knows its kind."""
    renderers = {"text": module.render_text, "md": module.render_markdown, "json": module.render_json}
    typer.echo(renderers[format](verdict), nl=False)


def default_format() -> Literal["text", "md"]:
    """Drawn for a person at a terminal, Markdown for a pipe."""
    return "text" if sys.stdout.isatty() else "md"


def as_text(value: object) -> str:
    """A value for people: no Python syntax, no control characters."""
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, list | tuple):
        return ", ".join(as_text(item) for item in value) or NONE
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {as_text(item)}" for key, item in value.items()) or NONE
    return plain(value)


def table(rows: Sequence[Row], as_json: bool, *, wrap: bool = True) -> None:
    """Print rows that share their keys; on a terminal long text is wrapped, or cut so that a row is a line."""
    if as_json:
        print_json([dict(row) for row in rows])
    elif not rows:
        typer.echo("none")
    elif default_format() == "text":
        _draw(rows, wrap)
    else:
        lines = [[escape(as_text(value)) for value in row.values()] for row in rows]
        typer.echo("\n".join(grid([_label(key) for key in rows[0]], lines, left=len(rows[0]))), nl=False)


def card(title: str, facts: Mapping[str, object]) -> None:
    """Print everything about one thing: plain facts as a list, facts that are tables as tables below it."""
    tables = {key: value for key, value in facts.items() if isinstance(value, Mapping) or _is_table(value)}
    typer.echo(f"{title}\n")
    _facts({key: value for key, value in facts.items() if key not in tables})
    for key, value in tables.items():
        typer.echo(f"\n{_label(key)}\n")
        if isinstance(value, Mapping):
            _facts(value)
        else:
            table(cast("Sequence[Row]", value), as_json=False)


def _facts(facts: Mapping[str, object]) -> None:
    known = {key: value for key, value in facts.items() if value not in (None, "", [], (), {})}
    table([{"fact": _label(str(key)), "value": value} for key, value in known.items()], as_json=False)


def print_json(value: object) -> None:
    """Print a value for programs."""
    typer.echo(json.dumps(value, indent=1, default=_plain_json))


def _plain_json(value: object) -> object:
    """What JSON has no word for: tuples and sets as lists, paths and the like as text."""
    return list(value) if isinstance(value, tuple | set | frozenset) else str(value)


def _is_table(value: object) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _label(key: str) -> str:
    return key.replace("_", " ")


def _draw(rows: Sequence[Row], wrap: bool) -> None:
    """A table as wide as the terminal. What has no spaces is an id and stays whole: it is there to be copied."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False)
    texts = {key: [as_text(row[key]) for row in rows] for key in rows[0]}
    widths = _widths(texts, console.width)
    view = Table(box=None, pad_edge=False, header_style="bold")
    for key, width in widths.items():
        numeric = all(isinstance(row[key], int | float) and not isinstance(row[key], bool) for row in rows)
        overflow = "fold" if wrap else "ellipsis"
        view.add_column(
            _label(key), justify="right" if numeric else "left", width=width, no_wrap=not wrap, overflow=overflow
        )
    for line in zip(*texts.values(), strict=True):
        view.add_row(*line)
    console.width = max(console.width, sum(widths.values()) + GAP * len(widths))
    console.print(view, crop=False)


def _widths(texts: Mapping[str, Sequence[str]], terminal: int) -> dict[str, int]:
    """Ids get what they need; columns of words share what is left, the narrowest first."""
    wanted = {key: max(map(len, (_label(key), *found))) for key, found in texts.items()}
    words = sorted((key for key, found in texts.items() if any(" " in text for text in found)), key=wanted.__getitem__)
    left = terminal - GAP * len(wanted) - sum(width for key, width in wanted.items() if key not in words)
    widths = dict(wanted)
    for index, key in enumerate(words):
        widths[key] = max(min(wanted[key], left // (len(words) - index)), LEAST)
        left -= widths[key]
    return widths

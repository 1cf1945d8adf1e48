"""What verbs print: rows as a table or as JSON, and verdicts in the format that was asked for."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import typer

from bench.cli.options import Text


class Renderers(Protocol):
    """A module that renders one kind of verdict."""

    render_text: Callable[[Any], str]
    render_markdown: Callable[[Any], str]
    render_json: Callable[[Any], str]


def show(module: Renderers, verdict: object, format: Text) -> None:
    """Print a verdict by the module that knows its kind."""
    renderers = {"text": module.render_text, "md": module.render_markdown, "json": module.render_json}
    typer.echo(renderers[format](verdict), nl=False)


def table(rows: Sequence[Mapping[str, object]], as_json: bool) -> None:
    """Print rows that share their keys."""
    if as_json:
        typer.echo(json.dumps([dict(row) for row in rows], indent=1, default=list))
        return
    if not rows:
        typer.echo("nothing")
        return
    from rich.console import Console
    from rich.table import Table

    view = Table(box=None, pad_edge=False, header_style="bold")
    for key in rows[0]:
        view.add_column(key, justify="right" if _numeric(rows, key) else "left", overflow="fold")
    for row in rows:
        view.add_row(*(_text(value) for value in row.values()))
    Console(highlight=False, markup=False).print(view)


def _numeric(rows: Sequence[Mapping[str, object]], key: str) -> bool:
    return all(isinstance(row[key], int | float) and not isinstance(row[key], bool) for row in rows)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "NO"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return "; ".join(str(item) for item in value)
    return str(value)

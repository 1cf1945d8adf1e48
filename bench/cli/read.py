"""Verbs that only look: list, show."""

from typing import Annotated, Literal

import typer

from bench.cli.options import AsJson
from bench.errors import unknown

Kind = Literal["members", "suites", "datasets", "metrics", "extractors"]


def list_(kind: Annotated[Kind, typer.Argument(help="What to list.")], as_json: AsJson = False) -> None:
    """List members, suites, datasets, metrics or extractors."""
    from bench.cli.listing import full, short
    from bench.cli.show import table

    table(full(kind) if as_json else short(kind), as_json)


def show(name: Annotated[str, typer.Argument(metavar="NAME")], as_json: AsJson = False) -> None:
    """Show all that is known of one member, suite, data set, metric or extractor."""
    import json

    from bench.cli.listing import LISTINGS, detail

    known = {str(row["name"]): kind for kind, rows in LISTINGS.items() for row in rows()}
    if name not in known:
        raise unknown("name", name, known)
    found = detail(known[name], name)
    if as_json:
        typer.echo(json.dumps(found, indent=1, default=list))
        return
    for key, value in found.items():
        typer.echo(f"{key}: {value}" if "\n" not in str(value) else f"{key}:\n{value}")


verbs = (list_, show)

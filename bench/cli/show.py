"""bench show."""

from typing import Annotated

import typer

from bench.cli.grouping import examples
from bench.cli.options import AsJson
from bench.errors import unknown


@examples("bench show stylegan2-ada", "bench show fid", "bench show digits --json")
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of a member, suite, data set, metric or extractor.")],
    as_json: AsJson = False,
) -> None:
    """Show all that is known of one member, suite, data set, metric or extractor."""
    import json

    from bench.cli.listing import LISTINGS, detail

    known = {str(row["name"]): kind for kind, rows in LISTINGS.items() for row in rows()}
    if name not in known:
        raise unknown("name", name, known)
    facts = detail(known[name], name)
    if as_json:
        typer.echo(json.dumps(facts, indent=1, default=list))
        return
    for key, value in facts.items():
        typer.echo(f"{key}: {value}" if "\n" not in str(value) else f"{key}:\n{value}")

"""bench list."""

from typing import Annotated, Literal

import typer

from bench.cli.grouping import examples
from bench.cli.options import AsJson

Kind = Literal["members", "suites", "datasets", "metrics", "extractors"]


@examples("bench list members", "bench list metrics --json")
def list_(
    kind: Annotated[
        Kind,
        typer.Argument(metavar="KIND", help="members, suites, datasets, metrics or extractors.", show_choices=False),
    ],
    as_json: AsJson = False,
) -> None:
    """List members, suites, datasets, metrics or extractors."""
    from bench.cli.listing import full, short
    from bench.cli.output import table

    table(full(kind) if as_json else short(kind), as_json, wrap=False)

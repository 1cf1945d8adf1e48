"""bench merge."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.grouping import examples


@examples(
    "bench merge machine-a/results machine-b/results --out results",
    "bench merge alice/results --prefix alice- --out results",
)
def merge(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR", help="Folders of records.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where they come together; may hold records already.")],
    prefix: Annotated[
        str,
        typer.Option(
            metavar="NAME-", help="Before the name of every member that comes in: two people's my-gan stay two rows."
        ),
    ] = "",
) -> None:
    """Bring records of many machines into one folder; nothing is copied when anything is wrong."""
    from bench.records import merge as merging

    done = merging.merge(folders, out, prefix)
    typer.echo(
        f"{len(done.added)} records added to {out}, {done.already_there} were there, {done.files} files beside them."
    )

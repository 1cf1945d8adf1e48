"""bench validate."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import RESULTS, AsJson


def validate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the records.")] = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Check every record: schema, digests, invariants, artifacts, duplicates. Exit 1 when one is not sound."""
    from bench.cli.output import table
    from bench.records import record
    from bench.records import validate as validating

    problems = validating.validate(folder)
    if as_json:
        table([{"record": str(problem.path), "problem": problem.words} for problem in problems], as_json)
    else:
        count = sum(1 for _ in record.paths(folder))
        typer.echo(validating.render_text(problems, count, validating.leftovers(folder)), nl=False)
    if problems:
        raise typer.Exit(1)

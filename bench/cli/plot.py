"""bench plot."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.cli import complete
from bench.cli.grouping import examples
from bench.cli.options import RESULTS, Results


@examples("bench plot --suite digits --out figures --format pdf")
def plot(
    suite: Annotated[
        str, typer.Option("--suite", "-s", metavar="NAME", help="Of which suite.", autocompletion=complete.suites)
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the figures go.")],
    results: Results = RESULTS,
    format: Annotated[
        Literal["pdf", "png", "svg"], typer.Option("--format", metavar="pdf|png|svg", help="Of the files.")
    ] = "pdf",
) -> None:
    """Write every figure of a suite as a file for papers."""
    from bench import report as reports

    for path in reports.plot(results, suite, out, format):
        typer.echo(path)

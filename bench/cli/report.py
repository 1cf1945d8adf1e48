"""bench report."""

from typing import Annotated

import typer

from bench.cli import complete
from bench.cli.grouping import examples
from bench.cli.options import REPORTS, RESULTS, PagesOut, Results


@examples("bench report", "bench report --suite digits --results other/results --out other/reports")
def report(
    suite: Annotated[
        str | None,
        typer.Option("--suite", "-s", metavar="NAME", help="Only this suite.", autocompletion=complete.suites),
    ] = None,
    results: Results = RESULTS,
    out: PagesOut = REPORTS,
) -> None:
    """Write the pages of every suite from its records: offline, self-contained."""
    from bench.report import build

    for path in build(results, out, suite):
        typer.echo(path)

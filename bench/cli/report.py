"""bench report."""

import typer

from bench.cli.grouping import examples
from bench.cli.options import REPORTS, RESULTS, PagesOut, Results, SuiteFilter


@examples("bench report", "bench report --suite digits --results other/results --out other/reports")
def report(
    suite: SuiteFilter = None,
    results: Results = RESULTS,
    out: PagesOut = REPORTS,
) -> None:
    """Write the pages of every suite from its records: offline, self-contained."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from bench.report import build

    console = Console(stderr=True)
    columns = (TextColumn("pages"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("pages", total=None)
        written = build(results, out, suite, lambda done, total: bar.update(task, completed=done, total=total))
    for path in written:
        typer.echo(path)

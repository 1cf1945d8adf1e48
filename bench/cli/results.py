"""Verbs on records: leaderboard, report, validate. None of them needs torch."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bench.cli.options import REPORTS, RESULTS, AsJson, Reports, Results
from bench.errors import UserError

if TYPE_CHECKING:
    from bench.boards.rows import Board

SuiteFilter = Annotated[str | None, typer.Option("--suite", "-s", help="Only this suite.")]


def leaderboard(
    suite: SuiteFilter = None,
    results: Results = RESULTS,
    reports: Reports = REPORTS,
    format: Annotated[Literal["md", "csv", "json", "html"], typer.Option("--format", help="What to print.")] = "md",
    as_json: AsJson = False,
    across: Annotated[
        str | None, typer.Option(metavar="BASELINE", help="One table over all suites, as ratios to this member.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Print nothing; exit 1 when the committed reports are stale.")
    ] = False,
) -> None:
    """Rebuild the leaderboards from the records alone; the same records give the same bytes."""
    from bench.boards import board, render
    from bench.boards.speed_columns import attach

    if check:
        _check(results, reports)
        return
    if format == "html":
        raise UserError("leaderboard --format html: the page is made by `bench report`.")
    format = "json" if as_json else format
    boards = [attach(board.build(board.load(results, name)), results) for name in _suites(results, suite)]
    if across is not None:
        typer.echo(_over_all(boards, across, format), nl=False)
        return
    for one in boards:
        typer.echo(render.render(one, format), nl=False)


def report(
    suite: SuiteFilter = None,
    results: Results = RESULTS,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the pages go.")] = REPORTS,
) -> None:
    """Write the pages of every suite from its records: offline, self-contained."""
    from bench.report import build

    for path in build(results, out, suite):
        typer.echo(path)


def validate(
    folder: Annotated[Path, typer.Argument(metavar="DIR")] = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Check every record: schema, digests, invariants, artifacts, duplicates. Exit 1 when one is not sound."""
    from bench.cli.show import table
    from bench.records import merge, record

    found = merge.validate(folder)
    if as_json:
        table([{"record": str(problem.path), "problem": problem.words} for problem in found], as_json)
    else:
        typer.echo(merge.render_text(found, sum(1 for _ in record.paths(folder))), nl=False)
    if found:
        raise typer.Exit(1)


def plot(
    suite: Annotated[str, typer.Option("--suite", "-s", help="Of which suite.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the figures go.")],
    results: Results = RESULTS,
    format: Annotated[Literal["pdf", "png", "svg"], typer.Option("--format")] = "pdf",
) -> None:
    """Write every figure of a suite as a file for papers."""
    from bench import report as reports

    for path in reports.plot(results, suite, out, format):
        typer.echo(path)


def _over_all(boards: "list[Board]", baseline: str, format: str) -> str:
    from bench.boards import across

    if format not in across.RENDERERS:
        raise UserError(f"leaderboard --across: gives {' or '.join(across.RENDERERS)}, not {format}.")
    return across.RENDERERS[format](across.across(boards, baseline))


def _check(results: Path, reports: Path) -> None:
    from bench.report import check

    stale = check(results, reports)
    for words in stale:
        typer.echo(words, err=True)
    if stale:
        typer.echo("Run `bench report` and commit what it writes.", err=True)
        raise typer.Exit(1)


def _suites(results: Path, suite: str | None) -> list[str]:
    from bench.records import record

    found = sorted({path.parent.parent.name for path in record.paths(results, suite)})
    if not found:
        where = f"{results}/{suite}" if suite else str(results)
        raise UserError(f"there are no records in {where}. Make some with `bench run --suite {suite or 'demo'}`.")
    return found


verbs = (leaderboard, report, plot, validate)

"""bench leaderboard."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bench.cli.grouping import examples
from bench.cli.options import REPORTS, RESULTS, AsJson, Reports, Results, SuiteFilter
from bench.errors import UserError

if TYPE_CHECKING:
    from bench.boards.rows import Board

Format = Literal["text", "md", "csv", "json", "latex"]


@examples(
    "bench leaderboard --suite digits",
    "bench leaderboard --suite digits --format csv > scores.csv",
    "bench leaderboard --suite digits --format latex > table.tex",
    "bench leaderboard --across dcgan",
    "bench leaderboard --check",
)
def leaderboard(
    suite: SuiteFilter = None,
    results: Results = RESULTS,
    reports: Reports = REPORTS,
    format: Annotated[
        Format | None,
        typer.Option(
            "--format",
            metavar="text|md|csv|json|latex",
            help="What to print.",
            show_default="text on a terminal, md in a pipe",
        ),
    ] = None,
    as_json: AsJson = False,
    across: Annotated[
        str | None, typer.Option(metavar="BASELINE", help="One table over all suites, as ratios to this member.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Print nothing; exit 1 when the committed reports are stale.")
    ] = False,
) -> None:
    """Rebuild the leaderboards from the records alone; the same records give the same bytes."""
    from bench.boards import board
    from bench.boards.speed_columns import attach

    if check:
        _check(results, reports)
        return
    asked = "json" if as_json else format
    boards = [attach(board.build(board.load(results, name)), results) for name in _suites(results, suite)]
    if across is not None:
        typer.echo(_over_all(boards, across, asked or "md"), nl=False)
        return
    _print(boards, asked)


def _print(boards: "list[Board]", format: Format | None) -> None:
    from bench.boards import render
    from bench.cli import board_view
    from bench.cli.output import default_format

    chosen = format or default_format()
    for board in boards:
        if chosen == "text":
            board_view.show(board)
        else:
            typer.echo(render.render(board, chosen), nl=False)


def _over_all(boards: "list[Board]", baseline: str, format: str) -> str:
    from bench.boards import across

    if format not in across.RENDERERS:
        raise UserError(f"leaderboard --across: gives {' or '.join(across.RENDERERS)}, not {format}.")
    return across.RENDERERS[format](across.across(boards, baseline))


def _check(results: Path, reports: Path) -> None:
    from bench.report import check

    stale = check(results, reports)
    for line in stale:
        typer.echo(line, err=True)
    if stale:
        typer.echo("Run `bench report` and commit what it writes.", err=True)
        raise typer.Exit(1)


def _suites(results: Path, suite: str | None) -> list[str]:
    from bench.records import record
    from bench.suites.suite import name_of

    suite = suite and name_of(suite)
    names = record.suites(results, suite)
    if not names:
        where = f"{results}/{suite}" if suite else str(results)
        raise UserError(f"there are no records in {where}. Make some with `bench run --suite {suite or 'demo'}`.")
    return names

"""bench compare."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli import complete
from bench.cli.choices import Place, experiment_of
from bench.cli.grouping import examples
from bench.cli.options import REPORTS, OfCheckpoint, PagesOut, SuiteName, TextFormat

if TYPE_CHECKING:
    from bench.boards.verdicts.compare import Comparison
    from bench.suites.suite import Suite


@dataclass(frozen=True)
class Page:
    """The comparison as a page."""

    page: Annotated[bool, typer.Option("--page", help="Write a page with pictures too.")] = False
    out: PagesOut = REPORTS

    def write(self, verdict: "Comparison", results: Path) -> None:
        """Write it where it was asked for, and say where it is."""
        from bench import report

        if self.page:
            typer.echo(report.compare(verdict, results, self.out))


@examples("bench compare mypackage.my_gan:my_gan --against dcgan --against sngan --suite demo")
def compare(
    variant: Annotated[
        str,
        typer.Argument(metavar="NAME|MODULE:FUNCTION", help="The member in question.", autocompletion=complete.members),
    ],
    against: Annotated[
        list[str],
        typer.Option(
            "--against",
            metavar="NAME|MODULE:FUNCTION",
            help="A baseline; repeatable.",
            autocompletion=complete.members,
        ),
    ],
    place: Place,
    page: Page,
    suite: SuiteName = "digits",
    format: TextFormat = "text",
    checkpoint: OfCheckpoint = "last",
    paired: Annotated[bool, typer.Option("--paired", help="Compare runs of the same seed with each other.")] = False,
    run: Annotated[bool, typer.Option("--run/--no-run", help="Run the jobs that are missing first.")] = True,
) -> None:
    """Say whether a variant is better, by how much, and how sure; run what is missing."""
    from bench.boards import board
    from bench.boards.verdicts import compare as comparing
    from bench.boards.verdicts import compare_text
    from bench.cli.output import show
    from bench.members import find
    from bench.suites.suite import load

    asked = load(suite, place.results)
    names = [find(name, asked.training.width).name for name in (variant, *against)]
    failed = _run_missing(asked, [variant, *against], place) if run else 0
    records = list(board.load(place.results, asked.name))
    verdict = comparing.compare(board.build(records), names[0], names[1:], checkpoint=checkpoint, paired=paired)
    show(compare_text, verdict, format)
    page.write(verdict, place.results)
    if failed:
        raise typer.Exit(1)


def _run_missing(suite: "Suite", names: Sequence[str], place: Place) -> int:
    """Run what is missing; the number of jobs that failed."""
    from bench.cli.view import watch
    from bench.runs.run import FAILURES, Finished, run, todo

    experiment = experiment_of(suite, place)
    jobs = todo(experiment, experiment.jobs(names))
    failed = 0
    for event in watch(run(experiment, jobs), jobs):
        failed += isinstance(event, Finished) and event.record.status in FAILURES
    if failed:
        typer.echo(f"{failed} of {len(jobs)} jobs failed: they are missing above.", err=True)
    return failed

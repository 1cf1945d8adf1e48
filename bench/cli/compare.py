"""bench compare."""

from collections.abc import Sequence
from typing import Annotated

import typer

from bench.cli import complete
from bench.cli.choices import Place, experiment_of
from bench.cli.grouping import examples
from bench.cli.options import REPORTS, OfCheckpoint, PagesOut, SuiteName, TextFormat


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
    suite: SuiteName = "digits",
    format: TextFormat = "text",
    checkpoint: OfCheckpoint = "last",
    paired: Annotated[bool, typer.Option("--paired", help="Compare runs of the same seed with each other.")] = False,
    run: Annotated[bool, typer.Option("--run/--no-run", help="Run the jobs that are missing first.")] = True,
    page: Annotated[bool, typer.Option("--page", help="Write a page with pictures too.")] = False,
    out: PagesOut = REPORTS,
) -> None:
    """Say whether a variant is better, by how much, and how sure; run what is missing."""
    from bench import members
    from bench.boards import board
    from bench.boards.verdicts import compare as comparing
    from bench.boards.verdicts import compare_text
    from bench.cli.output import show
    from bench.suites.suite import name_of

    names = [members.find(name).name for name in (variant, *against)]
    if run:
        _run_missing(suite, [variant, *against], place)
    records = list(board.load(place.results, name_of(suite)))
    verdict = comparing.compare(board.build(records), names[0], names[1:], checkpoint=checkpoint, paired=paired)
    show(compare_text, verdict, format)
    if page:
        from bench import report

        typer.echo(report.compare(verdict, place.results, out))


def _run_missing(suite: str, names: Sequence[str], place: Place) -> None:
    from bench.cli.view import watch
    from bench.runs.run import run, todo
    from bench.suites.suite import load

    experiment = experiment_of(load(suite, place.results), place)
    jobs = todo(experiment, experiment.jobs(names))
    for _ in watch(run(experiment, jobs), jobs):
        pass

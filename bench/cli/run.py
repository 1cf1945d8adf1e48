"""bench run."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bench.cli.choices import Engine, Place, SuiteChoice, experiment_of
from bench.cli.grouping import examples

if TYPE_CHECKING:
    from bench.runs.run import Event
    from bench.suites.suite import Suite


@examples(
    "bench run --suite mnist",
    "bench run --suite demo --member mypackage.my_gan:my_gan --seed 0",
    "bench run --dataset folder:photos/ --resolution 64 --member stylegan2-ada",
)
def run(
    choice: SuiteChoice,
    place: Place,
    engine: Engine,
    retry: Annotated[
        Literal["none", "failed"], typer.Option(metavar="none|failed", help="Run jobs again that failed.")
    ] = "none",
    checkpoint_seconds: Annotated[float, typer.Option(metavar="SECONDS", min=0, help="Between checkpoints.")] = 60.0,
) -> None:
    """Train, score and record what is missing. The same command continues after any interruption."""
    from bench.cli.view import watch
    from bench.runs.run import run as run_jobs

    suite = choice.load(place.data_root)
    experiment = experiment_of(suite, place, engine)
    _keep(choice, suite, place.results)
    jobs = experiment.jobs(choice.members, choice.seeds)
    events = run_jobs(experiment, jobs, retry_failed=retry == "failed", checkpoint_seconds=checkpoint_seconds)
    _report_failures(list(watch(events, jobs)))


def _keep(choice: SuiteChoice, suite: "Suite", results: Path) -> None:
    """A suite that does not come with the bench is kept beside its records."""
    from bench.runs import own_data

    if choice.dataset is not None:
        path = own_data.keep(suite, results)
        typer.echo(f"{own_data.render(suite)}\nKept, with what ran before, in {path}.\n")
    elif choice.suite and choice.suite.endswith(".toml"):
        own_data.keep_file(Path(choice.suite), suite, results)


def _report_failures(events: Sequence["Event"]) -> None:
    from bench.runs.run import FAILURES, Finished

    failed = [event for event in events if isinstance(event, Finished) and event.record.status in FAILURES]
    for event in failed:
        failure = event.record.failure
        typer.echo(f"failed: {event.path}: {failure.type}: {failure.message}" if failure else event.path, err=True)
    if failed:
        raise typer.Exit(1)

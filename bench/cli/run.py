"""bench run."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bench.cli.choices import Engine, Place, SuiteChoice, experiment_of
from bench.cli.grouping import examples
from bench.cli.several import MOST, conclude, count_of

if TYPE_CHECKING:
    from bench.runs.experiment import Experiment, Job
    from bench.runs.run import Finished, Skipped
    from bench.suites.suite import Suite

SHOWN = 300  # letters of a failure's message
DAY = 86_400.0  # seconds of work from which a person is asked


def known_processes(text: str) -> str:
    """The parent of several processes has read it before (bench.cli.several); here it is refused where it means nothing."""
    if count_of(text) is None:
        raise typer.BadParameter(f"{text!r}: local, or local:N with 1 to {MOST} processes, was expected.")
    return text


@dataclass(frozen=True)
class Work:
    """How the jobs are gone through."""

    retry: Annotated[
        Literal["none", "failed"], typer.Option(metavar="none|failed", help="Run jobs again that failed.")
    ] = "none"
    checkpoint_seconds: Annotated[float, typer.Option(metavar="SECONDS", min=0, help="Between checkpoints.")] = 60.0
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before work of more than a day.")] = False
    on: Annotated[
        str,
        typer.Option(
            metavar="local[:N]",
            help="N processes that share jobs and cores; local: one per core.",
            callback=known_processes,
        ),
    ] = "local:1"


@dataclass(frozen=True)
class Tracking:
    """Who is told what goes on."""

    track: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Tell an experiment tracker: tensorboard, wandb, mlflow; repeatable."),
    ] = None
    track_dir: Annotated[Path, typer.Option(metavar="DIR", help="Where trackers keep their files.")] = Path("tracking")


@examples(
    "bench run --suite mnist",
    "bench run --suite demo --on local:2",
    "bench run --suite cifar10 --member stylegan2-ada --parts 8 --devices 8",
    "bench run --suite demo --member mypackage.my_gan:my_gan --seed 0",
    "bench run --dataset folder:photos/ --resolution 64 --member stylegan2-ada",
    "bench run --suite demo --member my_gan:my_gan --as wider --author 'A. Lovelace'",
    "bench run --suite demo --member my_gan:my_gan --at main --results baseline",
    "bench run --suite demo --member 'dcgan(width=32, lr=1e-4)'",
)
def run(
    choice: SuiteChoice,
    place: Place,
    engine: Engine,
    work: Work,
    tracking: Tracking,
    author: Annotated[
        str, typer.Option(metavar="NAME", envvar="BENCH_AUTHOR", help="Who stands for members that are in no package.")
    ] = "",
    at: Annotated[
        str | None,
        typer.Option(
            metavar="REV", help="Train the members as a git revision has them, in a worktree and process of its own."
        ),
    ] = None,
) -> None:
    """Train, score and record what is missing. The same command continues after any interruption."""
    from bench.cli.plan import tell_unscaled
    from bench.cli.sharing import share
    from bench.cli.view import watch
    from bench.runs import crew
    from bench.runs.lifeline import lifeline
    from bench.runs.run import Progress, check, execute, todo
    from bench.trackers.feed import tracked
    from bench.trackers.names import opened

    suite = choice.load(place.data_root)
    if at is not None:
        raise typer.Exit(_run_at(at, choice.members(suite) or suite.members))
    experiment = experiment_of(suite, place, engine, skip_broken=choice.skip_broken)
    jobs = experiment.jobs(choice.members(suite), choice.seeds, author)
    if crew.rank():
        crew.serve(experiment, jobs)
        return
    tell_unscaled(experiment, jobs)
    failed_too = work.retry == "failed"
    waiting = todo(experiment, jobs, retry_failed=failed_too)
    expected = check(experiment, waiting)
    if not work.yes and sum(expected.get(job.member, 0.0) for job in waiting) > DAY:
        _ask(experiment, waiting)
    trackers = opened(tracking.track or [], tracking.track_dir)
    _keep(choice, suite, place.results)
    events = execute(experiment, jobs, retry_failed=failed_too, checkpoint_seconds=work.checkpoint_seconds)
    events = tracked(events, experiment, trackers) if trackers else events
    if lifeline.worker is not None:
        share(experiment, len(jobs), events)
        return
    conclude_run(experiment, [event for event in watch(events, jobs) if not isinstance(event, Progress)], len(jobs))


def _ask(experiment: "Experiment", waiting: Sequence["Job"]) -> None:
    """Before days of work: say how long it takes, and go on when told so. Only a terminal is asked."""
    from bench.cli.plan import sentence
    from bench.runs.estimate import plan

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return
    plans = plan(experiment, waiting)
    if sum(estimate.seconds.high for estimate in plans if estimate.seconds) > DAY:
        typer.confirm(f"{len(waiting)} jobs to do: {sentence(experiment, plans)}. Begin?", abort=True)


def _run_at(revision: str, names: Sequence[str]) -> int:
    """The same command without --at, under the revision's code."""
    from bench.runs.revision import run_at

    given = sys.argv[1:]
    index = next(index for index, argument in enumerate(given) if argument == "--at" or argument.startswith("--at="))
    width = 2 if given[index] == "--at" else 1
    return run_at(revision, names, [*given[:index], *given[index + width :]])


def _keep(choice: SuiteChoice, suite: "Suite", results: Path) -> None:
    """A suite that does not come with the bench is kept beside its records."""
    from bench.runs import own_data

    if choice.dataset is not None:
        path = own_data.keep(suite, results)
        typer.echo(f"{own_data.render(suite)}\nKept, with what ran before, in {path}.\n")
    elif choice.suite and choice.suite.endswith(".toml"):
        own_data.keep_file(Path(choice.suite), suite, results)


def conclude_run(experiment: "Experiment", ended: Sequence["Finished | Skipped"], wanted: int) -> None:
    """Name what failed and what is not done. Exit 1 for failed jobs, 4 where another process still runs some."""
    from bench.runs.run import FAILURES, Finished, status

    failed, running = 0, 0
    for event in ended:
        now = status(experiment, event.job)
        failed += now in FAILURES
        running += now is None
        if isinstance(event, Finished) and now in FAILURES:
            failure = event.record.failure
            said = f"{failure.type}: {failure.message}" if failure else event.record.status
            typer.echo(f"failed: {event.path}: {' '.join(said.split())[:SHOWN]}", err=True)
    if code := conclude(wanted, failed, running):
        raise typer.Exit(code)

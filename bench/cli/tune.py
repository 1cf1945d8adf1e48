"""bench tune."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bench.cli import complete
from bench.cli.choices import Place, experiment_of
from bench.cli.grouping import examples
from bench.cli.options import LARGEST_SEED, SuiteName, regular
from bench.cli.run import conclude_run, known_processes

if TYPE_CHECKING:
    from bench.runs.experiment import Experiment, Job
    from bench.runs.run import Event
    from bench.search.search import Search


@dataclass(frozen=True)
class Method:
    """How a search goes on."""

    share: Annotated[
        float,
        typer.Option(metavar="SHARE", min=0.0001, max=1.0, help="Of the suite's budget that a trial gets, up to 1."),
    ] = 1.0
    sampler: Annotated[
        Literal["tpe", "random"], typer.Option(metavar="tpe|random", help="How trials are proposed.")
    ] = "tpe"
    search_seed: Annotated[int, typer.Option(metavar="N", min=0, max=LARGEST_SEED, help="Of the sampler.")] = 0
    tuning_dir: Annotated[Path, typer.Option(metavar="DIR", help="Where searches and their trials are kept.")] = Path(
        "tuning"
    )
    search_only: Annotated[bool, typer.Option("--search-only", help="Leave out the final rows.")] = False
    on: Annotated[
        str,
        typer.Option(metavar="local[:N]", help="N processes that share trials and cores.", callback=known_processes),
    ] = "local:1"


@examples(
    "bench tune dcgan --suite digits --space space.toml --trials 12",
    "bench tune 'sngan(width=32)' --suite cifar10 --space space.toml --trials 40 --share 0.25",
    "bench tune dcgan --suite digits --space space.toml --trials 20 --sampler random --on local:2",
)
def tune(
    member: Annotated[
        str, typer.Argument(metavar="MEMBER", help="Whose parameters are searched.", autocompletion=complete.members)
    ],
    suite: SuiteName,
    space: Annotated[
        Path, typer.Option(metavar="FILE", help="Parameters and their ranges, in TOML.", callback=regular)
    ],
    trials: Annotated[int, typer.Option(metavar="N", min=1, help="Configurations to try, those of before too.")],
    place: Place,
    method: Method,
) -> None:
    """Search a member's parameters on held-out images, then run the best with fresh seeds; what it cost is in the records.

    The same command continues after any interruption, and may be started several times to share the work.
    """
    from bench.runs.lifeline import lifeline
    from bench.search.study import conclude

    final, search = _prepared(member, suite, space, trials, place, method)
    _show(search.experiment, search.run(), trials)
    study = conclude(search)
    if not lifeline.worker:
        typer.echo(f"{study.text()}\nKept in {search.folder}.")
    if method.search_only:
        return
    _keep(suite, final, place.results)
    jobs = [replace(job, tuning=study.tuning()) for job in final.jobs([study.best])]
    _run_final(final, jobs)


def _prepared(
    member: str, suite: str, space: Path, trials: int, place: Place, method: Method
) -> "tuple[Experiment, Search]":
    """The suite and the search on this machine; what can be known to fail is refused before anything is trained."""
    from bench import members
    from bench.runs.run import check
    from bench.search import search as searches
    from bench.search.space import load
    from bench.suites.suite import load as load_suite

    listing = members.find(member)
    plan = searches.Plan(listing, load(space, listing), trials, method.sampler, method.search_seed)
    asked = load_suite(suite)
    final = experiment_of(asked, place)
    folder = method.tuning_dir / asked.name / listing.base
    trial = searches.trial_suite(asked, listing.argument, method.share)
    search = searches.Search.of(plan, experiment_of(trial, replace(place, results=folder)), folder)
    for experiment in (search.experiment, final):
        check(experiment, experiment.jobs([listing.argument])[:1])
    return final, search


def _show(experiment: "Experiment", events: "Iterator[Event]", total: int) -> "list[Event]":
    """Run the events to their end on the terminal, or tell them to the parent that shows several workers."""
    from bench.cli.sharing import lines
    from bench.cli.view import watch
    from bench.runs.lifeline import lifeline
    from bench.runs.progress import Progress

    shown = lines(events, total) if lifeline.worker is not None else watch(events, range(total))
    return [event for event in shown if not isinstance(event, Progress)]


def _keep(name: str, final: "Experiment", results: Path) -> None:
    """A suite that does not come with the bench is kept beside its records."""
    from bench.runs import own_data

    if name.endswith(".toml"):
        own_data.keep_file(Path(name), final.suite, results)


def _run_final(experiment: "Experiment", jobs: "Sequence[Job]") -> None:
    """The rows that boards show. A record from before the search does not say what the search cost."""
    from bench.runs.run import Finished, Skipped, latest
    from bench.search.search import finished_together

    untold = [job for job in jobs if (record := latest(experiment, job)) and record.tuning != job.tuning]
    if untold:
        typer.echo(
            f"{untold[0].member.name}: {len(untold)} of {len(jobs)} records are from before this search and do not say what it cost.",
            err=True,
        )
    events = _show(experiment, finished_together(experiment, jobs), len(jobs))
    conclude_run(experiment, [event for event in events if isinstance(event, Finished | Skipped)], len(jobs))

"""bench plan."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.choices import Place, SuiteChoice, experiment_of
from bench.cli.grouping import examples
from bench.cli.options import AsJson

if TYPE_CHECKING:
    from bench.runs.estimate import CostEstimate
    from bench.runs.experiment import Experiment, Job


Again = Annotated[bool, typer.Option("--again", help="Time every member again, whatever is kept from before.")]


@examples("bench plan --suite mnist", "bench plan --suite cifar10 --member sngan --device cuda")
def plan(choice: SuiteChoice, place: Place, again: Again = False, as_json: AsJson = False) -> None:
    """Say what a run would do, and how long it would take on this machine, from timed rounds.

    Training, samples, features and metrics are counted. A member is timed for some seconds, once on a machine: what was
    timed is kept in the cache until its code, its size, the number of threads or PyTorch changes.
    """
    from bench.cli.output import table
    from bench.runs.estimate import plan as plan_jobs

    experiment = experiment_of(choice.load(place.data_root), place)
    plans = plan_jobs(experiment, experiment.jobs(choice.members(experiment.suite), choice.seeds), again=again)
    table([_row(experiment, estimate) for estimate in plans], as_json)
    if not as_json:
        tell_unscaled(experiment, [estimate.job for estimate in plans])
        waiting = [estimate for estimate in plans if estimate.state != "done"]
        typer.echo(
            f"{len(waiting)} of {len(plans)} jobs to do{f': {sentence(experiment, waiting)}' if waiting else ''}."
        )


def tell_unscaled(experiment: "Experiment", jobs: Sequence["Job"]) -> None:
    """Which members keep their own width where the suite scales it."""
    if unscaled := experiment.unscaled(jobs):
        factor = experiment.suite.training.width
        typer.echo(
            f"width {factor:g} is not for {', '.join(unscaled)}: no such parameter. They keep their own.", err=True
        )


def _row(experiment: "Experiment", estimate: "CostEstimate") -> dict[str, object]:
    seconds, train, evaluate = estimate.seconds, estimate.train, estimate.evaluate
    budget = experiment.budget(estimate.job) if estimate.job.trains else None
    return {
        "member": estimate.job.member.name,
        "seed": estimate.job.seed,
        "state": estimate.state,
        "images": budget and budget.images,
        "seconds": seconds and round(seconds.mean, 1),
        "low": seconds and round(seconds.low, 1),
        "high": seconds and round(seconds.high, 1),
        "train": train and round(train.mean, 1),
        "evaluate": evaluate and round(evaluate.mean, 1),
    }


def sentence(experiment: "Experiment", waiting: Sequence["CostEstimate"]) -> str:
    """What the jobs take together on this machine, and how sure that is."""
    from bench.cli.view import duration
    from bench.runs.estimate import Seconds, real_features

    known = [(estimate.train, estimate.evaluate) for estimate in waiting if estimate.train and estimate.evaluate]
    train = sum((train for train, _ in known), Seconds())
    evaluate = sum((evaluate for _, evaluate in known), Seconds())
    total, real = train + evaluate, real_features(experiment)
    share = evaluate.mean / max(total.mean, 1e-9)
    return (
        f"about {duration(total.mean)} on this machine ({duration(total.low)} to {duration(total.high)} by the spread of "
        f"the timed rounds), {share:.0%} of it evaluation; features of the real images once, {duration(real.mean)}, "
        "unless they are kept from before"
    )

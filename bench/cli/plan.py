"""bench plan."""

import typer

from bench.cli.choices import Place, SuiteChoice, experiment_of
from bench.cli.grouping import examples
from bench.cli.options import AsJson


@examples("bench plan --suite mnist", "bench plan --suite cifar10 --member sngan --device cuda")
def plan(choice: SuiteChoice, place: Place, as_json: AsJson = False) -> None:
    """Say what a run would do, and how long it would take on this machine, from a few timed steps."""
    from bench.cli.output import table
    from bench.runs.estimate import plan as plan_jobs

    experiment = experiment_of(choice.load(place.data_root), place)
    plans = plan_jobs(experiment, experiment.jobs(choice.members, choice.seeds))
    rows = [
        {
            "member": p.job.member.name,
            "seed": p.job.seed,
            "state": p.state,
            "seconds": p.seconds and round(p.seconds, 1),
        }
        for p in plans
    ]
    table(rows, as_json)
    if not as_json:
        total = sum(p.seconds or 0 for p in plans)
        waiting = sum(p.state != "done" for p in plans)
        typer.echo(f"{waiting} of {len(plans)} jobs to do, about {total / 60:.1f} min on this machine.")

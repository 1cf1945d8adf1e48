"""bench status."""

from typing import TYPE_CHECKING

import typer

from bench.cli.choices import Place, SuiteChoice, experiment_of
from bench.cli.grouping import examples
from bench.cli.options import AsJson

if TYPE_CHECKING:
    from bench.runs.standing import Standing

LONGEST = 100  # letters of a failure in the table


@examples("bench status --suite mnist", "bench status --suite cifar10 --member sngan --results shared/results --json")
def status(choice: SuiteChoice, place: Place, as_json: AsJson = False) -> None:
    """How the jobs of a suite stand: done, failed, running (where, how far, last sign of life), waiting."""
    from bench.cli.output import table
    from bench.runs.standing import counts, standings

    experiment = experiment_of(choice.load(place.data_root), place)
    found = standings(experiment, experiment.jobs(choice.members(experiment.suite), choice.seeds))
    table([_facts(one) if as_json else _row(one) for one in found], as_json)
    if not as_json:
        told = ", ".join(f"{number} {state}" for state, number in counts(found).items())
        typer.echo(f"{len(found)} jobs: {told}.")


def _facts(one: "Standing") -> dict[str, object]:
    sign = one.sign.model_dump() if one.sign else None
    return {
        "member": one.job.member.name, "seed": one.job.seed, "state": one.state, "sign": sign, "age": one.age, "why": one.why,
    }  # fmt: skip


def _row(one: "Standing") -> dict[str, str]:
    from bench.cli.view import duration

    row = {"member": one.job.member.name, "seed": str(one.job.seed), "state": one.state}
    sign = one.sign
    if sign is None:
        return row | {"how far": one.why[:LONGEST], "where": "", "sign of life": "", "left": ""}
    doing = f", {sign.activity}" if sign.activity else ""
    return row | {
        "how far": f"{sign.images:,} of {sign.budget:,} images{doing}",
        "where": f"{sign.host}, process {sign.process}",
        "sign of life": f"{duration(one.age or 0)} ago",
        "left": "" if sign.seconds_left is None or one.state == "silent" else duration(sign.seconds_left),
    }

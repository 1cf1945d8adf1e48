"""bench verify."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.grouping import examples
from bench.cli.options import AsJson, DataRoot


@examples("bench verify results/mnist/dcgan/0-abc.json", "bench verify results/mnist/dcgan/0-abc.json --tolerance 0.02")
def verify(
    record: Annotated[Path, typer.Argument(metavar="RECORD", help="The record of a run.")],
    tolerance: Annotated[
        float, typer.Option(metavar="SHARE", min=0, help="How far a number may move, e.g. 0.02; 0: not by a bit.")
    ] = 0.0,
    device: Annotated[
        str | None, typer.Option(metavar="DEVICE", help="cpu, cuda, mps; default: as recorded.", show_default=False)
    ] = None,
    data_root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Train a recorded run again and compare every number. Exit 1 when one differs."""
    from bench.cli.output import table
    from bench.cli.view import watch
    from bench.runs.verify import again, compared, experiment_of

    experiment, job, recorded = experiment_of(record, device, data_root)
    events = again(experiment, job, recorded.environment.threads)
    found = compared(recorded, list(events if as_json else watch(events, [job])))
    table(
        [
            {"number": one.name, "recorded": one.recorded, "again": one.again, "difference": one.difference}
            for one in found.comparisons
            if as_json or one.difference
        ],
        as_json,
    )
    count, moved = len(found.comparisons), sum(one.difference > 0 for one in found.comparisons)
    if not as_json:
        said = "equal to the last bit" if not moved else f"{moved} of {count} differ"
        typer.echo(f"{count} numbers: {said}.")
        for line in found.surroundings if moved else ():
            typer.echo(f"differs too: {line}")
    if not found.holds(tolerance):
        raise typer.Exit(1)

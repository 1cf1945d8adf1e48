"""bench filter."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bench.cli import complete
from bench.cli.choices import execution_of
from bench.cli.grouping import examples
from bench.cli.judging import Judging
from bench.cli.options import AsJson, Device, OfCheckpoint, Trained
from bench.errors import UserError

PREFERS = 0.5  # a judge below it puts generated images above real ones


@examples(
    "bench filter results/digits/dcgan/0-abc.json",
    "bench filter results/digits/dcgan/0-abc.json --by critic --rates 1,0.5,0.25 --out curve.json",
)
def filter_(
    judging: Judging,
    source: Trained,
    rates: Annotated[str, typer.Option(metavar="SHARE,...", help="Shares that are kept.")] = "1,0.8,0.6,0.4,0.2",
    samples: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Images scored at every rate; default: its suite's.")
    ] = None,
    repeats: Annotated[int, typer.Option(metavar="N", min=1, max=100, help="Samples, of seeds 0 to N - 1.")] = 3,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC", help="NAME[@EXTRACTOR][:held-out]; repeatable. Default: FID, precision, recall.",
            autocompletion=complete.metrics,
        ),
    ] = None,
    checkpoint: OfCheckpoint = "last",
    out: Annotated[Path | None, typer.Option(metavar="PATH", help="Every point, as .json.")] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Leave out the worst images of a trained member: what FID, precision and recall become."""
    from bench.cli.output import print_json, table
    from bench.files import write_atomically
    from bench.filtering.curve import rows

    shares = _shares(rates)
    chosen = judging.of(source, execution_of(device), checkpoint)
    points = chosen.curve(shares, metric or (), samples, range(repeats))
    told = chosen.preference()
    found = {"by": judging.by, "preference": told, "points": [asdict(point) for point in points]}
    if out is not None:
        write_atomically(out, (json.dumps(found, indent=1) + "\n").encode())
    if as_json:
        print_json(found)
        return
    table(rows(points), as_json=False)
    typer.echo(f"{judging.by} puts a held-out image above a generated one in {told:.1%} of pairs.")
    if told <= PREFERS:
        typer.echo("It cannot tell them apart, or prefers generated ones: leaving out by it is not by quality.")


def _shares(text: str) -> list[float]:
    """Raises UserError for what is no list of shares above 0, at most 1."""
    try:
        shares = [float(part) for part in text.split(",")]
    except ValueError:
        shares = []
    if not shares or not all(0.001 <= share <= 1 for share in shares):
        raise UserError(f"--rates {text}: expected shares from 0.001 to 1, such as 1,0.5,0.25.")
    return shares

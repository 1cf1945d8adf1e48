"""bench sample."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.choices import execution_of
from bench.cli.grouping import examples
from bench.cli.judging import JUDGE, Judging
from bench.cli.options import LARGEST_SEED, Device, OfCheckpoint, Trained
from bench.errors import UserError

STEPS = 10  # images of a path between two latents


@examples(
    "bench sample results/mnist/dcgan/0-abc.json --n 1000 --out fakes.npz",
    "bench sample results/mnist/dcgan/0-abc.json --grid --out grid.png",
    "bench sample results/mnist/dcgan/0-abc.json --keep 0.5 --by critic --out best/",
)
def sample(
    judging: Judging,
    source: Trained,
    out: Annotated[Path, typer.Option(metavar="PATH", help="A new folder or an .npz; with a picture option a .png.")],
    n: Annotated[int, typer.Option("--n", "-n", metavar="N", min=1, max=10_000_000, help="How many images.")] = 64,
    seed: Annotated[int, typer.Option(metavar="N", min=0, max=LARGEST_SEED, help="Of the latents.")] = 0,
    grid: Annotated[bool, typer.Option("--grid", help="One picture of all.")] = False,
    interpolate: Annotated[bool, typer.Option("--interpolate", help="One picture of paths between latents.")] = False,
    checkpoint: OfCheckpoint = "last",
    truncation: Annotated[
        float, typer.Option(metavar="PSI", min=0, max=1, help="Below 1: less variety, for members that have it.")
    ] = 1.0,
    keep: Annotated[
        float,
        typer.Option(metavar="SHARE", min=0.001, max=1, help="The best share of more images.", rich_help_panel=JUDGE),
    ] = 1.0,
    device: Device = "auto",
) -> None:
    """Draw images from a trained member."""
    from bench.records.grid import COLUMNS
    from bench.runs import trained_model
    from bench.runs.gallery.image_files import write_grid

    if (grid or interpolate) and out.suffix != ".png":
        raise UserError(f"--out {out}: a picture is written as .png.")
    if interpolate and keep < 1:
        raise UserError("--keep: a path between latents is shown whole. Leave one of the two out.")
    execution = execution_of(device)
    chosen = judging.of(source, execution, checkpoint) if keep < 1 else None
    model = chosen.trained if chosen else trained_model.load(source, checkpoint, execution.device)
    origin = model.origin(source, seed)
    if chosen is not None:
        images, _ = chosen.kept(n, seed, truncation, keep)
        origin = replace(origin, kept=f"the best {keep:.3g} by {judging.by}")
    elif interpolate:
        images = model.sample(model.interpolation(-(-n // STEPS), STEPS, seed), execution)
    else:
        images = model.sample(model.request(n, seed, truncation), execution)
    if grid or interpolate:
        write_grid(images, out, STEPS if interpolate else COLUMNS, origin.chunks())
    else:
        trained_model.write_images(images, out, origin)
    typer.echo(out)

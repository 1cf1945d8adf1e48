"""bench score."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli import complete
from bench.cli.choices import execution_of
from bench.cli.grouping import examples
from bench.cli.options import LARGEST_SEED, AsJson, DataRoot, Device, OfCheckpoint, SkipBroken, regular
from bench.errors import UserError

if TYPE_CHECKING:
    from bench.metrics.measure import Measurement

AGAIN = "With a RECORD"


@dataclass(frozen=True)
class Sides:
    """What is compared with what."""

    real: Annotated[
        str | None,
        typer.Option(
            metavar="SET", help="A data set, or images or statistics as for --fake.", autocompletion=complete.datasets
        ),
    ] = None
    fake: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Images: a folder, .npz, .npy, .zip, .tar, parquet; or statistics (.npz)."),
    ] = None
    resolution: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Crop and resize both sides to N pixels; default: as they are."),
    ] = None
    skip_broken: SkipBroken = False


@dataclass(frozen=True)
class Again:
    """How a trained member is sampled."""

    checkpoint: OfCheckpoint = "last"
    samples: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Images; default: its suite's.", rich_help_panel=AGAIN)
    ] = None
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=0, max=LARGEST_SEED, help="Of the sample; default: its suite's.", rich_help_panel=AGAIN
        ),
    ] = None


@examples(
    "bench score --real mnist --fake samples.npz",
    "bench score --real photos/ --fake generated/ --metric fid@inception-v3",
    "bench score results/demo/dcgan/0-1a2b3c4d5e.json --metric ppl-z-full@lpips-vgg",
)
def score(
    sides: Sides,
    again: Again,
    trained: Annotated[
        Path | None,
        typer.Argument(metavar="RECORD", callback=regular, help="A record or a checkpoint, sampled and scored again."),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC",
            help="NAME[@EXTRACTOR][:held-out]; repeatable. Default: all that apply.",
            autocompletion=complete.metrics,
        ),
    ] = None,
    device: Device = "auto",
    data_root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Score images made anywhere, or a trained member again. No training."""
    if trained is not None:
        measured = _again(trained, sides, again, metric, device, data_root)
    else:
        measured = _images(sides, metric, device, data_root)
    _print(measured, as_json)


def _again(
    trained: Path, sides: Sides, again: Again, metrics: list[str] | None, device: str, data_root: Path | None
) -> "Sequence[Measurement]":
    if sides.fake is not None or sides.resolution is not None or sides.skip_broken:
        raise UserError("RECORD makes the images itself: leave out --fake, --resolution and --skip-broken.")
    from bench.runs.rescore import rescore

    return rescore(
        trained,
        metrics,
        real=sides.real,
        which=again.checkpoint,
        samples=again.samples,
        seed=again.seed,
        data_root=data_root,
        device=execution_of(device).device,
    )


def _images(sides: Sides, metrics: list[str] | None, device: str, data_root: Path | None) -> "Sequence[Measurement]":
    if sides.real is None or sides.fake is None:
        raise UserError("give --real and --fake, or a RECORD whose member is scored again.")
    from bench.metrics.score import score as score_images

    target = execution_of(device).device
    return score_images(
        sides.real,
        sides.fake,
        metrics,
        resolution=sides.resolution,
        data_root=data_root,
        device=target,
        skip_broken=sides.skip_broken,
        say=_say,
    )


def _print(measured: "Sequence[Measurement]", as_json: bool) -> None:
    """Every figure with what is needed to judge it; a column that no metric fills is left out for people."""
    from bench.cli.output import table

    keys = ["metric", "value", "error", "baseline", "samples_real", "samples_fake", "flags"]
    empty = {key for key in ("error", "baseline") if all(getattr(item, key) is None for item in measured)}
    shown = [key for key in keys if as_json or key not in empty]
    table([{key: getattr(item, key) for key in shown} for item in measured], as_json)


def _say(note: str) -> None:
    typer.echo(note, err=True)

"""bench score."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.cli import complete
from bench.cli.choices import execution_of
from bench.cli.grouping import examples
from bench.cli.options import AsJson, DataRoot, Device


@examples(
    "bench score --real mnist --fake samples.npz",
    "bench score --real photos/ --fake generated/ --metric fid@inception-v3",
    "bench score results/demo/dcgan/0-1a2b3c4d5e.json --metric ppl-z-full@lpips-vgg",
)
def score(
    trained: Annotated[
        Path | None,
        typer.Argument(metavar="[RECORD]", help="A record or a checkpoint: its member is sampled and scored again."),
    ] = None,
    real: Annotated[
        str | None,
        typer.Option(
            metavar="SET", help="A data set, or images or statistics as for --fake.", autocompletion=complete.datasets
        ),
    ] = None,
    fake: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Images: a folder, .npz, .npy, .zip, .tar, parquet; or statistics (.npz)."),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(metavar="METRIC", help="NAME[@EXTRACTOR][:held-out]; repeatable. Default: all that apply."),
    ] = None,
    resolution: Annotated[
        int | None, typer.Option(metavar="N", help="Crop and resize both sides to N pixels; default: as they are.")
    ] = None,
    which: Annotated[Literal["last", "best"], typer.Option(help="The checkpoint of a record.")] = "last",
    samples: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Images of a RECORD's member; default: its suite's.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Of the sample of a RECORD's member; default: its suite's.")
    ] = None,
    device: Device = "auto",
    data_root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Score images made anywhere, or a trained member again. No training."""
    from bench.cli.output import table
    from bench.errors import UserError

    target = execution_of(device).device
    if trained is not None:
        if fake is not None or resolution is not None:
            raise UserError("RECORD makes the images itself: leave out --fake and --resolution.")
        from bench.runs.rescore import rescore

        measured = rescore(
            trained, metric, real=real, which=which, samples=samples, seed=seed, data_root=data_root, device=target
        )
    else:
        if real is None or fake is None:
            raise UserError("give --real and --fake, or a RECORD whose member is scored again.")
        from bench.metrics.score import score as score_images

        measured = score_images(real, fake, metric, resolution=resolution, data_root=data_root, device=target, say=_say)
    keys = ["metric", "value", "error", "baseline", "samples_real", "samples_fake", "flags"]
    if not as_json:  # a column that no metric fills is left out on a terminal
        keys = [
            key
            for key in keys
            if key not in ("error", "baseline") or any(getattr(m, key) is not None for m in measured)
        ]
    table([{key: getattr(item, key) for key in keys} for item in measured], as_json)


def _say(note: str) -> None:
    typer.echo(note, err=True)

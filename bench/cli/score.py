"""bench score."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import complete
from bench.cli.choices import execution_of
from bench.cli.grouping import examples
from bench.cli.options import AsJson, DataRoot, Device


@examples(
    "bench score --real mnist --fake samples.npz",
    "bench score --real folder:photos/ --fake generated/ --metric fid@inception-v3",
)
def score(
    real: Annotated[
        str,
        typer.Option(metavar="SET", help="A data set, e.g. digits or folder:PATH.", autocompletion=complete.datasets),
    ],
    fake: Annotated[Path, typer.Option(metavar="PATH", help="A folder of images or an .npz (arr_0, uint8 NHWC).")],
    metric: Annotated[
        list[str] | None,
        typer.Option(metavar="METRIC", help="NAME@EXTRACTOR[:held-out]; repeatable. Default: all that apply."),
    ] = None,
    resolution: Annotated[
        int | None, typer.Option(metavar="N", help="Of the real images; default: that of the fakes.")
    ] = None,
    device: Device = "auto",
    data_root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Score images made anywhere against a data set. No training."""
    from bench.cli.output import table
    from bench.metrics.score import score as score_images

    measured = score_images(
        real, fake, metric, resolution=resolution, data_root=data_root, device=execution_of(device).device
    )
    keys = ("metric", "value", "samples_real", "samples_fake", "flags")
    table([{key: getattr(item, key) for key in keys} for item in measured], as_json)

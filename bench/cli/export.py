"""bench export."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.cli.grouping import examples
from bench.cli.options import OfCheckpoint, Trained


@examples("bench export results/mnist/dcgan/0-abc.json --to onnx --out generator.onnx")
def export(
    source: Trained,
    to: Annotated[
        Literal["onnx", "torchscript", "torch-export"],
        typer.Option("--to", metavar="FORMAT", help="onnx, torchscript or torch-export."),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="PATH", help="The file to write.")],
    checkpoint: OfCheckpoint = "last",
) -> None:
    """Export a trained generator, checked against PyTorch at batch 1 and 32 before it is written."""
    from bench.perf.export import TOLERANCE
    from bench.perf.export import export as write
    from bench.perf.traceable import exportable
    from bench.runs import trained_model

    model = trained_model.load(source, checkpoint)
    made = write(exportable(model.gan, model.nets, model.spec), to, out)
    agreement = ", ".join(f"{error:.1g} at batch {batch}" for batch, error in made.differences.items())
    typer.echo(f"{made.path}: {made.bytes:,} bytes; differs from eager by {agreement} (tolerance {TOLERANCE:g})")

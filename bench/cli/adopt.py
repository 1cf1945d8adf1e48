"""bench adopt."""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.choices import Engine, Place, experiment_of
from bench.cli.grouping import examples
from bench.cli.options import LARGEST_SEED, SuiteName


@dataclass(frozen=True)
class Facts:
    """What the file cannot say of itself."""

    as_: Annotated[str, typer.Option("--as", metavar="NAME", help="The row's name.")]
    budget: Annotated[
        str, typer.Option(metavar="TEXT", help="What it was trained with, in words; the board says that it is stated.")
    ]
    images: Annotated[
        int | None, typer.Option(metavar="N", min=0, max=10**15, help="Real images drawn in its training, if known.")
    ] = None
    latents: Annotated[
        str, typer.Option(metavar="PRIOR:WIDTH", help="gaussian:128, uniform:100; an ONNX file says its width.")
    ] = ""
    classes: Annotated[
        int, typer.Option(metavar="N", min=0, max=1_000_000, help="Classes that it is told; 0: none.")
    ] = 0
    weights: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Of MODULE:FUNCTION: a state dict or safetensors.")
    ] = None
    seed: Annotated[
        int, typer.Option(metavar="N", min=0, max=LARGEST_SEED, help="Of its training, where you have several.")
    ] = 0


@examples(
    "bench adopt generator.onnx --suite demo --as theirs --budget '64,000 images, batch 16'",
    "bench adopt generator.pt --suite demo --as theirs --latents gaussian:128 --budget 'one day on one GPU'",
    "bench adopt my_gan:generator --weights net.safetensors --latents 128 --suite demo --as mine --budget 'not known'",
    "bench adopt samples.npz --suite demo --as theirs --budget 'as in the paper, table 2'",
)
def adopt(
    generator: Annotated[
        str, typer.Argument(metavar="GENERATOR", help="TorchScript, ONNX, MODULE:FUNCTION, or images: a folder, .npz.")
    ],
    suite: SuiteName,
    facts: Facts,
    place: Place,
) -> None:
    """Score a generator that was trained elsewhere as a row of a suite, marked as such."""
    from bench.adoption.adopt import adopt as score
    from bench.adoption.statement import Statement
    from bench.suites.suite import load

    said = Statement(
        facts.as_, facts.budget, facts.images, facts.latents, facts.classes, facts.weights, facts.seed
    )  # before the data is loaded
    experiment = experiment_of(load(suite), place, Engine())
    _, path = score(experiment, generator, said, shlex.join(["bench", *sys.argv[1:]]))
    typer.echo(path)

"""bench compress."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.grouping import examples
from bench.cli.options import LARGEST_SEED, RESULTS, DataRoot, Results, Trained

if TYPE_CHECKING:
    from bench.records.record import Record


@examples(
    "bench compress results/demo/dcgan/0-abc.json --recipe int8",
    "bench compress results/demo/dcgan/0-abc.json --recipe prune:0.5",
    "bench compress results/demo/dcgan/0-abc.json --recipe half --out half.safetensors",
)
def compress(
    source: Trained,
    recipe: Annotated[str, typer.Option(metavar="RECIPE", help="int8, int8-all, prune:SHARE or half.")],
    calibration_seed: Annotated[
        int, typer.Option(metavar="N", min=0, max=LARGEST_SEED, help="Of the latents that int8 is calibrated with.")
    ] = 0,
    out: Annotated[Path | None, typer.Option(metavar="PATH", help="Write the compressed generator here too.")] = None,
    results: Results = RESULTS,
    data_root: DataRoot = None,
) -> None:
    """Compress a trained generator and score the copy beside its parent, from the same latents."""
    from bench.compression.compress import compress as make
    from bench.compression.parent import load
    from bench.compression.recipes import recipe as recipe_of
    from bench.files import write_atomically
    from bench.paths import home

    wanted = recipe_of(recipe)
    parent = load(source, results, data_root)
    record, path = make(parent, wanted, calibration_seed, shlex.join(["bench", *sys.argv[1:]]))
    if out is not None:
        kept = next(item.path for item in record.artifacts if item.kind == "checkpoint")
        write_atomically(out, (home() / kept).read_bytes())
    typer.echo(path)
    for line in _lines(record):
        typer.echo(line)


def _lines(record: "Record") -> list[str]:
    """What the copy costs: every metric's paired change, then the sentence of the board, then flags."""
    from bench.boards.origins import differences, origin, spread

    metrics = dict.fromkeys(score.metric for score in record.scores)
    changes = [f"  {metric}: {spread(change)}" for metric in metrics if (change := differences(record, metric))]
    flags = sorted({flag for score in record.scores for flag in score.flags if flag.startswith("degraded")})
    kept = record.compression.kept_float if record.compression else {}
    floats = [f"still in floating point: {', '.join(f'{n} {op}' for op, n in kept.items())}"] if kept else []
    return [
        "change against the parent, with a paired 95 % interval over sample seeds:",
        *changes,
        origin(record),
        *floats,
        *flags,
    ]

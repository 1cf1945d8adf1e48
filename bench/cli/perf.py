"""Verbs on speed: perf, export."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bench.cli.options import RESULTS, AsJson, Device, Results

if TYPE_CHECKING:
    from bench.perf.member import PerfOptions


def perf(
    members: Annotated[list[str], typer.Argument(metavar="MEMBER...", help="Names, or module:function.")],
    against: Annotated[
        str | None, typer.Option("--against", metavar="MEMBER|REV", help="Interleaved with a member or a git revision.")
    ] = None,
    device: Device = "cpu",
    batch: Annotated[str, typer.Option("--batch", help="Batch sizes of the sweep, e.g. 1,8,64.")] = "1,8,64,256",
    mode: Annotated[
        str, typer.Option("--mode", help="eager, compile, bf16, channels-last, onnx; joined with + where they can be.")
    ] = "eager",
    aa: Annotated[bool, typer.Option("--aa", help="Compare each member with itself: must find no difference.")] = False,
    resolution: Annotated[int, typer.Option(min=8, max=256, help="Pixels a side.")] = 64,
    channels: Annotated[int, typer.Option(min=1, max=3)] = 3,
    classes: Annotated[int, typer.Option(min=0, help="0: unlabelled where the member allows it, else 10.")] = 0,
    training_batch: Annotated[int, typer.Option("--training-batch", min=1)] = 64,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads; default: as PyTorch chooses.")] = None,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Measure latency, throughput, training speed, memory, FLOPs and energy, or compare two members' speed fairly."""
    import torch

    from bench.cli.train import execution_of
    from bench.perf.case import batches, modes
    from bench.perf.member import PerfOptions

    asked = PerfOptions(
        channels=channels,
        resolution=resolution,
        classes=classes,
        device=str(execution_of(device).device),
        threads=threads or torch.get_num_threads(),
        modes=modes(mode),
        batches=batches(batch),
        training_batch=training_batch,
    )
    if aa or against is not None:
        _compare(members, None if aa else against, asked, as_json)
    else:
        _measure(members, asked, results, as_json)


def _measure(members: list[str], asked: "PerfOptions", results: Path, as_json: bool) -> None:
    from bench.members import find
    from bench.perf import member, text
    from bench.records import speed

    for name in members:
        find(name)  # every name is known before the first is measured
    for name in members:
        found = member.measure(name, asked)
        path = speed.write(found, results)
        if as_json:
            typer.echo(found.sealed().model_dump_json())
        else:
            typer.echo(text.render(found) + f"{path}\n")


def _compare(members: list[str], against: str | None, asked: "PerfOptions", as_json: bool) -> None:
    from contextlib import ExitStack

    from bench import members as registry
    from bench.perf.versus import checkout, rows, sides

    with ExitStack() as stack:
        a_member = against is None or against in registry.listings() or ":" in against
        root = None if a_member else stack.enter_context(checkout(str(against)))
        for name in members:
            for found in rows(*sides(name, against or name, asked, root), asked):
                typer.echo(found.as_json() if as_json else found.words)


def export(
    checkpoint: Annotated[Path, typer.Argument(metavar="CHECKPOINT|RECORD")],
    to: Annotated[Literal["onnx", "torchscript", "torch-export"], typer.Option("--to", help="The format.")],
    out: Annotated[Path, typer.Option("--out", metavar="PATH", help="The file to write.")],
    which: Annotated[Literal["last", "best"], typer.Option("--checkpoint", help="Of a record's run.")] = "last",
) -> None:
    """Export a trained generator, checked against PyTorch at batch 1 and 32 before it is written."""
    from bench.perf.export import TOLERANCE
    from bench.perf.export import export as write
    from bench.perf.traceable import Exportable
    from bench.runs import trained_model

    model = trained_model.load(checkpoint, which)
    made = write(Exportable(model.gan, model.nets, model.spec), to, out)
    agreement = ", ".join(f"{error:.1g} at batch {batch}" for batch, error in made.differences.items())
    typer.echo(f"{made.path}: {made.bytes:,} bytes; differs from eager by {agreement} (tolerance {TOLERANCE:g})")


verbs = (perf, export)

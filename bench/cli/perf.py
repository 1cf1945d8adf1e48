"""bench perf."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli import complete
from bench.cli.choices import execution_of
from bench.cli.grouping import examples
from bench.cli.options import RESULTS, AsJson, Device, Results

if TYPE_CHECKING:
    from bench.perf.member import PerfOptions


@dataclass(frozen=True)
class Workload:
    """What is measured of each member."""

    batch: Annotated[str, typer.Option(metavar="N,N,...", help="Batch sizes of the sweep.")] = "1,8,64,256"
    mode: Annotated[
        str,
        typer.Option(
            metavar="MODE,...", help="eager, compile, bf16, channels-last, onnx; joined with + where they can be."
        ),
    ] = "eager"
    resolution: Annotated[int, typer.Option(metavar="N", min=8, max=256, help="Pixels a side.")] = 64
    channels: Annotated[int, typer.Option(metavar="N", min=1, max=3, help="Of the images.")] = 3
    classes: Annotated[
        int, typer.Option(metavar="N", min=0, help="0: unlabelled where the member allows it, else 10.")
    ] = 0
    training_batch: Annotated[int, typer.Option(metavar="N", min=1, help="Images in a training step.")] = 64
    threads: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="CPU threads; default: as PyTorch chooses.")
    ] = None

    def options(self, device: str) -> "PerfOptions":
        """What the measurement is told. Raises UserError for batches, modes or a device that cannot be."""
        import torch

        from bench.perf.case import batches, modes
        from bench.perf.member import PerfOptions

        return PerfOptions(
            channels=self.channels,
            resolution=self.resolution,
            classes=self.classes,
            device=str(execution_of(device).device),
            threads=self.threads or torch.get_num_threads(),
            modes=modes(self.mode),
            batches=batches(self.batch),
            training_batch=self.training_batch,
        )


@examples(
    "bench perf dcgan wgan-gp --resolution 64 --batch 1,8,64",
    "bench perf my_gan:my_gan --against dcgan",
    "bench perf dcgan --against HEAD~3",
)
def perf(
    members: Annotated[
        list[str],
        typer.Argument(metavar="MEMBER", help="Names, or module:function.", autocompletion=complete.members),
    ],
    workload: Workload,
    device: Device = "cpu",
    against: Annotated[
        str | None, typer.Option("--against", metavar="MEMBER|REV", help="Interleaved with a member or a git revision.")
    ] = None,
    aa: Annotated[bool, typer.Option("--aa", help="Compare each member with itself: must find no difference.")] = False,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Measure latency, throughput, training speed, memory, FLOPs and energy, or compare two members' speed fairly."""
    asked = workload.options(device)
    if aa or against is not None:
        _compare(members, None if aa else against, asked, as_json)
    else:
        _measure(members, asked, results, as_json)


def _measure(members: list[str], asked: "PerfOptions", results: Path, as_json: bool) -> None:
    from bench.members import find
    from bench.perf import member, text
    from bench.records import speed, speed_figures

    for name in members:
        find(name)  # every name is known before the first is measured
    for name in members:
        found = member.measure(name, asked)
        path = speed.write(found, results)
        if as_json:
            typer.echo(speed_figures.as_json(found.sealed()))
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

"""Options that several verbs share, each declared once. Groups of them are dataclasses in bench.cli.choices."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.cli import complete
from bench.errors import UserError

RESULTS = Path("results")
REPORTS = Path("reports")
LARGEST_SEED = 2**32 - 1  # what every generator of random numbers takes
OWN = "Instead of a suite: your own images"
SPEED = "Speed and memory"


def regular(path: Path | None) -> Path | None:
    """A path that can be read to its end. Raises UserError for a FIFO, a device or a folder; what is missing is said later."""
    if path is not None and path.exists() and not path.is_file():
        raise UserError(f"{path}: is not a regular file.")
    return path


Which = Literal["last", "best"]
Text = Literal["text", "md", "json"]

AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
TextFormat = Annotated[Text, typer.Option("--format", metavar="text|md|json", help="What to print.")]
Results = Annotated[Path, typer.Option("--results", metavar="DIR", help="Folder of the records.")]
Reports = Annotated[Path, typer.Option("--reports", metavar="DIR", help="Folder of boards and pages.")]
PagesOut = Annotated[Path, typer.Option("--out", "--reports", metavar="DIR", help="Where the pages go.")]
SuiteName = Annotated[
    str,
    typer.Option(
        "--suite", "-s", metavar="NAME|FILE", help="A suite, or a path to a .toml file.", autocompletion=complete.suites
    ),
]
SuiteOrNone = Annotated[
    str | None,
    typer.Option(
        "--suite", "-s", metavar="NAME|FILE", help="A suite, or a path to a .toml file.", autocompletion=complete.suites
    ),
]
SuiteFilter = Annotated[
    str | None,
    typer.Option("--suite", "-s", metavar="NAME", help="Only this suite.", autocompletion=complete.suites),
]
Members = Annotated[
    list[str] | None,
    typer.Option(
        "--member",
        "-m",
        metavar="NAME|MODULE:FUNCTION",
        help="Only these, from the suite or not; repeatable.",
        autocompletion=complete.members,
    ),
]
Seeds = Annotated[
    list[int] | None,
    typer.Option("--seed", metavar="N", min=0, max=LARGEST_SEED, help="Only these training seeds; repeatable."),
]
Device = Annotated[
    str,
    typer.Option(
        "--device", metavar="DEVICE", help="cpu, cuda, cuda:1, mps, or auto: an accelerator where there is one."
    ),
]
DataRoot = Annotated[
    Path | None,
    typer.Option(
        "--data-root",
        metavar="DIR",
        exists=True,
        file_okay=False,
        help="A torchvision-style root, looked at first. Else $BENCH_DATA.",
    ),
]
SkipBroken = Annotated[bool, typer.Option("--skip-broken", help="Leave out broken files, and record which.")]
OfCheckpoint = Annotated[
    Which, typer.Option("--checkpoint", metavar="last|best", help="The end of the run, or the best point of its curve.")
]
Trained = Annotated[
    Path,
    typer.Argument(metavar="CHECKPOINT|RECORD", callback=regular, help="A .pt file, or the record (.json) of a run."),
]

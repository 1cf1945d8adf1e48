"""Options that several verbs share."""

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
Results = Annotated[Path, typer.Option("--results", metavar="DIR", help="Folder of the records.")]
Reports = Annotated[Path, typer.Option("--reports", metavar="DIR", help="Folder of boards and pages.")]
SuiteName = Annotated[
    str, typer.Option("--suite", "-s", metavar="NAME|FILE", help="A suite, or a path to a .toml file.")
]
SuiteOrData = Annotated[
    str | None, typer.Option("--suite", "-s", metavar="NAME|FILE", help="A suite, or a path to a .toml file.")
]
OwnData = Annotated[
    str | None,
    typer.Option("--dataset", metavar="SET", help="Instead of a suite: a data set, e.g. folder:photos/, and defaults."),
]
OwnSide = Annotated[int | None, typer.Option("--resolution", help="With --dataset: pixels a side.")]
OwnImages = Annotated[int | None, typer.Option("--images", min=1, help="With --dataset: budget, in real images drawn.")]
OwnBatch = Annotated[int | None, typer.Option("--batch-size", min=1, help="With --dataset.")]
OwnName = Annotated[str | None, typer.Option("--name", help="With --dataset: of the suite; default: from the folder.")]
OwnSkip = Annotated[
    bool, typer.Option("--skip-broken", help="With --dataset: leave broken files out, and record which.")
]
Members = Annotated[
    list[str] | None,
    typer.Option(
        "--member", "-m", metavar="NAME|MODULE:FUNCTION", help="Only these, from the suite or not; repeatable."
    ),
]
Seeds = Annotated[list[int] | None, typer.Option("--seed", min=0, help="Only these training seeds; repeatable.")]
Device = Annotated[
    str, typer.Option("--device", help="cpu, cuda, cuda:1, mps, or auto: an accelerator where there is one.")
]
DataRoot = Annotated[
    Path | None,
    typer.Option("--data-root", metavar="DIR", help="A torchvision-style root, looked at first. Else $BENCH_DATA."),
]

RESULTS = Path("results")
REPORTS = Path("reports")

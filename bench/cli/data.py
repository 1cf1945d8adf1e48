"""bench data ..."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import complete
from bench.cli.grouping import examples
from bench.cli.options import AsJson, DataRoot, SkipBroken

Names = Annotated[
    list[str],
    typer.Argument(metavar="NAME", help="Data sets, e.g. mnist or folder:PATH.", autocompletion=complete.datasets),
]
Name = Annotated[
    str,
    typer.Argument(metavar="NAME", help="A data set, e.g. mnist or folder:PATH.", autocompletion=complete.datasets),
]
Resolution = Annotated[int | None, typer.Option(metavar="N", min=1, help="Pixels a side; default: as the set has it.")]


def list_(as_json: AsJson = False) -> None:
    """List the data sets that can be asked for."""
    from bench.api.listings import dataset_rows
    from bench.cli.listing import short
    from bench.cli.output import table

    table(dataset_rows() if as_json else short("datasets"), as_json, wrap=False)


@examples("bench data info folder:photos/ --resolution 64")
def info(
    name: Name,
    resolution: Resolution = None,
    data_root: DataRoot = None,
    skip_broken: SkipBroken = False,
    as_json: AsJson = False,
) -> None:
    """Count a set: images, classes, duplicates, digest. Prepares it if need be."""
    from dataclasses import asdict

    from bench.cli.output import card, print_json
    from bench.data.info import info as count

    facts = asdict(count(name, resolution=resolution, data_root=data_root, skip_broken=skip_broken))
    if as_json:
        print_json(facts)
        return
    about = facts.pop("description")
    shape = " x ".join(map(str, facts["shape"]))
    card(f"data set {name}", {**facts, "shape": shape, "licence": about["licence"], "source": about["source"]})


@examples("bench data prepare mnist cifar10")
def prepare(
    names: Names,
    resolution: Resolution = None,
    data_root: DataRoot = None,
    skip_broken: SkipBroken = False,
    refresh: Annotated[bool, typer.Option("--refresh", help="Prepare anew what is prepared.")] = False,
) -> None:
    """Download or read sets and prepare them once, into memory-mapped files."""
    from bench.data import load

    for name in names:
        found = load(name, resolution=resolution, data_root=data_root, skip_broken=skip_broken, refresh=refresh)
        typer.echo(f"{name}: {len(found.train):,} + {len(found.held_out):,} images, digest {found.digest}")


@examples("bench data import my-faces faces.zip --resolution 64")
def import_(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A known set, or a new name of your own.")],
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A root, a folder, an .npz or .npy, an archive, parquet shards.")
    ],
    resolution: Resolution = None,
    skip_broken: SkipBroken = False,
    fit: Annotated[
        str, typer.Option("--fit", metavar="crop|pad", help="Crop to the central square and resize, or pad with black.")
    ] = "crop",
) -> None:
    """Take a set from files that you have."""
    from bench.data.imports.importing import import_set

    found = import_set(name, path, resolution=resolution, skip_broken=skip_broken, fit=fit)
    typer.echo(f"{name}: {len(found.train):,} + {len(found.held_out):,} images, digest {found.digest}")


def verify(names: Names, resolution: Resolution = None, data_root: DataRoot = None) -> None:
    """Read every image and compare content digests; exit 1 when one differs."""
    from bench.data.store.verify import verify as verify_set

    sound = True
    for name in names:
        found = verify_set(name, resolution=resolution, data_root=data_root)
        sound &= found.ok
        typer.echo(
            f"{name}: {'as it should be' if found.ok else 'WRONG'} against {found.against}; " + "; ".join(found.checked)
        )
        for problem in found.problems:
            typer.echo(f"  {problem}")
    if not sound:
        raise typer.Exit(1)


verbs = (list_, info, prepare, import_, verify)

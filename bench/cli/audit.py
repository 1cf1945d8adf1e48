"""bench audit ..."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli import complete
from bench.cli.choices import execution_of
from bench.cli.grouping import examples
from bench.cli.options import LARGEST_SEED, AsJson, DataRoot, Device, regular
from bench.errors import UserError

if TYPE_CHECKING:
    from bench.data.image_set import ImageSet
    from bench.features.networks.extractor import Extractor

Real = Annotated[
    str, typer.Option(metavar="SET", help="A data set, or images in files.", autocompletion=complete.datasets)
]
Network = Annotated[
    str | None, typer.Option(metavar="NAME", help="Whose features are compared. Default: the one made for the set.")
]
Resolution = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Crop and resize both sides to N pixels; default: as they are.")
]
Seed = Annotated[int, typer.Option(metavar="N", min=0, max=LARGEST_SEED, help="Of everything that is drawn.")]


@examples(
    "bench audit balance fakes.npz --real digits",
    "bench audit balance results/demo/lsgan/0-abc.json --real digits --n 2000 --page audit.html",
    "bench audit balance fakes.npz --real photos.npz --attributes photos.csv",
)
def balance(
    samples: Annotated[
        Path, typer.Argument(metavar="SAMPLES", help="Images: a folder, .npz, archive; or a record or checkpoint.")
    ],
    real: Real,
    n: Annotated[
        int, typer.Option("--n", metavar="N", min=1, max=1_000_000, help="Images of a record or checkpoint.")
    ] = 2_000,
    attributes: Annotated[
        Path | None,
        typer.Option(metavar="CSV", callback=regular, help="Of the real images: a header, then a row for each image."),
    ] = None,
    page: Annotated[Path | None, typer.Option(metavar="PATH", help="Write a page too, an .html.")] = None,
    extractor: Network = None,
    resolution: Resolution = None,
    seed: Seed = 0,
    device: Device = "auto",
    data_root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Which classes and attributes samples have too rarely or too often, with intervals."""
    from dataclasses import asdict

    from bench.audit import text
    from bench.audit.audit import audit
    from bench.audit.page import build
    from bench.cli.output import print_json, table
    from bench.files import write_atomically
    from bench.metrics.score import both_sides

    if page is not None and page.suffix != ".html":
        raise UserError(f"--page {page}: a page is written as .html.")
    images = _images(samples, n, seed, device)
    reference, made, _ = both_sides(real, images, resolution=resolution, data_root=data_root, say=_say)
    found = audit(reference, made, _extractor(extractor, reference.name, device), attributes, seed)
    if page is not None:
        write_atomically(page, build(found, samples.name, real).encode())
    if as_json:
        print_json(asdict(found) | {"flagged": found.flagged})
        return
    table(text.rows(found), as_json=False)
    for line in text.summary(found):
        typer.echo(line)


@examples("bench audit drift new_photos/ --real photos/", "bench audit drift scans.npz --real mnist")
def drift(
    folder: Annotated[Path, typer.Argument(metavar="IMAGES", help="A folder, .npz, .npy, archive or parquet.")],
    real: Real,
    extractor: Network = None,
    resolution: Resolution = None,
    seed: Seed = 0,
    device: Device = "auto",
    data_root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Whether a folder of images is like a data set, and how far from it."""
    from dataclasses import asdict

    from bench.audit import text
    from bench.audit.drift import drift as compared
    from bench.cli.output import print_json, table
    from bench.features.sample import Sample
    from bench.metrics.score import both_sides

    reference, made, _ = both_sides(real, folder, resolution=resolution, data_root=data_root, say=_say)
    side = reference.train if reference.held_out is None else reference.held_out
    if not isinstance(made, Sample) or not isinstance(side, Sample):
        raise UserError("drift looks at single images: give images on both sides, not statistics.")
    network = _extractor(extractor, reference.name, device)
    found = compared(made.features(network), side.features(network), seed)
    if as_json:
        print_json(asdict(found) | {"p": found.p, "flagged": found.flagged, "extractor": network.name})
        return
    table(text.drift_rows(found), as_json=False)
    typer.echo(text.drift_verdict(found))


def _images(samples: Path, n: int, seed: int, device: str) -> "Path | ImageSet":
    """What lies in files, or what a trained member draws."""
    if samples.suffix not in (".json", ".pt"):
        return samples
    from bench.data.image_set import ImageSet
    from bench.runs import trained_model

    execution = execution_of(device)
    path = regular(samples)
    assert path is not None
    model = trained_model.load(path, "last", execution.device)
    return ImageSet(samples.name, model.sample(model.request(n, seed, 1.0), execution).numpy())


def _extractor(name: str | None, dataset: str, device: str) -> "Extractor":
    from bench.features import networks

    return networks.load(name or networks.default_for(dataset), str(execution_of(device).device))


def _say(note: str) -> None:
    typer.echo(note, err=True)


verbs: Sequence = (balance, drift)

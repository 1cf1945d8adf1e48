"""bench extractors ..."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.grouping import examples
from bench.cli.options import AsJson, regular


@examples("bench extractors import inception-v3 weights.pth")
def import_(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the feature network.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", callback=regular, help="As its authors ship it.")],
) -> None:
    """Keep a weight file that you downloaded, after its sha256 is verified."""
    from bench.features.networks import official

    typer.echo(official.import_weights(name, file))


def list_(as_json: AsJson = False) -> None:
    """List the feature networks."""
    from bench.api.listings import extractor_rows
    from bench.cli.listing import short
    from bench.cli.output import table

    table(extractor_rows() if as_json else short("extractors"), as_json, wrap=False)


verbs = (list_, import_)

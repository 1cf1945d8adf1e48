"""bench publish."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.grouping import examples
from bench.cli.options import RESULTS, Results


@examples("bench publish --out site", "bench publish --results class/results --out class/site")
def publish(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the site goes; an older site is replaced.")],
    results: Results = RESULTS,
) -> None:
    """Write all pages as a static site with search and history. Refuses records that are not sound."""
    from bench.report import site

    written = site.publish(results, out)
    typer.echo(f"{len(written)} files; open {out / 'index.html'}, or serve {out} with any web server.")

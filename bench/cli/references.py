"""bench references."""

from bench.cli.options import AsJson


def references(as_json: AsJson = False) -> None:
    """List the published rows: who reported what, under which protocol, and where it can be read."""
    from bench.boards import published
    from bench.cli.output import table

    rows = [
        {"id": row.id, "model": row.model, "scores": published.scores(row), "source": row.source.title}
        for row in published.load()
    ]
    table(rows, as_json)

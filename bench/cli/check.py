"""bench check."""

from typing import Annotated

import typer

from bench.cli import complete
from bench.cli.grouping import examples
from bench.cli.options import AsJson
from bench.errors import UserError


@examples("bench check mypackage.my_gan:my_gan", "bench check --all")
def check(
    member: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MEMBER", help="A name, or module:function.", show_default=False, autocompletion=complete.members
        ),
    ] = None,
    all: Annotated[bool, typer.Option("--all", help="Every registered member.")] = False,
    compiled: Annotated[
        bool, typer.Option("--compiled", help="Also train under torch.compile, about a minute a member.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check that a member keeps the contract, and say what is wrong."""
    from bench import members as registry
    from bench.cli.output import table
    from bench.training.conformance import findings

    names = list(registry.listings()) if all else member or []
    if not names:
        raise UserError("check: no member given. Name one, or use --all.")
    rows: list[dict[str, object]] = []
    for name in names:
        for finding in findings(registry.builder(registry.find(name)), compiled=compiled):
            rows.append({"member": name, "check": finding.name, "ok": finding.ok, "words": finding.words})
            if not as_json:  # large images take minutes: say what is known
                typer.echo(f"{name}  {finding}")
    if as_json:
        table(rows, as_json)
    if not all_ok(rows):
        raise typer.Exit(1)


def all_ok(rows: list[dict[str, object]]) -> bool:
    """Whether no finding is against the member."""
    return len(rows) == sum(bool(row["ok"]) for row in rows)

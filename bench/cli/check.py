"""bench check."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli import complete
from bench.cli.grouping import examples
from bench.cli.options import AsJson, DataRoot, SuiteOrNone
from bench.errors import UserError

if TYPE_CHECKING:
    from bench.gan import ImageSpec


@examples("bench check mypackage.my_gan:my_gan", "bench check my_gan:my_gan --suite cifar10", "bench check --all")
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
    resolution: Annotated[
        list[int] | None,
        typer.Option("--resolution", metavar="N", min=8, max=256, help="Only this size; repeatable."),
    ] = None,
    channels: Annotated[
        list[int] | None, typer.Option("--channels", metavar="N", min=1, max=3, help="Only these; repeatable.")
    ] = None,
    suite: SuiteOrNone = None,
    data_root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Check that a member keeps the contract, and say what is wrong.

    With --suite the images are like those of the suite's data set; without a member its own members are checked.
    """
    from bench import members as registry
    from bench.cli.output import table
    from bench.training.conformance import findings
    from bench.training.conformance import specs as sizes

    specs = sizes(resolution or None, channels or None)
    if suite is not None:
        if resolution or channels:
            raise UserError("check: --suite says size and channels already. Leave out --resolution and --channels.")
        spec, suggested = _of_suite(suite, data_root)
        specs, member = (spec,), member or (None if all else suggested)

    names = list(registry.listings()) if all else member or []
    if not names:
        raise UserError("check: no member given. Name one, or use --all.")
    rows: list[dict[str, object]] = []
    for name in names:
        for finding in findings(registry.builder(registry.find(name)), specs, compiled=compiled):
            row = {"check": finding.name, "status": finding.status, "ok": finding.ok, "words": finding.words}
            rows.append({"member": name, **row})
            if not as_json:  # large images take minutes: say what is known
                typer.echo(f"{name}  {finding}")
    if as_json:
        table(rows, as_json)
    if not all_ok(rows):
        raise typer.Exit(1)


def _of_suite(name: str, data_root: Path | None) -> "tuple[ImageSpec, list[str]]":
    """What a suite's images are like, and its members. The data set is read only where its entry does not say."""
    from bench.data import load
    from bench.data.catalogue import describe
    from bench.gan import ImageSpec
    from bench.suites.suite import load as load_suite

    suite = load_suite(name)
    known = describe(suite.data.name)
    resolution = suite.data.resolution or known.resolution
    if resolution and known.channels and known.classes is not None:
        return ImageSpec(known.channels, resolution, known.classes, known.channels), list(suite.members)
    found = load(suite.data.name, resolution=suite.data.resolution, data_root=data_root)
    spec = ImageSpec(found.channels, found.resolution, len(found.classes), found.source_channels or found.channels)
    return spec, list(suite.members)


def all_ok(rows: list[dict[str, object]]) -> bool:
    """Whether no finding is against the member."""
    return len(rows) == sum(bool(row["ok"]) for row in rows)

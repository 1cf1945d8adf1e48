"""bench check."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli import complete
from bench.cli.grouping import examples
from bench.cli.options import AsJson, DataRoot, SuiteOrNone
from bench.errors import UserError

if TYPE_CHECKING:
    from bench.gan import ImageSpec
    from bench.training.conformance import Finding


@dataclass(frozen=True)
class Images:
    """What a member is tried on."""

    resolution: Annotated[
        list[int] | None, typer.Option(metavar="N", min=8, max=256, help="Only this size; repeatable.")
    ] = None
    channels: Annotated[list[int] | None, typer.Option(metavar="N", min=1, max=3, help="Only these; repeatable.")] = (
        None
    )
    suite: SuiteOrNone = None
    data_root: DataRoot = None

    def resolve(self) -> "tuple[Sequence[ImageSpec], list[str]]":
        """The images, and the members of the suite where one is named."""
        from bench.training.conformance import specs

        if self.suite is None:
            return specs(self.resolution or None, self.channels or None), []
        if self.resolution or self.channels:
            raise UserError("check: --suite says size and channels already. Leave out --resolution and --channels.")
        spec, members = _of_suite(self.suite, self.data_root)
        return (spec,), members


@examples("bench check mypackage.my_gan:my_gan", "bench check my_gan:my_gan --suite cifar10", "bench check --all")
def check(
    images: Images,
    member: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MEMBER", help="A name, or module:function.", show_default=False, autocompletion=complete.members
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every registered member.")] = False,
    compiled: Annotated[
        bool, typer.Option("--compiled", help="Also train under torch.compile, about a minute a member.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check that a member keeps the contract, and say what is wrong.

    With --suite the images are like those of the suite's data set; without a member its own members are checked.
    """
    from bench import members as registry
    from bench.cli.output import table

    specs, suggested = images.resolve()
    names = list(registry.listings()) if every else member or suggested
    if not names:
        raise UserError("check: no member given. Name one, or use --all.")
    rows: list[dict[str, object]] = []
    for name in names:
        for finding in _of_one(name, specs, compiled, alone=len(names) == 1):
            row = {"check": finding.name, "status": finding.status, "ok": finding.ok, "words": finding.words}
            rows.append({"member": name, **row})
            if not as_json:  # large images take minutes: say what is known
                typer.echo(f"{name}  {finding}")
    if as_json:
        table(rows, as_json)
    if not all(row["ok"] for row in rows):
        raise typer.Exit(1)


def _of_one(name: str, specs: "Sequence[ImageSpec]", compiled: bool, alone: bool) -> "Iterator[Finding]":
    """The findings on one member. Of several, one that cannot be imported does not keep the others from being checked."""
    from bench import members as registry
    from bench.training.conformance import Finding, findings

    try:
        builder = registry.bound(registry.find(name))
    except UserError as error:
        if alone:
            raise
        yield Finding("import", "fail", str(error))
        return
    yield from findings(builder, specs, compiled=compiled)


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

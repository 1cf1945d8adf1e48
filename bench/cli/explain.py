"""bench explain."""

from typing import Annotated

import typer

from bench.cli.grouping import examples
from bench.cli.options import RESULTS, Results, TextFormat

WHAT = "A record, a board (.json), a suite, or a published row."


@examples(
    "bench explain results/digits/dcgan/0-abc.json mimicry/cifar10/sngan",
    "bench explain results/digits/dcgan/0-abc.json results/digits/dcgan/0-def.json",
)
def explain(
    a: Annotated[str, typer.Argument(metavar="A", help=WHAT)],
    b: Annotated[str, typer.Argument(metavar="B", help=WHAT)],
    format: TextFormat = "text",
    results: Results = RESULTS,
) -> None:
    """Say in which rules two scores differ, what that does, and whether they may be compared.

    A and B are records, boards (.json), suites, or published rows such as mimicry/cifar10/sngan.
    """
    from bench.boards import explain as explaining
    from bench.boards.verdicts.lookup import find
    from bench.cli.output import show

    show(explaining, explaining.explain(find(a, results), find(b, results)), format)

"""bench selftest."""

from typing import Annotated

import typer

from bench.cli.choices import execution_of
from bench.cli.options import AsJson, DataRoot, Device


def selftest(
    official: Annotated[
        bool, typer.Option("--official", help="CIFAR-10 by Inception-v3 too: hours on a processor.")
    ] = False,
    device: Device = "auto",
    data_root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Measure real images whose scores are known. Exit 1 when a figure is not reproduced."""
    from dataclasses import asdict

    from bench.cli.output import table
    from bench.metrics import selftest as tests

    device = str(execution_of(device).device)
    figures = tests.embedded(device)
    if official:
        figures += tests.official(data_root, device)
    table([{**asdict(item), "ok": item.passed} for item in figures], as_json)
    if not all(item.passed for item in figures):
        raise typer.Exit(1)

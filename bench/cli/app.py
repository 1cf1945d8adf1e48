"""The tree of verbs. Heavy imports happen inside the verbs, so that help is instant."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer

from bench.cli import (
    adopt,
    audit,
    check,
    compare,
    compress,
    data,
    explain,
    export,
    extractors,
    filter,
    gate,
    human,
    leaderboard,
    list,
    merge,
    perf,
    plan,
    plot,
    publish,
    references,
    report,
    run,
    sample,
    score,
    selftest,
    serve,
    show,
    status,
    tune,
    validate,
    verify,
)
from bench.cli.grouping import Command, Group, Verb, epilog, flat

VERBS: Mapping[str, tuple[Verb, ...]] = {  # panel of the help page -> its verbs
    "Run": (plan.plan, run.run, status.status, tune.tune, check.check, perf.perf),
    "Read results": (
        leaderboard.leaderboard,
        report.report,
        plot.plot,
        publish.publish,
        validate.validate,
        verify.verify,
        merge.merge,
    ),
    "Decide": (compare.compare, gate.gate, explain.explain, references.references),
    "Use a checkpoint": (
        sample.sample,
        filter.filter_,
        serve.serve,
        score.score,
        adopt.adopt,
        compress.compress,
        export.export,
    ),
    "About": (list.list_, show.show, selftest.selftest),
}
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def _typer(help: str, completion: bool = False) -> typer.Typer:
    return typer.Typer(
        cls=Group,
        help=help,
        add_completion=completion,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings=SETTINGS,
    )


def _add(app: typer.Typer, verbs: Iterable[Verb], panel: str | None = None) -> None:
    for verb in verbs:
        app.command(verb.__name__.strip("_"), cls=Command, epilog=epilog(verb), rich_help_panel=panel)(flat(verb))


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"bench {version('gan-bench')}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Print the traceback of an error; works behind a verb too.")
    ] = False,
) -> None:
    """GAN Bench: which GAN is better, by how much, how sure, and at what cost."""


def tree() -> Any:
    """The tree as a click command."""
    app = _typer("", completion=True)
    app.callback()(_options)
    for panel, verbs in VERBS.items():
        _add(app, verbs, panel)
    groups = {
        "human": (human.verbs, "Ask people.", "Decide"),
        "audit": (audit.verbs, "Who is left out, what has drifted.", "Decide"),
        "data": (data.verbs, "Prepare, import and verify data sets.", "Data"),
        "extractors": (extractors.verbs, "Bring weights that are not ours to ship.", "Data"),
    }
    for name, (verbs, help, panel) in groups.items():
        group = _typer(help)
        _add(group, verbs)
        app.add_typer(group, name=name, rich_help_panel=panel)
    return typer.main.get_command(app)

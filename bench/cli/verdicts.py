"""Verbs that judge: compare, explain, gate, merge, references. All but compare's own runs need records alone."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.cli.options import REPORTS, RESULTS, AsJson, DataRoot, Device, Reports, Results, SuiteName
from bench.errors import UserError

Text = Annotated[Literal["text", "md", "json"], typer.Option("--format", help="What to print.")]
Checkpoint = Annotated[Literal["last", "best"], typer.Option(help="Which scores.")]
Against = Annotated[
    list[str], typer.Option("--against", metavar="NAME|MODULE:FUNCTION", help="A baseline; repeatable.")
]


def compare(
    variant: Annotated[str, typer.Argument(metavar="NAME|MODULE:FUNCTION")],
    against: Against,
    suite: SuiteName = "digits",
    format: Text = "text",
    checkpoint: Checkpoint = "last",
    paired: Annotated[bool, typer.Option("--paired", help="Compare runs of the same seed with each other.")] = False,
    run: Annotated[bool, typer.Option("--run/--no-run", help="Run the cells that are missing first.")] = True,
    page: Annotated[bool, typer.Option("--page", help="Write a page with pictures too.")] = False,
    results: Results = RESULTS,
    reports: Reports = REPORTS,
    device: Device = "auto",
    data_root: DataRoot = None,
) -> None:
    """Say whether a variant is better, by how much, and how sure; run what is missing."""
    from bench import members
    from bench.boards import board
    from bench.boards.verdicts import compare as comparing
    from bench.boards.verdicts import compare_text

    names = [members.find(name).name for name in (variant, *against)]
    if run:
        _run_missing(suite, [variant, *against], results, device, data_root)
    records = list(board.load(results, Path(suite).stem))
    found = comparing.compare(board.build(records), names[0], names[1:], checkpoint=checkpoint, paired=paired)
    typer.echo(
        {
            "text": compare_text.render_text,
            "md": compare_text.render_markdown,
            "json": compare_text.render_json,
        }[format](found),
        nl=False,
    )
    if page:
        from bench import report

        typer.echo(report.compare(found, results, reports))


def _run_missing(suite: str, names: list[str], results: Path, device: str, data_root: Path | None) -> None:
    from bench.cli.train import execution_of, experiment_of
    from bench.cli.view import watch
    from bench.runs.run import run, todo

    experiment = experiment_of(suite, results, execution_of(device), data_root)
    jobs = todo(experiment, experiment.jobs(names))
    for _ in watch(run(experiment, jobs), jobs):
        pass


def explain(
    a: Annotated[str, typer.Argument(metavar="A")],
    b: Annotated[str, typer.Argument(metavar="B")],
    format: Text = "text",
    results: Results = RESULTS,
) -> None:
    """Say in which rules two scores differ, what that does, and whether they may be compared.

    A and B are records, boards (.json), suites, or published rows such as mimicry/cifar10/sngan.
    """
    from bench.boards import explain as explaining
    from bench.boards.verdicts.lookup import find

    found = explaining.explain(find(a, results), find(b, results))
    renderers = {
        "text": explaining.render_text,
        "md": explaining.render_markdown,
        "json": explaining.render_json,
    }
    typer.echo(renderers[format](found), nl=False)


def gate(
    baseline: Annotated[str, typer.Option(metavar="DIR|FILE|git:REV", help="Records, a board as JSON, or a revision.")],
    suite: Annotated[str, typer.Option("--suite", "-s", help="The suite to gate.")] = "digits",
    results: Results = RESULTS,
    margin: Annotated[
        list[str] | None, typer.Option("--margin", metavar="METRIC=5%", help="How much worse is tolerated; repeatable.")
    ] = None,
    member: Annotated[list[str] | None, typer.Option("--member", "-m", help="Only these; repeatable.")] = None,
    on_inconclusive: Annotated[Literal["pass", "fail"], typer.Option(help="Exit 3 when it fails.")] = "pass",
    on_missing: Annotated[Literal["pass", "fail"], typer.Option(help="Exit 4 when it fails.")] = "fail",
    format: Text = "text",
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write JUnit XML too.")] = None,
    summary: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Append Markdown, e.g. $GITHUB_STEP_SUMMARY.")
    ] = None,
) -> None:
    """Hold these records against a baseline's.

    Exit codes: 0 pass, 1 regression, 2 usage, 3 inconclusive (when asked), 4 incomplete or no baseline, 5 not comparable.
    """
    from bench.boards import board
    from bench.boards.speed_columns import attach
    from bench.boards.verdicts import baseline as baselines
    from bench.boards.verdicts import gate as gating
    from bench.boards.verdicts import gate_text, margins
    from bench.files import write_atomically

    candidate = attach(board.build(_records(results, suite)), results)
    known = {column.metric: column for column in candidate.columns}
    found = baselines.find(baseline, suite, results)
    outcome = gating.gate(
        candidate,
        found.board,
        margins.parse(margin or (), known),
        source=found.source,
        members=tuple(member or ()),
        fail_inconclusive=on_inconclusive == "fail",
        fail_incomplete=on_missing == "fail",
    )
    renderers = {"text": gate_text.render_text, "md": gate_text.render_markdown, "json": gate_text.render_json}
    typer.echo(renderers[format](outcome), nl=False)
    if junit:
        write_atomically(junit, gate_text.render_junit(outcome).encode())
    if summary:
        with summary.open("a", encoding="utf-8") as file:
            file.write(gate_text.render_markdown(outcome))
    raise typer.Exit(int(outcome.exit))


def _records(results: Path, suite: str) -> list:  # pyright: ignore[reportMissingTypeArgument, reportUnknownParameterType]
    from bench.boards import board

    found = list(board.load(results, suite))
    if not found:
        raise UserError(f"there are no records in {results}/{suite}. Make some with `bench run --suite {suite}`.")
    return found


def merge(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where they come together; may hold records already.")],
) -> None:
    """Bring records of many machines into one folder; nothing is copied when anything is wrong."""
    from bench.records import merge as merging

    done = merging.merge(folders, out)
    typer.echo(
        f"{len(done.added)} records added to {out}, {done.already_there} were there, {done.files} files beside them."
    )


def references(as_json: AsJson = False) -> None:
    """List the published rows: who reported what, under which protocol, and where it can be read."""
    from bench.boards import published
    from bench.cli.show import table

    rows = [
        {"id": row.id, "model": row.model, "scores": published.scores(row), "source": row.source.title}
        for row in published.load()
    ]
    table(rows, as_json)


verbs = (compare, explain, gate, merge, references)

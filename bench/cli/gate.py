"""bench gate."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bench.cli import complete
from bench.cli.grouping import examples
from bench.cli.options import RESULTS, Results, SuiteName, TextFormat
from bench.errors import UserError

if TYPE_CHECKING:
    from bench.boards.verdicts.gate import Gate

PassOrFail = Literal["pass", "fail"]


@dataclass(frozen=True)
class Policy:
    """What is judged, and what passes."""

    member: Annotated[
        list[str] | None,
        typer.Option("--member", "-m", metavar="NAME", help="Only these; repeatable.", autocompletion=complete.members),
    ] = None
    margin: Annotated[
        list[str] | None, typer.Option(metavar="METRIC=5%", help="How much worse is tolerated; repeatable.")
    ] = None
    on_inconclusive: Annotated[PassOrFail, typer.Option(metavar="pass|fail", help="Exit 3 when it fails.")] = "pass"
    on_missing: Annotated[PassOrFail, typer.Option(metavar="pass|fail", help="Exit 4 when it fails.")] = "fail"
    same_source: Annotated[
        PassOrFail, typer.Option(metavar="pass|fail", help="Exit 4 when two revisions ran the same code.")
    ] = "fail"


@dataclass(frozen=True)
class Files:
    """What is written beside standard output."""

    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write JUnit XML too.")] = None
    summary: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Append Markdown, e.g. $GITHUB_STEP_SUMMARY.")
    ] = None

    def write(self, outcome: "Gate") -> None:
        """Write what was asked for. Raises UserError for what cannot be written."""
        from bench.boards.verdicts import gate_text
        from bench.files import write_atomically

        if self.junit:
            write_atomically(self.junit, gate_text.render_junit(outcome).encode())
        if self.summary:
            _append(self.summary, gate_text.render_markdown(outcome))


@examples(
    "bench gate --suite mnist --baseline git:main --margin fid=5%",
    "bench gate --suite digits --results candidate --baseline baseline --junit gate.xml",
)
def gate(
    baseline: Annotated[str, typer.Option(metavar="DIR|FILE|git:REV", help="Records, a board as JSON, or a revision.")],
    policy: Policy,
    files: Files,
    suite: SuiteName = "digits",
    results: Results = RESULTS,
    format: TextFormat = "text",
) -> None:
    """Hold these records against a baseline's.

    Exit codes: 0 pass, 1 regression, 2 usage, 3 inconclusive (when asked), 4 incomplete or no baseline,
    5 not comparable, 70 the gate itself failed.
    """
    from bench.boards import board
    from bench.boards.speed_columns import attach
    from bench.boards.verdicts import baseline as baselines
    from bench.boards.verdicts import gate as gating
    from bench.boards.verdicts import gate_text, margins
    from bench.cli.output import show
    from bench.suites.suite import name_of

    suite = name_of(suite)
    candidate = attach(board.build(_records(results, suite)), results)
    known = {column.metric: column for column in candidate.columns}
    reference = baselines.find(baseline, suite, results)
    outcome = gating.gate(
        candidate,
        reference.board,
        margins.parse(policy.margin or (), known),
        source=reference.source,
        members=tuple(policy.member or ()),
        fail_inconclusive=policy.on_inconclusive == "fail",
        fail_incomplete=policy.on_missing == "fail",
        fail_same_source=policy.same_source == "fail",
    )
    show(gate_text, outcome, format)
    files.write(outcome)
    raise typer.Exit(int(outcome.exit))


def _append(path: Path, text: str) -> None:
    """Add to a file that others add to as well. Raises UserError for what is not a regular file."""
    if path.exists() and not path.is_file():
        raise UserError(f"--summary {path}: is not a regular file. Give the path of one, or of a new one.")
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def _records(results: Path, suite: str) -> list:  # pyright: ignore[reportMissingTypeArgument, reportUnknownParameterType]
    from bench.boards import board

    found = list(board.load(results, suite))
    if not found:
        raise UserError(f"there are no records in {results}/{suite}. Make some with `bench run --suite {suite}`.")
    return found

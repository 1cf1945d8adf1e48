"""What `bench explain` may be given: a record, a board, a suite or member with records, or a published row."""

import json
from pathlib import Path

from bench.boards import board, explain, published
from bench.boards.explain import ExplainTarget
from bench.boards.verdicts import baseline
from bench.errors import UserError
from bench.records import record
from bench.suites import suite as suites


def find(text: str, results: Path = Path("results")) -> ExplainTarget:
    """The subject that `text` names.

    A path to a record, to a board as JSON or to a suite's TOML; SUITE, SUITE/MEMBER or SUITE/MEMBER/SEED below
    `results`; the name of a suite without records; or the id of a published row such as ``mimicry/cifar10/sngan``.
    Raises UserError when it is none of them.
    """
    if text.endswith(".toml"):
        return explain.of_suite(suites.load(text))
    if Path(text).is_file():
        return _from_file(Path(text))
    if text in {reference.id for reference in published.load()}:
        return published.find(text).subject
    suite, _, rest = text.partition("/")
    if suite and record.suites(results, suite):
        return _from_results(text, suite, rest, results)
    if text in suites.names() or (results / text / suites.KEPT).is_file():
        return explain.of_suite(suites.load(text, results))
    raise UserError(
        f"explain {text!r}: is neither a file, nor SUITE, SUITE/MEMBER or SUITE/MEMBER/SEED below {results}, nor a suite, "
        "nor a published row. "
        f"Published rows begin with {', '.join(sorted({reference.source.id for reference in published.load()}))}."
    )


def _from_file(path: Path) -> ExplainTarget:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"explain {path}: cannot be read as JSON: {error}. Give a record or a board.") from None
    if isinstance(content, dict) and "rows" in content:
        return explain.of_board(baseline.read_file(path))
    return explain.of_record(record.read(path))


def _from_results(text: str, suite: str, rest: str, results: Path) -> ExplainTarget:
    if not rest:
        return explain.of_board(board.build(board.load(results, suite)))
    member, _, seed = rest.partition("/")
    found = [
        item
        for item in board.load(results, suite)
        if member in (item.member.name, item.member.label) and seed in ("", str(item.seed))
    ]
    if not found:
        raise UserError(
            f"explain {text!r}: no such record below {results}. Run `bench leaderboard --suite {suite}` to see them."
        )
    return explain.of_record(max(found, key=lambda item: item.place))

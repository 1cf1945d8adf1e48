"""The leaderboard in a few lines of Markdown with a grid of samples: for a README or the summary of a CI run."""

from collections.abc import Sequence
from pathlib import Path

from bench import formats
from bench.boards import text as tables
from bench.boards.rows import RANKED, Board, Row
from bench.records.record import Record
from bench.report import gallery, leaderboard, links
from bench.report.figures.drawing import compact
from bench.report.frames import metric_name

MOST = 10  # rows


def build(board: Board, records: Sequence[Record], results: Path, target: Path) -> str:
    """The summary; its picture is linked relative to `target`."""
    rows = board.of("ranked")[:MOST]
    name = metric_name(board.ranking)
    lines = [f"**{formats.escape(leaderboard.verdict(board))}**", ""]
    if rows:
        header = [
            "rank",
            "member",
            f"{formats.escape(name.short)}, mean [95 % interval]",
            "runs ok",
            "training",
            "parameters",
        ]
        lines += formats.grid(header, [_line(board, row) for row in rows], left=2)
    rest = len(board.of("ranked")) - len(rows)
    if rest > 0:
        lines += [f"and {rest} more", ""]
    incomplete = [formats.escape(row.member) for row in board.of("incomplete")]
    if incomplete:
        lines += [f"Not ranked, incomplete: {', '.join(incomplete)}.", ""]
    return "\n".join([*lines, *_picture(board, records, results, target), _source(board), ""])


def _line(board: Board, row: Row) -> list[str]:
    cost = row.cost
    return [
        str(row.rank),
        formats.escape(row.member),
        tables.interval(row.cells.get((board.ranking, RANKED))),
        tables.runs_ok(row),
        formats.duration(cost.train_seconds) if cost else formats.NONE,
        compact(sum(size for _, size in cost.parameters)) if cost else formats.NONE,
    ]


def _picture(board: Board, records: Sequence[Record], results: Path, target: Path) -> list[str]:
    """The last grid of the first row's run with the lowest seed, linked rather than embedded."""
    leader = next((row.member for row in board.of("ranked", "incomplete")), "")
    current = [r for r in records if r.protocol_digest == board.protocol_digest and r.member.name == leader]
    for record in gallery.chosen(current):
        grids = [artifact for artifact in record.artifacts if artifact.kind == "grid"]
        base = links.relative(results, target)
        if grids and base:
            last = max(grids, key=lambda artifact: (artifact.images or 0, artifact.path))
            path = (Path(record.file_name).parent / last.path).as_posix()
            words = f"Uncurated samples of {leader}, seed {record.seed}"
            return [f"![{_alt(words)}]({links.join(base, path)})", "", f"{formats.escape(words)}.", ""]
    return []


def _alt(text: str) -> str:
    return formats.escape(text).replace("[", "(").replace("]", ")").replace("\\", "")


def _source(board: Board) -> str:
    network = metric_name(board.ranking).title
    return (
        f"Suite {formats.escape(board.suite)} {board.suite_version}, ranked by {formats.escape(network)} where the budget ended; "
        f"protocol {board.protocol_digest[:10]}."
    )

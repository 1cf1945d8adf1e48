"""The leaderboard in a few lines of Markdown with a grid of samples: for a README or the summary of a CI run."""

from collections.abc import Sequence
from pathlib import Path

from bench import formats
from bench.boards import headline, text
from bench.boards.columns import columns
from bench.boards.metric_names import metric_name
from bench.boards.ranks import RANK_RULE
from bench.boards.rows import Board
from bench.boards.short_names import shared_words, shortened
from bench.records.record import Record
from bench.report import gallery, links

MOST = 10  # rows
SHOWN = ("rank", "member", "score_last", "runs_ok", "train_seconds", "parameters")  # columns


def build(board: Board, records: Sequence[Record], results: Path, target: Path) -> str:
    """The summary; its picture is linked relative to `target`."""
    whole, board, shared = board, shortened(board), shared_words(board)
    rows = board.of("ranked")[:MOST]
    lines = [f"**{formats.escape(headline.verdict(board))}** {formats.escape(headline.cost(board))}".rstrip(), ""]
    if rows:
        shown = [column for column in columns(board) if column.key in SHOWN]
        titles = [formats.escape(column.title) for column in shown]
        lines += formats.grid(titles, [[text.cell(column, row) for column in shown] for row in rows], left=2)
    rest = len(board.of("ranked")) - len(rows)
    if rest > 0:
        lines += [f"and {rest} more", ""]
    if rows:
        lines += [" ".join(filter(None, [RANK_RULE, formats.escape(shared)])), ""]
    incomplete = [formats.escape(row.member) for row in board.of("incomplete")]
    if incomplete:
        lines += [f"Not ranked, incomplete: {', '.join(incomplete)}.", ""]
    return "\n".join([*lines, *_picture(whole, records, results, target), _source(board), ""])


def index(parts: Sequence[tuple[Board, str]]) -> str:
    """The summaries of several suites on one page of Markdown, which a code host shows for the folder of the reports."""
    lines = [
        "# Reports",
        "",
        "Made from the records alone by `bench report`. Pages open in a browser, without a network.",
        "",
    ]
    for board, words in parts:
        name = formats.escape(f"{board.suite} {board.suite_version}")
        files = " · ".join(f"[{kind}]({links.slug(board.suite)}.{kind})" for kind in ("html", "md", "csv", "json"))
        lines += [f"## [{name}]({links.slug(board.suite)}.html)", "", words, f"Whole board: {files}", ""]
    return "\n".join(lines)


def _picture(board: Board, records: Sequence[Record], results: Path, target: Path) -> list[str]:
    """The last grid of the first row's run with the lowest seed, linked rather than embedded."""
    leader = next((row.member for row in board.of("ranked", "incomplete")), "")
    current = [r for r in records if r.protocol_digest == board.protocol_digest and r.member.label == leader]
    for record in gallery.chosen(current):
        grids = [artifact for artifact in record.artifacts if artifact.kind == "grid"]
        base = links.relative(results, target)
        if grids and base:
            last = max(grids, key=lambda artifact: (artifact.images or 0, artifact.path))
            path = (Path(record.file_name).parent / last.path).as_posix()
            words = f"Uncurated samples of {leader}, seed {record.seed}"
            return [f"![{formats.escape(words)}]({links.join(base, path)})", "", f"{formats.escape(words)}.", ""]
    return []


def _source(board: Board) -> str:
    network = metric_name(board.ranking).title
    return (
        f"Suite {formats.escape(board.suite)} {board.suite_version}, ranked by {formats.escape(network)} where the budget ended; "
        f"protocol {board.protocol_digest[:10]}."
    )

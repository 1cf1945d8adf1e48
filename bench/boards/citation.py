"""How to cite a board: suite, version, protocol, the code that its runs were made from, the day of the last run."""

import re

from bench.boards.rows import Board

MOST = 2  # commits that are named


def text(board: Board) -> str:
    """One sentence: ``GAN Bench, suite digits 1.1.0, protocol 7771e630de41c2f3, commit 0c1abf8, results of 2026-11-26.``"""
    parts = ["GAN Bench", f"suite {board.suite} {board.suite_version}", *_details(board)]
    return ", ".join(parts) + "."


def bibtex(board: Board) -> str:
    """The same as an entry for BibTeX; the year is that of the last run, and is left out where no run has ended."""
    key = re.sub(r"[^A-Za-z0-9.-]+", "-", f"ganbench-{board.suite}-{board.suite_version}")
    year = [f"  year = {{{_day(board)[:4]}}},"] if _day(board) else []
    details = ", ".join(_details(board))
    lines = [f"@misc{{{key},", f"  title = {{GAN Bench: suite {_plain(board.suite)} {board.suite_version}}},", *year,
             f"  note = {{{details[:1].upper()}{details[1:]}}},", "}"]  # fmt: skip
    return "\n".join(lines)


def commits(board: Board) -> str:
    """The commits of the checkouts that the runs of the shown rows were made from, shortened; "" where there was none."""
    found = sorted({one for row in board.rows if row.kind != "superseded" for one in row.revisions})
    if not found:
        return ""
    named = [f"{one[:10]}{' with changes' if one.endswith(' with changes') else ''}" for one in found[:MOST]]
    rest = [f"{len(found) - MOST} more"] if len(found) > MOST else []
    return f"commit{'s' if len(found) > 1 else ''} {' and '.join([*named, *rest])}"


def _day(board: Board) -> str:
    """The day of the last run of the shown rows."""
    return max((row.finished for row in board.rows if row.kind != "superseded"), default="")


def _details(board: Board) -> list[str]:
    day = _day(board)
    found = [f"protocol {board.protocol_digest[:16]}", commits(board), f"results of {day}" if day else ""]
    return [part for part in found if part]


def _plain(text: str) -> str:
    return re.sub(r"[{}\\]", "", text)

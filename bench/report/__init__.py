"""The report people look at: records and the pictures beside them -> pages that need nothing else. No torch."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bench.errors import UserError, unknown
from bench.files import write_atomically
from bench.records.record import paths, read_all
from bench.records.record import suites as records_of_suites

if TYPE_CHECKING:
    from bench.boards.rows import Board
    from bench.boards.verdicts.compare import Comparison
    from bench.records.record import Record


Tell = Callable[[int, int], None]  # files written so far, files in all


def build(results: Path, out: Path, suite: str | None = None, tell: Tell | None = None) -> list[Path]:
    """Write the report of every suite in `results`, or of one, below `out`; returns the paths, pages of suites first.

    Per suite: ``<suite>.html`` (self-contained), a page per member, the board as ``.md``, ``.csv`` and ``.json``, and
    ``<suite>.summary.md`` and ``<suite>.history.html``; over all suites ``index.html``, ``search.html``
    and ``README.md``. The same records give the same
    bytes. Each file is written as soon as it is made, and `tell` is called with how many are written and how many there
    will be. Raises UserError when there is no record, one is unsound, or `out` cannot be written.
    """
    written: list[Path] = []
    total = _count(results, suite)
    for path, content in made(results, out, suite):
        write_atomically(path, content)
        written.append(path)
        if tell:
            tell(len(written), max(total, len(written)))
    return sorted(written, key=lambda path: (path.parent != out, path.suffix != ".html"))


def check(results: Path, out: Path) -> list[str]:
    """Which files below `out` are not what `results` give; empty when the reports are fresh."""
    stale: list[str] = []
    for path, content in made(results, out):
        if not path.is_file():
            stale.append(f"{path} is missing")
        elif path.read_bytes() != content:
            stale.append(f"{path} differs from what the records in {results} give")
    return stale


def files(results: Path, out: Path, suite: str | None = None) -> dict[Path, bytes]:
    """Every file of the report and its content, without writing any."""
    return dict(made(results, out, suite))


def made(results: Path, out: Path, suite: str | None = None) -> Iterator[tuple[Path, bytes]]:
    """The same one at a time, so that few are in memory at once; the index comes last."""
    from bench.boards import board as boards
    from bench.boards.speed_columns import attach
    from bench.report import index_page, search_page, summary

    found = suites(results)
    if suite is not None and suite not in found:
        raise unknown("suite with records", suite, found)
    every: list[Board] = []
    parts: list[tuple[Board, str]] = []
    for name in found:
        records = read_all(results, name)
        board = attach(boards.build(records), results)
        every.append(board)
        parts.append((board, summary.build(board, records, results, out / "README.md")))
        if suite in (None, name):
            yield from ((path, text.encode()) for path, text in _suite(board, records, results, out))
    yield out / "index.html", index_page.build(every).encode()
    yield out / search_page.FILE, search_page.build(every).encode()
    yield out / "README.md", summary.index(parts).encode()


def _count(results: Path, suite: str | None) -> int:
    """About how many files there will be: six per suite, one per member, a search and two indices."""
    members = {path.parent for path in paths(results, suite)}
    return len(members) + 6 * len({member.parent for member in members}) + 3


def compare(comparison: "Comparison", results: Path, out: Path) -> Path:
    """Write the page of a comparison below `out` and return its path."""
    from bench.report import comparison_page

    page = out / comparison_page.file_name(comparison)
    html = comparison_page.build(comparison, read_all(results, comparison.suite), results, page)
    write_atomically(page, html.encode())
    return page


def plot(results: Path, suite: str, out: Path, format: Literal["png", "pdf", "svg"] = "pdf") -> list[Path]:
    """Write every figure of a suite's page as a file for papers, ``<out>/<suite>-<figure>.<format>``."""
    from bench.boards import board as boards
    from bench.report import plots

    if format not in plots.FORMATS:
        raise unknown("format", format, plots.FORMATS)
    if suite not in (found := suites(results)):
        raise unknown("suite with records", suite, found)
    records = read_all(results, suite)
    written: list[Path] = []
    for name, content in plots.files(boards.build(records), records, results, format).items():
        write_atomically(out / name, content)
        written.append(out / name)
    return written


def suites(results: Path) -> list[str]:
    """The suites that have records. Raises UserError when there is none."""
    found = records_of_suites(results)
    if not found:
        raise UserError(
            f"report: there are no records in {results}. Make some with `bench run --suite demo`, or give --results."
        )
    return found


def _suite(board: "Board", records: "list[Record]", results: Path, out: Path) -> "Iterator[tuple[Path, str]]":
    """The files of one suite, its page first."""
    from bench.boards import render
    from bench.report import extent, history_page, links, member_page, suite_page, summary
    from bench.report.frames import curve_frame, over_seeds

    name = links.slug(board.suite)
    trainings = suite_page.trainings_of(board, records)
    page, short = out / f"{name}.html", out / f"{name}.summary.md"
    yield page, suite_page.build(board, records, trainings, results, page)
    yield short, summary.build(board, records, results, short)
    yield out / history_page.file_name(board.suite), history_page.build(board, records)
    for kind in render.FORMATS:
        yield out / f"{name}.{kind}", render.render(board, kind)
    current = suite_page.current_of(board, records)
    lines = over_seeds(curve_frame(extent.records_of(current, board)), member_page.selection_of(board))
    mine: dict[str, list[Record]] = {}
    for record in sorted(current, key=lambda record: (record.seed, record.job)):
        mine.setdefault(record.member.label, []).append(record)
    for training in trainings:
        path = out / suite_page.member_page(board.suite, training.member)
        yield path, member_page.build(board, mine[training.member], training, lines, results, path)

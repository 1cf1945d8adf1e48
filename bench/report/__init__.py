"""The report people look at: records and the pictures beside them -> pages that need nothing else. No torch."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bench.errors import UserError, unknown
from bench.files import write_atomically
from bench.records.record import paths, read_all

if TYPE_CHECKING:
    from bench.boards.rows import Board
    from bench.boards.verdicts.compare import Comparison
    from bench.records.record import Record


def build(results: Path, out: Path, suite: str | None = None) -> list[Path]:
    """Write the report of every suite in `results`, or of one, below `out`; returns the paths, pages of suites first.

    Per suite: ``<suite>.html`` (self-contained), a page per member, the board as ``.md``, ``.csv`` and ``.json``, and
    ``<suite>.summary.md``; and one ``index.html``. The same records give the same bytes. Raises UserError when there is
    no record, one is unsound, or `out` cannot be written.
    """
    made = files(results, out, suite)
    for path, content in made.items():
        write_atomically(path, content)
    return list(made)


def check(results: Path, out: Path) -> list[str]:
    """Which files below `out` are not what `results` give, in words; empty when the reports are fresh."""
    stale: list[str] = []
    for path, content in files(results, out).items():
        if not path.is_file():
            stale.append(f"{path} is missing")
        elif path.read_bytes() != content:
            stale.append(f"{path} differs from what the records in {results} give")
    return stale


def files(results: Path, out: Path, suite: str | None = None) -> dict[Path, bytes]:
    """Every file of the report and its content, without writing any."""
    from bench.boards import board as boards
    from bench.boards.speed_columns import attach
    from bench.report import index_page

    found = suites(results)
    if suite is not None and suite not in found:
        raise unknown("suite with records", suite, found)
    texts: dict[Path, str] = {}
    every: list[Board] = []
    for name in found:
        records = read_all(results, name)
        board = attach(boards.build(records), results)
        every.append(board)
        if suite in (None, name):
            texts |= _suite(board, records, results, out)
    index = {out / "index.html": index_page.build(every)}
    pages_first = sorted(
        {**texts, **index}.items(), key=lambda item: (item[0].parent != out, item[0].suffix != ".html")
    )
    return {path: text.encode() for path, text in pages_first}


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
    found = sorted({path.parent.parent.name for path in paths(results)})
    if not found:
        raise UserError(
            f"report: there are no records in {results}. Make some with `bench run --suite demo`, or give --results."
        )
    return found


def _suite(board: "Board", records: "list[Record]", results: Path, out: Path) -> dict[Path, str]:
    """The files of one suite."""
    from bench.boards import render
    from bench.report import links, member_page, suite_page, summary

    name = links.slug(board.suite)
    trainings = suite_page.trainings_of(board, records)
    page, short = out / f"{name}.html", out / f"{name}.summary.md"
    texts = {
        page: suite_page.build(board, records, trainings, results, page),
        short: summary.build(board, records, results, short),
        **{out / f"{name}.{kind}": render.render(board, kind) for kind in render.FORMATS},
    }
    current = suite_page.current_of(board, records)
    for training in trainings:
        path = out / suite_page.member_page(board.suite, training.member)
        texts[path] = member_page.build(board, current, training, results, path)
    return texts

"""The report people look at: records and the pictures beside them -> pages that need nothing else. No torch."""

from pathlib import Path

from bench import board as boards
from bench import record
from bench.errors import UserError
from bench.record import write_atomically
from bench.report import links, suite_page


def build(results: Path, out: Path, suite: str | None = None) -> list[Path]:
    """Write the pages of every suite in `results` (or of one) below `out`; returns their paths.

    ``<suite>.html`` is self-contained. The same records give the same bytes. Raises UserError when there is no record,
    one is unsound, or `out` cannot be written.
    """
    pages = files(results, out, suite)
    for path, content in pages.items():
        write_atomically(path, content)
    return list(pages)


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
    made: dict[Path, bytes] = {}
    for name in [suite] if suite else suites(results):
        records = list(boards.load(results, name))
        board = boards.build(records)
        for kind in boards.FORMATS:
            made[out / f"{links.slug(name)}.{kind}"] = boards.render(board, kind).encode()
        page = out / f"{links.slug(name)}.html"
        made[page] = suite_page.build(board, records, results, page).encode()
    return made


def suites(results: Path) -> list[str]:
    """The suites that have records. Raises UserError when there is none."""
    found = sorted({path.parent.parent.name for path in record.paths(results)})
    if not found:
        raise UserError(
            f"report: there are no records in {results}. Make some with `bench run --suite demo`, or give --results."
        )
    return found

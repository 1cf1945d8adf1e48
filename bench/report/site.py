"""The pages as a static site: records beside them, a search over suites and members, the history of every suite."""

import shutil
import tempfile
from pathlib import Path

from bench import report
from bench.errors import UserError
from bench.files import write_atomically
from bench.records import validate

MARK = ".bench-site"  # what says that a folder is ours to replace
RESULTS = "results"


def publish(results: Path, out: Path) -> list[Path]:
    """Write the site of all records in `results` to the folder `out`; returns the paths of its pages.

    Everything stands in `out`: pages, boards, records and pictures, so that every link works on any host of static files.
    The same records give the same bytes. A site that is there is replaced whole, once the new one is made. Raises UserError
    for records that are not sound, for a folder that is not empty and no site, and for one inside the results.
    """
    _require_place(results, out)
    _require_sound(results)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as temporary:
        made = Path(temporary) / out.name
        shutil.copytree(results, made / RESULTS, ignore=shutil.ignore_patterns(".*"))
        written = report.build(made / RESULTS, made)
        write_atomically(made / MARK, b"")
        write_atomically(made / ".nojekyll", b"")  # some hosts leave out what begins with an underscore
        if out.exists():
            shutil.move(out, Path(temporary) / "old")
        shutil.move(made, out)
    return [out / path.relative_to(made) for path in written]


def _require_place(results: Path, out: Path) -> None:
    if out.resolve().is_relative_to(results.resolve()) or results.resolve().is_relative_to(out.resolve()):
        raise UserError(
            f"publish --out {out}: lies in the results {results}, or they in it. Name a folder beside them."
        )
    if out.exists() and not out.is_dir():
        raise UserError(f"publish --out {out}: is a file. Name a folder.")
    if out.is_dir() and any(out.iterdir()) and not (out / MARK).exists():
        raise UserError(
            f"publish --out {out}: holds files that are no site of ours. Name a new folder; nothing was changed."
        )


def _require_sound(results: Path) -> None:
    if not results.is_dir():
        raise UserError(f"publish: there is no folder {results}. Give the folder of the records as --results.")
    if problems := validate.validate(results):
        first = problems[0]
        raise UserError(
            f"publish: {len(problems)} problems in {results}, the first: {first.path}: {first.words}. See `bench validate`."
        )

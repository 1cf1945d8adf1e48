"""Where a baseline comes from: a results folder, a board that was written as JSON, or the results of a git revision."""

import io
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.boards import board
from bench.boards.board_json import read_file
from bench.boards.rows import Board
from bench.boards.speed_columns import attach
from bench.errors import UserError

GIT = "git:"


@dataclass(frozen=True)
class Baseline:
    """A baseline's board, or None where its place holds no record of the suite."""

    source: str
    board: Board | None


def find(spec: str, suite: str, results: Path = Path("results")) -> Baseline:
    """The baseline that `spec` names: ``DIR`` of records, ``FILE`` (a board as JSON) or ``git:REV``.

    ``git:REV`` reads the results folder `results` as it was at a revision. A place that is not there, or that holds no
    record of the suite, gives a baseline without a board; the gate then ends with "no baseline". Raises UserError for a
    file that is no board, records that are unsound, and a revision that git does not know.
    """
    if spec.startswith(GIT):
        return Baseline(f"{results} at {spec.removeprefix(GIT)}", _from_git(spec.removeprefix(GIT), suite, results))
    path = Path(spec)
    if path.is_dir():
        return Baseline(spec, _from_folder(path, suite))
    if path.is_file():
        return Baseline(spec, read_file(path))
    return Baseline(spec, None)


def _from_folder(path: Path, suite: str) -> Board | None:
    records = list(board.load(path, suite))
    return attach(board.build(records), path) if records else None


def _from_git(revision: str, suite: str, results: Path) -> Board | None:
    parent = results.absolute().parent
    if not revision or revision.startswith("-"):
        raise UserError(f"baseline git:{revision}: names no revision. Write for instance git:origin/main.")
    known = _git(parent, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if known.returncode:
        said = known.stderr.decode(errors="replace").strip()
        raise UserError(f"baseline git:{revision}: git knows no such commit in {parent}. {said or 'Fetch it first.'}")
    commit = known.stdout.decode().strip()
    archive = _git(parent, "archive", "--format=tar", commit, "--", f"{results.name}/{suite}")
    if archive.returncode:  # the folder was not there at that revision
        return None
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
            tar.extractall(folder, filter="data")
        return _from_folder(Path(folder) / results.name, suite)


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    if not folder.is_dir():
        raise UserError(
            f"baseline: {folder} is no folder, so git cannot look there. Give --results inside the checkout."
        )
    try:
        return subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        raise UserError("baseline git:REV needs git, which is not installed. Install it, or give a folder.") from None

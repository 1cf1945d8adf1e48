"""Where a baseline comes from: a results folder, a board that was written as JSON, or the results of a git revision."""

import io
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bench.boards import board
from bench.boards.board_json import read_file
from bench.boards.rows import Board
from bench.boards.speed_columns import attach
from bench.errors import UserError
from bench.formats import plain
from bench.records import speed

GIT = "git:"


@dataclass(frozen=True)
class Baseline:
    """A baseline's board, or None where its place holds no record of the suite."""

    source: str
    board: Board | None


def find(spec: str, suite: str, results: Path = Path("results")) -> Baseline:
    """The baseline that `spec` names: ``DIR`` of records, ``FILE`` (a board as JSON), ``git:REV`` or ``git:REV:DIR``.

    ``git:REV`` reads the results folder `results` as it was at a revision of the repository that holds that folder;
    ``git:REV:DIR`` the folder `DIR` of the repository that holds the current folder. A place that is not there, or that
    holds no record of the suite, gives a baseline without a board; the gate then ends with "no baseline". Raises
    UserError for a file that is not a board, records that are unsound, a folder that is in no repository, and a revision
    that git does not know.
    """
    if spec.startswith(GIT):
        revision, _, folder = spec.removeprefix(GIT).partition(":")
        place = _Place.of_folder(folder) if folder else _Place.of_results(results)
        return Baseline(f"{place.folder} at {revision}", _from_git(revision, suite, place))
    path = Path(spec)
    if path.is_dir():
        return Baseline(spec, _from_folder(path, suite))
    if path.is_file():
        return Baseline(spec, read_file(path))
    return Baseline(spec, None)


def _from_folder(path: Path, suite: str) -> Board | None:
    records = list(board.load(path, suite))
    return attach(board.build(records), path) if records else None


@dataclass(frozen=True)
class _Place:
    """A results folder of a repository."""

    repository: Path  # its top folder
    folder: PurePosixPath  # below that

    @classmethod
    def of_results(cls, results: Path) -> "_Place":
        """The folder where it is, from wherever the command runs; it need not exist any more."""
        target = results.resolve()
        there = next(folder for folder in (target, *target.parents) if folder.is_dir())
        top = _top(there)
        if top is None:
            raise UserError(
                f"baseline git:REV: the results folder {results} is in no git repository. Write git:REV:DIR, where DIR is "
                "the results folder in the repository of the current folder, e.g. git:origin/main:results."
            )
        return cls(top, PurePosixPath(target.relative_to(top).as_posix()))

    @classmethod
    def of_folder(cls, folder: str) -> "_Place":
        """A folder named from the top of the repository that holds the current folder."""
        path, top = PurePosixPath(folder), _top(Path())
        if path.is_absolute() or ".." in path.parts:
            raise UserError(
                f"baseline git:REV:{folder}: is not a folder below the top of the repository. Write e.g. results."
            )
        if top is None:
            raise UserError(
                "baseline git:REV:DIR: the current folder is in no git repository. Run inside the checkout."
            )
        return cls(top, path)


def _top(folder: Path) -> Path | None:
    """The top of the repository that holds a folder; None where there is none."""
    said = _git(folder, "rev-parse", "--show-toplevel")
    return None if said.returncode else Path(said.stdout.decode().rstrip("\n")).resolve()


def _from_git(revision: str, suite: str, place: _Place) -> Board | None:
    if not revision or revision.startswith("-"):
        raise UserError(f"baseline git:{revision}: names no revision. Write for instance git:origin/main.")
    known = _git(place.repository, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if known.returncode:
        said = plain(known.stderr.decode(errors="replace").strip())
        raise UserError(
            f"baseline git:{revision}: git knows no such commit in {place.repository}. {said or 'Fetch it first.'}"
        )
    commit = known.stdout.decode().strip()
    wanted = [str(place.folder / name) for name in (suite, speed.FOLDER)]
    there = [path for path in wanted if _git(place.repository, "cat-file", "-e", f"{commit}:{path}").returncode == 0]
    if wanted[0] not in there:  # the folder was not there at that revision
        return None
    archive = _git(place.repository, "archive", "--format=tar", commit, "--", *there)
    if archive.returncode:
        said = plain(archive.stderr.decode(errors="replace").strip())
        raise UserError(f"baseline git:{revision}: git cannot read {', '.join(there)}: {said}")
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
            tar.extractall(folder, filter="data")
        return _from_folder(Path(folder) / place.folder, suite)


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        raise UserError("baseline git:REV needs git, which is not installed. Install it, or give a folder.") from None

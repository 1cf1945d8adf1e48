"""Where a baseline comes from: a results folder, a board that was written as JSON, or the results of a git revision."""

import io
import json
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.boards import board
from bench.boards.board import Board
from bench.boards.rows import Cell, Column, Cost, Row
from bench.boards.speed_columns import attach
from bench.boards.statistics import Components, Scale, summary
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


def read_file(path: Path) -> Board:
    """A board from a JSON file. Raises UserError when it cannot be read or holds no board."""
    try:
        return read(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"baseline {path}: cannot be read: {error.strerror or error}.") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problem = "no JSON" if isinstance(error, json.JSONDecodeError) else "no board"
        raise UserError(
            f"baseline {path}: {problem}. Give a file that `bench leaderboard --format json` wrote, or a results folder."
        ) from None


def read(text: str) -> Board:
    """A board from its JSON; statistics are recomputed from the values. Raises ValueError or KeyError for other JSON."""
    content = json.loads(text)
    columns = {item["metric"]: _column(item) for item in content["columns"]}
    return Board(
        suite=content["suite"],
        suite_version=content["suite_version"],
        protocol_digest=content["protocol_digest"],
        protocol=content["protocol"],
        ranking=content["ranking"],
        columns=tuple(columns.values()),
        rows=tuple(_row(item, columns) for item in content["rows"]),
        notes=tuple(content["notes"]),
    )


def _column(item: dict[str, Any]) -> Column:
    scale = Scale(item["scale"], item["floor"])
    return Column(item["metric"], item["version"], item["better"], scale)


def _row(item: dict[str, Any], columns: dict[str, Column]) -> Row:
    cells = {(cell["metric"], cell["checkpoint"]): _cell(cell, columns[cell["metric"]]) for cell in item["cells"]}
    return Row(
        kind=item["kind"],
        rank=item["rank"],
        member=item["member"],
        source=item["source"],
        task=item["task"],
        track=item["track"],
        seeds=tuple(item["seeds"]),
        statuses=item["statuses"],
        gaps=tuple(item["gaps"]),
        cells=cells,
        cost=_cost(item["cost"]) if item["cost"] else None,
        records=tuple(item["records"]),
    )


def _cost(item: dict[str, Any]) -> Cost:
    return Cost(
        item["images"],
        item["train_seconds"],
        tuple(sorted(item["parameters"].items())),
        item.get("flops_sample"),
        item.get("samples_per_second"),
    )


def _cell(item: dict[str, Any], column: Column) -> Cell:
    values = tuple(float(value) for value in item["values"].values())
    return Cell(
        seeds=tuple(int(seed) for seed in item["values"]),
        values=values,
        summary=summary(values, column.scale),
        components=Components(item["training_seed_sd"], item["sample_seed_sd"]),
        flags=tuple(item["flags"]),
    )

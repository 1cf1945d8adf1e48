"""Published scores as data: who reported what, where it can be read, under which protocol, and why it is not comparable."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, ValidationError

from bench.boards import explain
from bench.boards.explain import ExplainTarget, Explanation
from bench.errors import UserError, unknown
from bench.formats import NONE, escape, grid
from bench.suites.frozen import Frozen

if TYPE_CHECKING:
    from bench.boards.rows import Board

FOLDER = Path(__file__).parent / "published_rows"


class Source(Frozen):
    """Where a number can be read."""

    id: str
    title: str
    repository: str
    path: str  # inside the repository
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{7,40}$")]
    read: Literal["table", "text", "image", "log", "code", "second-hand"]  # how it was taken down

    @property
    def address(self) -> str:
        """The page as it was."""
        return (
            f"{self.repository}/blob/{self.commit}/{self.path}"
            if self.path
            else f"{self.repository}/tree/{self.commit}"
        )


class _Line(Frozen):
    model: str
    member: str | None = None  # the member of ours that implements the same paper
    values: dict[str, float]
    spread: dict[str, float] = Field(default_factory=dict)
    conditional: bool | None = None
    note: str = ""


class _Table(Frozen):
    spread: str = ""
    note: str = ""
    verified: bool = True
    protocol: dict[str, dict[str, Any]]
    rows: tuple[_Line, ...]


class _File(Frozen):
    source: Source
    tables: tuple[_Table, ...]


@dataclass(frozen=True)
class Reference:
    """One published row."""

    id: str  # "mimicry/cifar10/sngan"
    model: str
    member: str | None
    values: Mapping[str, float]  # metric -> score, as printed
    spread: Mapping[str, float]
    spread_kind: str  # what the spread is over; never over training seeds unless it says so
    source: Source
    protocol: Mapping[str, Any]  # as far as it is stated
    verified: bool  # False: no primary source was found
    note: str

    @property
    def subject(self) -> ExplainTarget:
        """As something that `explain` compares."""
        return ExplainTarget(f"{self.model} ({self.source.title})", self.protocol, "", {}, published=True)


@dataclass(frozen=True)
class Beside:
    """A published row beside a board, and how the two protocols differ."""

    reference: Reference
    explanation: Explanation


@cache
def load(folder: Path = FOLDER) -> tuple[Reference, ...]:
    """Every published row, by id. Raises UserError when a file is not as expected."""
    found = [reference for path in sorted(folder.glob("*.toml")) for reference in _read(path)]
    return tuple(sorted(found, key=lambda reference: reference.id))


def find(name: str) -> Reference:
    """The published row with an id, such as ``mimicry/cifar10/sngan``. Raises UserError for an unknown one."""
    known = {reference.id: reference for reference in load()}
    if name not in known:
        raise unknown("published row", name, known)
    return known[name]


def _read(path: Path) -> list[Reference]:
    try:
        file = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise UserError(f"references {path}: {error}. Fix the file.") from None
    return [_reference(file.source, table, line) for table in file.tables for line in table.rows]


def _reference(source: Source, table: _Table, line: _Line) -> Reference:
    data = table.protocol["data"]
    place = data["name"] + (f"-{data['resolution']}" if data["name"] == "celeba" else "")
    model = "-".join("".join(c if c.isalnum() else " " for c in line.model.lower()).split())
    protocol = {name: dict(values) for name, values in table.protocol.items()}
    if line.conditional is not None:
        protocol.setdefault("training", {})["conditional"] = line.conditional
    return Reference(
        id=f"{source.id}/{place}/{model}",
        model=line.model,
        member=line.member,
        values=line.values,
        spread=line.spread,
        spread_kind=table.spread,
        source=source,
        protocol=protocol,
        verified=table.verified,
        note="; ".join(part for part in (line.note, table.note) if part),
    )


def beside(board: "Board") -> list[Beside]:
    """The published rows of a board's members on its data set and resolution, best documented first."""
    data = board.protocol.get("data", {})
    members = {row.member for row in board.rows}
    ours = explain.of_board(board)
    return [
        Beside(reference, explain.explain(ours, reference.subject))
        for reference in load()
        if reference.member in members
        and reference.protocol["data"]["name"] == data.get("name")
        and reference.protocol["data"].get("resolution") in (None, data.get("resolution"))
    ]


def lines(board: "Board") -> list[str]:
    """The published rows as a section of the board's Markdown; empty where there are none."""
    found = beside(board)
    if not found:
        return []
    header = ["member", "published as", "scores", "source", "read from", "comparable"]
    rows = [_line(one) for one in found]
    return ["## Published by others, never ranked with ours", "", *grid(header, rows, left=6)]


def _line(one: Beside) -> list[str]:
    reference = one.reference
    source = f"[{escape(reference.source.title)}]({reference.source.address})"
    name = escape(reference.model) + ("" if reference.verified else " (unverified)")
    return [escape(reference.member or NONE), name, scores(reference), source, reference.source.read, reason(one)]


def scores(reference: Reference) -> str:
    """``fid 16.77 ± 0.04 (± standard deviation over 3 sample seeds of one training)``: a spread is never left unnamed."""
    spread = {metric: f" ± {value:g}" for metric, value in reference.spread.items()}
    text = ", ".join(f"{metric} {value:g}{spread.get(metric, '')}" for metric, value in reference.values.items())
    return f"{text} (± {reference.spread_kind})" if spread else text


def reason(one: Beside) -> str:
    """``yes``, or ``no: other extractor, images; resize not stated``."""
    if one.explanation.comparable == "yes":
        return "yes"
    stated = [item for item in one.explanation.differences if explain.NOT_STATED not in (item.a, item.b)]
    silent = [item for item in one.explanation.differences if item not in stated]
    parts = [f"other {_names(stated)}"] if stated else []
    parts += [f"{_names(silent)} not stated"] if silent else []
    return f"{one.explanation.comparable}: {'; '.join(parts)}"


def _names(items: list[explain.Difference]) -> str:
    return ", ".join(item.field.rpartition(".")[2].replace("_", " ") for item in items)

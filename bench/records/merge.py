"""Records from many machines, or from many people, into one folder."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from bench.errors import UserError
from bench.files import write_atomically
from bench.records import artifacts, record, speed
from bench.records.fields import FolderName
from bench.records.record import Record
from bench.records.validate import Problem, job_of, validate

SHOWN = 20  # problems in a message


@dataclass(frozen=True)
class Merged:
    """What a merge did."""

    added: tuple[Path, ...]  # records, as written
    already_there: int  # the same records, found again
    files: int  # what was copied with them: pictures, records of speed, suites of custom data


@dataclass(frozen=True)
class _Incoming:
    source: Path
    item: Record
    renamed: bool = False

    def content(self) -> bytes:
        """The bytes of its file: as they are, unless its member was renamed."""
        return record.encoded(self.item) if self.renamed else self.source.read_bytes()


@dataclass
class _Gathered:
    records: dict[Path, _Incoming] = field(default_factory=dict[Path, _Incoming])  # by target
    problems: list[Problem] = field(default_factory=list[Problem])


def merge(folders: Sequence[Path], out: Path, prefix: str = "") -> Merged:
    """Copy the records of several folders, and the files beside them, into one.

    Every record is verified first and nothing is written unless all can be: the same record twice counts once; two
    different results for one job are a conflict. `prefix` goes before the name of every member that comes in, so that
    two people's members of one name stay two rows. Raises UserError with every problem found.
    """
    _check(out, prefix)
    gathered = _gather(folders, out, prefix)
    companions, clashes = _companions(folders, out)
    if problems := list(dict.fromkeys([*gathered.problems, *clashes])):
        raise UserError(_refusal(problems))
    added: list[Path] = []
    files = same = 0
    for target, one in sorted(gathered.records.items()):
        if target.exists():
            same += 1
            continue
        files += _copy_artifacts(one, target)
        write_atomically(target, one.content())  # the record last: it vouches for its files
        added.append(target)
    for target, content in sorted(companions.items()):
        if not target.exists():
            write_atomically(target, content)
            files += 1
    return Merged(tuple(added), same, files)


def _check(out: Path, prefix: str) -> None:
    if out == Path():
        raise UserError("merge --out: names no folder. Give the folder in which the records should come together.")
    if out.exists() and not out.is_dir():
        raise UserError(f"merge --out {out}: is not a folder. Give a folder, or a name that is free.")
    try:
        TypeAdapter(FolderName).validate_python(f"{prefix}x")
    except ValidationError as error:
        reason = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise UserError(f"merge --prefix {prefix!r}: {reason}. Give for instance --prefix alice-.") from None


def _refusal(problems: Sequence[Problem]) -> str:
    shown = "\n  ".join(str(problem) for problem in problems[:SHOWN])
    more = f"\n  and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
    hint = "\nTwo people's members of one name: merge one of the folders with --prefix NAME-." if any(
        "conflict" in problem.words for problem in problems
    ) else ""  # fmt: skip
    noun = "problem" if len(problems) == 1 else "problems"
    return f"merge: {len(problems)} {noun}, nothing was written. Fix or remove these files:\n  {shown}{more}{hint}"


def _companions(folders: Sequence[Path], out: Path) -> tuple[dict[Path, bytes], list[Problem]]:
    """What belongs to a results folder and to no single record: records of speed, and the suites of custom data."""
    found: dict[Path, bytes] = {}
    problems: list[Problem] = []
    for folder in _existing(folders, out):
        for path in [*speed.paths(folder), *sorted(folder.glob("*/suite.toml"))]:
            if not (record.inside(path, folder) and path.is_file()):
                problems.append(Problem(path, "is not a file below its folder, once links are followed"))
                continue
            content = path.read_bytes()
            if found.setdefault(out / path.relative_to(folder), content) != content:
                problems.append(Problem(path, f"conflict: another {path.name} goes to the same place in {out}"))
    return found, problems


def _existing(folders: Sequence[Path], out: Path) -> list[Path]:
    """The folders to read, what is there already first."""
    return [*([out] if out.is_dir() else []), *folders]


def _gather(folders: Sequence[Path], out: Path, prefix: str) -> _Gathered:
    """The records to come by target, the ones in `out` first, and all that stands against merging them."""
    gathered = _Gathered()
    results: dict[tuple[str, ...], _Incoming] = {}
    for folder in _existing(folders, out):
        gathered.problems += validate(folder)
        for path in record.paths(folder):
            try:
                one = _Incoming(path, record.read(path))
            except UserError:
                continue  # named by validate
            if prefix and folder != out:
                one = replace(one, item=renamed(one.item, prefix), renamed=True)
            gathered.problems += _conflict(one, gathered.records.setdefault(out / one.item.file_name, one))
            if one.item.status in ("ok", "diverged"):
                gathered.problems += _conflict(one, results.setdefault(job_of(one.item), one))
    return gathered


def renamed(item: Record, prefix: str) -> Record:
    """The record with `prefix` before its member's name, sealed again; its job is that of the new name."""
    member = item.member.model_copy(update={"name": prefix + item.member.name})
    job = record.job_digest(member.name, member.source_digest, item.protocol_digest, item.seed)
    original = item.renamed_from or item.member.name
    return item.model_copy(update={"member": member, "job": job, "renamed_from": original}).sealed()


def _conflict(one: _Incoming, known: _Incoming) -> list[Problem]:
    if one.item.digest == known.item.digest:
        return []
    return [Problem(one.source, f"conflict: {known.source} holds another result of the same job")]


def _copy_artifacts(one: _Incoming, target: Path) -> int:
    """Copy the files beside a record, each once more checked against its digest."""
    count = 0
    for artifact in one.item.artifacts:
        if artifact.kind == artifacts.CHECKPOINT or artifact.status != "kept":
            continue
        content, problem = artifacts.content(one.source.parent, artifact)
        if problem:
            raise UserError(f"merge: {one.source}: its artifact {artifact.path}: {problem}. Run `bench validate`.")
        write_atomically(target.parent / artifact.path, content)
        count += 1
    return count

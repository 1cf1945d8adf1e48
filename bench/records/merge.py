"""Records from many machines into one folder, and what is wrong with a folder of records."""

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import UserError
from bench.records import record, speed
from bench.records.record import Artifact, Record


@dataclass(frozen=True)
class Problem:
    """Something wrong with a file of a results folder."""

    path: Path
    words: str

    def __str__(self) -> str:
        return f"{self.path}: {self.words}"


@dataclass(frozen=True)
class Merged:
    """What a merge did."""

    added: tuple[Path, ...]  # records, as written
    already_there: int  # the same records, found again
    files: int  # what was copied with them: pictures, records of speed, suites of one's own data


def validate(results: Path) -> list[Problem]:
    """Everything that is wrong in a results folder, in the order of its files; empty when all is well.

    Schema, digests, invariants, a record in the wrong place, one cell with several results, artifacts that are gone or
    changed. Raises UserError when there is no such folder.
    """
    if not results.is_dir():
        raise UserError(
            f"results folder {results}: no such folder. Give the folder that `bench run --results` wrote to."
        )
    found: list[Problem] = []
    cells: dict[tuple[str, ...], list[Path]] = defaultdict(list)
    for path in record.paths(results):
        try:
            item = record.read(path)
        except UserError as error:
            found.append(Problem(path, _without_place(str(error), path)))
            continue
        found += [Problem(path, words) for words in dict.fromkeys(_problems(item, path, results))]
        if item.status in ("ok", "diverged"):
            cells[_cell(item)].append(path)
    found += _speed_problems(results)
    found += [
        Problem(paths[-1], f"the same cell has a result in {paths[0].name} too")
        for paths in cells.values()
        if len(paths) > 1
    ]
    return found


def _speed_problems(results: Path) -> Iterator[Problem]:
    """What is wrong with the records of speed, which lie beside the suites."""
    for path in speed.paths(results):
        try:
            item = speed.read(path)
        except UserError as error:
            yield Problem(path, str(error).removeprefix(f"speed record {path}: "))
            continue
        if path != results / item.file_name:
            yield Problem(path, f"its content belongs at {item.file_name}")


def _without_place(message: str, path: Path) -> str:
    return message.removeprefix(f"record {path}: ")


def _cell(item: Record) -> tuple[str, ...]:
    return item.suite, item.member.name, item.member.source_digest, item.protocol_digest, str(item.seed)


def _problems(item: Record, path: Path, results: Path) -> Iterator[str]:
    yield from record.problems(item)
    place = path.relative_to(results).as_posix()
    if place != item.file_name:
        yield f"lies at {place}, its content belongs at {item.file_name}"
    job = record.job_digest(item.member.name, item.member.source_digest, item.protocol_digest, item.seed)
    if job != item.job:
        yield f"its job is {item.job}, its member, source, protocol and seed make {job}"
    for artifact in item.artifacts:
        if artifact.kind != "checkpoint":  # those live in the cache
            yield from _artifact_problems(path.parent, artifact)


def _artifact_problems(folder: Path, artifact: Artifact) -> Iterator[str]:
    path = folder / artifact.path
    if os.path.commonpath([path.resolve(), folder.resolve()]) != str(folder.resolve()):
        yield f"its artifact {artifact.path} lies outside its folder"
        return
    try:
        content = path.read_bytes()
    except OSError as error:
        yield f"its artifact {artifact.path} cannot be read: {error.strerror}"
        return
    if hashlib.sha256(content).hexdigest() != artifact.sha256:
        yield f"its artifact {artifact.path} is not the file that the run wrote"


@dataclass(frozen=True)
class _Incoming:
    source: Path
    item: Record


def merge(folders: Sequence[Path], out: Path) -> Merged:
    """Copy the records of several folders, and the files beside them, into one.

    Every record is verified first and nothing is written unless all can be: the same record twice counts once; two
    different results for one cell are a conflict. Raises UserError with every problem found.
    """
    incoming, problems = _gather(folders, out)
    companions, clashes = _companions(folders, out)
    problems += clashes
    if problems:
        shown = "\n  ".join(str(problem) for problem in problems[:20])
        more = f"\n  and {len(problems) - 20} more" if len(problems) > 20 else ""
        raise UserError(
            f"merge: {len(problems)} problems, nothing was written. Mend or remove these files:\n  {shown}{more}"
        )
    added: list[Path] = []
    files = same = 0
    for target, one in sorted(incoming.items()):
        if target.exists():
            same += 1
            continue
        files += _copy_artifacts(one, target)
        record.write_atomically(target, one.source.read_bytes())  # the record last: it vouches for its files
        added.append(target)
    for target, content in sorted(companions.items()):
        if not target.exists():
            record.write_atomically(target, content)
            files += 1
    return Merged(tuple(added), same, files)


def _companions(folders: Sequence[Path], out: Path) -> tuple[dict[Path, bytes], list[Problem]]:
    """What belongs to a results folder and to no single record: records of speed, and the suites of one's own data."""
    found: dict[Path, bytes] = {}
    problems: list[Problem] = []
    for folder in [*([out] if out.is_dir() else []), *folders]:
        for path in [*speed.paths(folder), *sorted(folder.glob("*/suite.toml"))]:
            content = path.read_bytes()
            if found.setdefault(out / path.relative_to(folder), content) != content:
                problems.append(Problem(path, f"conflict: another {path.name} goes to the same place in {out}"))
    return found, problems


def _gather(folders: Sequence[Path], out: Path) -> tuple[dict[Path, _Incoming], list[Problem]]:
    """The records to come by target, the ones in `out` first, and all that stands against merging them."""
    incoming: dict[Path, _Incoming] = {}
    results: dict[tuple[str, ...], _Incoming] = {}
    problems: list[Problem] = []
    for folder in [*([out] if out.is_dir() else []), *folders]:
        problems += validate(folder)
        for path in record.paths(folder):
            try:
                one = _Incoming(path, record.read(path))
            except UserError:
                continue  # named by validate
            problems += _conflict(one, incoming.setdefault(out / one.item.file_name, one))
            if one.item.status in ("ok", "diverged"):
                problems += _conflict(one, results.setdefault(_cell(one.item), one))
    return incoming, list(dict.fromkeys(problems))


def _conflict(one: _Incoming, known: _Incoming) -> list[Problem]:
    if one.item.digest == known.item.digest:
        return []
    return [Problem(one.source, f"conflict: {known.source} holds another result of the same cell")]


def _copy_artifacts(one: _Incoming, target: Path) -> int:
    pictures = [artifact.path for artifact in one.item.artifacts if artifact.kind != "checkpoint"]
    for name in pictures:
        record.write_atomically(target.parent / name, (one.source.parent / name).read_bytes())
    return len(pictures)


def render_text(found: Sequence[Problem], count: int) -> str:
    """What `validate` found, for a terminal."""
    noun = "record" if count == 1 else "records"
    if not found:
        return f"{count} {noun}, all sound\n"
    return "".join(f"{problem}\n" for problem in found) + f"{count} {noun}, {len(found)} problems\n"

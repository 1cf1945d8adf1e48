"""What is wrong with a folder of records."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import UserError
from bench.formats import plain
from bench.records import artifacts, record, speed
from bench.records.record import Artifact, Record
from bench.records.soundness import problems


@dataclass(frozen=True)
class Problem:
    """Something wrong with a file of a results folder."""

    path: Path
    words: str

    def __str__(self) -> str:
        return plain(f"{self.path}: {self.words}")


def validate(results: Path) -> list[Problem]:
    """Everything that is wrong in a results folder, in the order of its files; empty when all is well.

    Schema, digests, invariants, a record in the wrong place, one job with several results, artifacts that are gone or
    changed, links that lead out of the folder, what a killed run left half-written. Raises UserError when there is no
    such folder.
    """
    if not results.is_dir():
        raise UserError(
            f"results folder {results}: no such folder. Give the folder that `bench run --results` wrote to."
        )
    found: list[Problem] = []
    jobs: dict[tuple[str, ...], list[Path]] = defaultdict(list)
    for path in record.paths(results):
        try:
            item = record.read(path)
        except UserError as error:
            found.append(Problem(path, without_place(str(error), "record", path)))
            continue
        found += [Problem(path, words) for words in dict.fromkeys(_record_problems(item, path, results))]
        if item.status in ("ok", "diverged"):
            jobs[job_of(item)].append(path)
    found += _speed_problems(results)
    found += [
        Problem(paths[-1], f"the same job has a result in {paths[0].name} too")
        for paths in jobs.values()
        if len(paths) > 1
    ]
    return found


def leftovers(results: Path) -> list[Path]:
    """What killed runs left half-written: hidden ``.part`` files, which nothing reads and the next run may delete."""
    found = [*results.glob("*/.*.part"), *results.glob("*/*/.*.part")]
    return sorted(path for path in found if path.is_file() and not path.is_symlink())


def without_place(message: str, what: str, path: Path) -> str:
    """The message of a reader without the file that it names first."""
    return message.removeprefix(f"{what} {path}: ")


def job_of(item: Record) -> tuple[str, ...]:
    """What a result must be the only one of."""
    member = item.member
    return item.suite, member.name, member.author, member.source_digest, item.protocol_digest, str(item.seed)


def _speed_problems(results: Path) -> Iterator[Problem]:
    """What is wrong with the records of speed, which lie beside the suites."""
    for path in speed.paths(results):
        try:
            item = speed.read(path)
        except UserError as error:
            yield Problem(path, without_place(str(error), "speed record", path))
            continue
        if path != results / item.file_name:
            yield Problem(path, f"its content belongs at {item.file_name}")


def _record_problems(item: Record, path: Path, results: Path) -> Iterator[str]:
    yield from problems(item)
    if path != results / item.file_name:
        yield without_place(record.misplaced(item, path, results), "record", path)
    job = record.job_digest(item.member.name, item.member.source_digest, item.protocol_digest, item.seed)
    if job != item.job:
        yield f"its job is {item.job}, its member, source, protocol and seed make {job}"
    for artifact in item.artifacts:
        yield from _artifact_problems(path.parent, artifact)


def _artifact_problems(folder: Path, artifact: Artifact) -> Iterator[str]:
    if artifact.kind == artifacts.CHECKPOINT or artifact.status != "kept":  # in the cache, or nowhere
        return
    _, problem = artifacts.content(folder, artifact)
    if problem:
        yield f"its artifact {artifact.path or artifact.kind}: {problem}"


def render_text(found: Sequence[Problem], count: int, left: Sequence[Path] = ()) -> str:
    """What was found, for a terminal."""
    noun = "record" if count == 1 else "records"
    total = (
        f"{count} {noun}, {len(found)} problem{'' if len(found) == 1 else 's'}"
        if found
        else f"{count} {noun}, all sound"
    )
    lines = [*map(str, found), *(plain(f"{path}: left half-written by a killed run, ignored") for path in left), total]
    return "".join(f"{line}\n" for line in lines)

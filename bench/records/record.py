"""Records: one JSON file per run, written once, never edited. Every table, figure and verdict is a function of these.

A failure is a record too: `status` says how the run ended. Only raw values are kept; every aggregate is recomputed.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from bench.errors import UserError
from bench.files import digest, write_atomically
from bench.metric_facts import MetricFacts
from bench.records import json_file
from bench.records.fields import Count, FolderName, Moment, Name, Seconds, Version
from bench.records.json_file import RESTORE, cannot_read
from bench.records.origins import Adoption, Compression
from bench.records.parts import Artifact, Compute, Environment, Failure, Member, Point, Score, Tuning
from bench.suites.frozen import Frozen
from bench.suites.suite import Track

SCHEMA_VERSION = 1

Status = Literal["ok", "diverged", "failed", "out-of-memory"]
Place = tuple[int, str, int, str]  # order, time of finishing, attempt, digest: the greatest is the newest


class Record(Frozen):
    """One run of one member with one seed under one protocol."""

    schema_version: int = SCHEMA_VERSION
    order: Count = 0  # among the suite's records in its folder: grows with each, whatever the clock says; 0: not known
    suite: FolderName
    suite_version: Version
    track: Track
    protocol_digest: Name
    protocol: dict[str, Any]
    ranking: Name
    member: Member
    seed: Count
    job: FolderName  # names the job: member, source, protocol, seed
    attempt: Count = 1  # a failed job that is run again gets a further record; the latest counts
    status: Status
    diverged_at_step: Count | None = None
    failure: Failure | None = None
    compute: Compute | None = None  # of the matched track
    tuning: Tuning | None = Field(
        default=None, exclude_if=lambda tuning: tuning is None
    )  # of a row that was searched for
    images_seen: Count
    steps: Count
    updates: dict[str, Count]  # player -> optimiser steps
    parameters: dict[str, Count]  # player -> trainable parameters
    seconds: dict[str, Seconds]  # phase -> seconds
    peak_memory_bytes: Count | None
    curve: tuple[Point, ...]
    best_images: Count | None = None  # where the best checkpoint was taken
    scores: tuple[Score, ...]
    plugin_metrics: dict[str, MetricFacts] = Field(default_factory=dict)  # name -> facts, of those not of this suite
    absent: dict[str, str] = Field(default_factory=dict)  # optional metric -> why it was not measured on this machine
    artifacts: tuple[Artifact, ...]
    environment: Environment
    command: str
    adoption: Adoption | None = Field(default=None, exclude_if=lambda value: value is None)  # made elsewhere
    compression: Compression | None = Field(default=None, exclude_if=lambda value: value is None)  # of another record
    renamed_from: str = ""  # the member's name before `bench merge --prefix`
    started: Moment  # UTC, ISO 8601
    finished: Moment
    digest: str = ""  # sha256 of everything above

    def sealed(self) -> "Record":
        """The same record with its digest."""
        return self.model_copy(update={"digest": self.content_digest()})

    def content_digest(self) -> str:
        """The sha256 of everything but the digest itself."""
        return digest(self.model_dump(mode="json", exclude={"digest"}))

    @property
    def place(self) -> Place:
        """Its place among records of the same suite: what was written later is greater, whatever the clock said."""
        return self.order, self.finished, self.attempt, self.digest

    @property
    def file_name(self) -> str:
        """Its path below a results folder."""
        return f"{self.suite}/{self.member.name}/{file_stem(self.seed, self.job, self.attempt)}.json"


def file_stem(seed: int, job: str, attempt: int = 1) -> str:
    """The name, without suffix, of a record and of the pictures beside it."""
    return f"{seed}-{job}" + (f"-{attempt}" if attempt > 1 else "")


def job_digest(member: str, source_digest: str, protocol_digest: str, seed: int) -> str:
    """The name of a job: 10 hex digits over all that decides its result."""
    return digest([member, source_digest, protocol_digest, seed])[:10]


def write(record: Record, results: Path) -> Path:
    """Write a record once and atomically, and return its path. It gets the next order of its suite.

    Raises UserError when the folder cannot be written, the disk is full, or the record already exists.
    """
    path = results / record.file_name
    if path.exists():
        raise UserError(
            f"record {path}: already exists, and records are never overwritten. Delete it to run the job again."
        )
    ordered = record.model_copy(update={"order": 1 + _highest_order(results / record.suite)}).sealed()
    write_atomically(path, encoded(ordered))
    return path


def encoded(record: Record) -> bytes:
    """A sealed record as the bytes of its file."""
    text = json.dumps(record.model_dump(mode="json"), indent=1, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode()


def _highest_order(suite: Path) -> int:
    """The highest order of the suite's records; it stands at the beginning of each, so no file is read in full."""
    highest = 0
    for path in suite.glob("*/*.json"):
        try:
            with path.open("rb") as file:
                found = ORDER.search(file.read(HEAD))
        except OSError:  # a broken file is named where records are read
            continue
        highest = max(highest, int(found[1]) if found else 0)
    return highest


HEAD = 200  # bytes of a record that hold its order
ORDER = re.compile(rb'"order": (\d{1,15}),')


def read(path: Path) -> Record:
    """Read and verify one record.

    Raises UserError when it is unreadable, truncated, from a newer schema, holds what no record can hold, leads out of
    its folder by a link, or was edited by hand (its digest differs).
    """
    if path.is_symlink() and not inside(path, path.parent):
        raise UserError(
            f"record {path}: cannot be read: it is a link that is broken or leads out of its folder. Remove it."
        )
    content = json_file.load(path, "record")
    version = content.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise UserError(
            f"record {path}: schema {version} is newer than this bench understands ({SCHEMA_VERSION}). Upgrade gan-bench."
        )
    record = json_file.parse(Record, content, path, "record")
    content.pop("digest", None)
    if record.digest != digest(content):  # of the file as it stands: fields that a later schema adds do not count
        raise UserError(f"record {path}: its content does not match its digest, so it was edited by hand. {RESTORE}")
    return record


def inside(path: Path, folder: Path) -> bool:
    """Whether a path that exists lies in a folder once all links are followed."""
    try:
        target, root = path.resolve(strict=True), folder.resolve()
    except (OSError, RuntimeError, ValueError):
        return False
    return target == root or root in target.parents


def paths(results: Path, suite: str | None = None) -> Iterator[Path]:
    """The record files below a results folder, in an order that no machine changes.

    Raises UserError at a folder that cannot be read: nothing is left out silently.
    """
    for folder in _folders(results):
        if suite is None or folder.name == suite:
            for member in _folders(folder):
                yield from (path for path in _entries(member) if path.suffix == ".json" and path.name[0] != ".")


def _folders(folder: Path) -> list[Path]:
    found = [path for path in _entries(folder) if path.is_dir() or (path.is_symlink() and not path.exists())]
    for path in found:
        if path.is_symlink() and path.exists() and not inside(path, folder):
            raise UserError(
                f"record {path}: cannot be read: it is a link that leads out of {folder}. Copy the folder instead."
            )
    return found


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir()) if folder.exists() or folder.is_symlink() else []
    except OSError as error:
        raise cannot_read(folder, error, "record") from None


def suites(results: Path, suite: str | None = None) -> list[str]:
    """The suites that have records below a results folder, or the one if it has any."""
    return sorted({path.parent.parent.name for path in paths(results, suite)})


def read_below(results: Path, suite: str | None = None) -> Iterator[Record]:
    """Every record of a suite, verified, in canonical order, one at a time.

    Raises UserError at the first that is not sound, or that lies elsewhere than its content says: a folder that was
    copied under another name is no other suite.
    """
    for path in paths(results, suite):
        record = read(path)
        if path != results / record.file_name:
            raise UserError(misplaced(record, path, results))
        yield record


def read_all(results: Path, suite: str | None = None) -> list[Record]:
    """Every record of a suite at once, as `read_below` gives them."""
    return list(read_below(results, suite))


def misplaced(record: Record, path: Path, results: Path) -> str:
    """What is wrong with a record in the wrong place."""
    place = path.relative_to(results).as_posix()
    return f"record {path}: lies at {place}, its content belongs at {record.file_name}. Move it there, or delete it."


def now_in_utc() -> str:
    """ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")

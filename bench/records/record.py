"""Records: one JSON file per run, written once, never edited. Every table, figure and verdict is a function of these.

A failure is a record too: `status` says how the run ended. Only raw values are kept; every aggregate is recomputed.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bench import metric_facts
from bench.errors import UserError
from bench.files import digest, write_atomically
from bench.metric_facts import MetricFacts
from bench.suites.suite import Track

SCHEMA_VERSION = 1
RESTORE = "Restore it from version control, or delete it and run the cell again."

Finite = Annotated[float, Field(allow_inf_nan=False)]
Status = Literal["ok", "diverged", "failed", "out-of-memory"]
Role = Literal["member", "calibration"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Score(_Frozen):
    """One metric of one checkpoint, on one sample."""

    metric: str  # NAME@EXTRACTOR, or NAME@EXTRACTOR:held-out
    version: int  # of the metric's definition
    better: Literal["lower", "higher"]
    value: Finite
    checkpoint: Literal["last", "best"]  # "best" was chosen by the protocol's selection metric on the curve
    samples_real: int
    samples_fake: int
    sample_seed: int
    flags: tuple[str, ...] = ()  # e.g. "100 fake samples for 192 feature dimensions"
    error: Finite | None = None  # what the metric knows of its own error; its summary says of what kind
    baseline: Finite | None = None  # the figure of held-out real images in the fakes' place


class Point(_Frozen):
    """One point of the training curve."""

    images: int  # real images drawn so far
    step: int
    train_seconds: Finite
    terms: dict[str, Finite]  # "player/term" -> mean since the last point, and diagnostics
    scores: dict[str, Finite]  # metric id -> value on the selection sample


class Artifact(_Frozen):
    """A file beside the record, or a checkpoint in the cache."""

    kind: str  # "grid", "nearest-distances", "checkpoint": see docs/report.md
    path: str  # relative to the record's folder; for checkpoints to the cache's
    sha256: str
    images: int | None = None  # where in training it was made
    note: str = ""  # what a reader must know of it, e.g. the classes of its rows


class Failure(_Frozen):
    """Why a run ended without a result."""

    phase: str
    type: str
    message: str
    traceback_tail: tuple[str, ...] = ()


class Member(_Frozen):
    """Which code ran."""

    name: str
    entry_point: str  # "module:function"
    distribution: str  # "gan-bench 0.1.0", or "" for a loose file
    source_digest: str  # over the syntax trees of the module and of what it imports from its own package
    task: str
    role: Role = "member"


class Environment(_Frozen):
    """Where it ran, described by what it is."""

    python: str
    system: str
    cpu: str
    cores: int
    memory_bytes: int
    accelerator: str | None
    threads: int
    packages: dict[str, str]
    device: str
    channels_last: bool
    compiled: bool
    commit: str | None  # of the checkout that ran
    dirty: bool


class Record(_Frozen):
    """One run of one member with one seed under one protocol."""

    schema_version: int = SCHEMA_VERSION
    suite: str
    suite_version: str
    track: Track
    protocol_digest: str
    protocol: dict[str, Any]
    ranking: str
    member: Member
    seed: int
    job: str  # names the cell: member, source, protocol, seed
    attempt: int = 1  # a failed cell that is run again gets a further record; the latest counts
    status: Status
    diverged_at_step: int | None = None
    failure: Failure | None = None
    images_seen: int
    steps: int
    updates: dict[str, int]  # player -> optimiser steps
    parameters: dict[str, int]  # player -> trainable parameters
    seconds: dict[str, Finite]  # phase -> seconds
    peak_memory_bytes: int | None
    curve: tuple[Point, ...]
    best_images: int | None = None  # where the best checkpoint was taken
    scores: tuple[Score, ...]
    plugin_metrics: dict[str, MetricFacts] = Field(default_factory=dict)  # name -> facts, of those not of this suite
    absent: dict[str, str] = Field(default_factory=dict)  # optional metric -> why it was not measured on this machine
    artifacts: tuple[Artifact, ...]
    environment: Environment
    command: str
    started: str  # UTC, ISO 8601
    finished: str
    digest: str = ""  # sha256 of everything above

    def sealed(self) -> "Record":
        """The same record with its digest."""
        return self.model_copy(update={"digest": self.content_digest()})

    def content_digest(self) -> str:
        """The sha256 of everything but the digest itself."""
        return digest(self.model_dump(mode="json", exclude={"digest"}))

    @property
    def file_name(self) -> str:
        """Its path below a results folder."""
        return f"{self.suite}/{self.member.name}/{file_stem(self.seed, self.job, self.attempt)}.json"


def file_stem(seed: int, job: str, attempt: int = 1) -> str:
    """The name, without suffix, of a record and of the pictures beside it."""
    return f"{seed}-{job}" + (f"-{attempt}" if attempt > 1 else "")


def job_digest(member: str, source_digest: str, protocol_digest: str, seed: int) -> str:
    """The name of a cell: 10 hex digits over all that decides its result."""
    return digest([member, source_digest, protocol_digest, seed])[:10]


def write(record: Record, results: Path) -> Path:
    """Write a record once and atomically, and return its path.

    Raises UserError when the folder cannot be written, the disk is full, or the record is there already.
    """
    path = results / record.file_name
    text = json.dumps(record.sealed().model_dump(mode="json"), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    if path.exists():
        raise UserError(
            f"record {path}: is there already, and records are never overwritten. Delete it to run the cell again."
        )
    write_atomically(path, text.encode())
    return path


def read(path: Path) -> Record:
    """Read and verify one record.

    Raises UserError when it is unreadable, truncated, from a newer schema, or was edited by hand (its digest differs).
    """
    content = _content(path)
    version = content.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise UserError(
            f"record {path}: schema {version} is newer than this bench understands ({SCHEMA_VERSION}). Upgrade gan-bench."
        )
    try:
        record = Record.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UserError(f"record {path}: {key or 'content'}: {first['msg']}. {RESTORE}") from None
    content.pop("digest", None)
    if record.digest != digest(content):  # of the file as it stands: fields that a later schema adds do not count
        raise UserError(f"record {path}: its content does not match its digest, so it was edited by hand. {RESTORE}")
    return record


def _content(path: Path) -> dict[str, Any]:
    try:
        content: object = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_such_number)
    except OSError as error:
        raise _cannot_read(path, error) from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"record {path}: truncated or no JSON: {error}. {RESTORE}") from None
    if not isinstance(content, dict):
        raise UserError(f"record {path}: holds no JSON object. {RESTORE}")
    return cast("dict[str, Any]", content)


def _no_such_number(text: str) -> float:
    raise ValueError(f"{text} is not a number that JSON knows")


def _cannot_read(path: Path, error: OSError) -> UserError:
    return UserError(f"record {path}: cannot be read: {error.strerror or error}. Restore the file or remove it.")


def paths(results: Path, suite: str | None = None) -> Iterator[Path]:
    """The record files below a results folder, in an order that no machine changes.

    Raises UserError at a folder that cannot be read: nothing is left out silently.
    """
    for folder in _folders(results):
        if suite is None or folder.name == suite:
            for member in _folders(folder):
                yield from (path for path in _entries(member) if path.suffix == ".json" and path.name[0] != ".")


def _folders(folder: Path) -> list[Path]:
    return [path for path in _entries(folder) if path.is_dir() or (path.is_symlink() and not path.exists())]


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir()) if folder.exists() or folder.is_symlink() else []
    except OSError as error:
        raise _cannot_read(folder, error) from None


def read_all(results: Path, suite: str | None = None) -> list[Record]:
    """Every record of a suite, verified, in canonical order. Raises UserError at the first that is not sound."""
    return [read(path) for path in paths(results, suite)]


def problems(record: Record) -> list[str]:
    """What a sound record cannot hold, in words; empty when all is well."""
    evaluation = record.protocol.get("evaluation", {})
    samples = evaluation.get("samples")
    known = {score.metric for score in record.scores} | set(record.absent)
    lost = [metric for metric in evaluation.get("optional_metrics", ()) if metric not in known]
    checks = {
        f"{', '.join(lost)}: neither measured nor said to be absent": record.status == "ok" and bool(lost),
        "status is ok, but there is no score": record.status == "ok" and not record.scores,
        "status is diverged, but no step is given": record.status == "diverged" and record.diverged_at_step is None,
        f"status is {record.status}, but no failure is given": record.status in ("failed", "out-of-memory")
        and record.failure is None,
        "the protocol does not match its digest": digest(record.protocol) != record.protocol_digest,
        "the curve does not advance": any(b.images <= a.images for a, b in pairwise(record.curve)),
        "a phase has a negative time": any(seconds < 0 for seconds in record.seconds.values()),
    }
    return [words for words, wrong in checks.items() if wrong] + [
        problem for score in record.scores for problem in _score_problems(record, score, samples)
    ]


def _score_problems(record: Record, score: Score, samples: object) -> Iterator[str]:
    if score.samples_fake != samples:
        yield f"{score.metric}: {score.samples_fake} samples, the protocol wants {samples}"
    facts = metric_facts.known(score.metric, record.plugin_metrics)
    if facts is not None and not facts.holds(score.value):
        yield f"{score.metric}: {score.value} is outside {facts.range}"


def now_in_utc() -> str:
    """ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")

"""Speed records: one JSON file per measured member, written once, under ``results/perf/``. Raw rounds; no aggregates.

They lie flat in their folder, beside the suites' folders of training records, and are verified like those: schema, digest.
No torch here: boards and reports read them anywhere.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field

from bench.errors import UserError
from bench.files import digest, write_atomically
from bench.records import json_file
from bench.records.fields import Count, Finite, Moment, Seconds
from bench.records.json_file import RESTORE
from bench.records.record import Environment, Member, inside
from bench.suites.frozen import Frozen

SCHEMA_VERSION = 1
FOLDER = "perf"

Time = Seconds  # or milliseconds: finite, and not negative
Rounds = Annotated[tuple[Annotated[tuple[Time, ...], Field(min_length=1)], ...], Field(min_length=1)]  # ms of each call


class Size(Frozen):
    """What the builder was told."""

    channels: Count
    resolution: Count
    classes: Count
    source_channels: Count


class Generation(Frozen):
    """Generating at one batch size."""

    batch: Count
    rounds: Rounds
    stable: bool  # the warm-up ended because rounds agreed


class StageTraining(Frozen):
    """Training in one stage."""

    share: Time  # of the budget
    batch: Count
    images: Count  # real images per iteration
    rounds: Rounds  # milliseconds of iterations
    updates: dict[str, tuple[Time, ...]]  # player -> milliseconds of each update
    stable: bool


class FirstImage(Frozen):
    """Seconds of a fresh process until its first image, by phase."""

    interpreter: Time
    imports: Time
    build: Time
    first_call: Time  # with compilation, where there is one

    @property
    def total(self) -> float:
        """Seconds from the start of the process."""
        return self.interpreter + self.imports + self.build + self.first_call


class ModeResult(Frozen):
    """Everything that was measured in one mode."""

    mode: str
    not_measured: dict[str, str] = Field(default_factory=dict)  # what -> why
    generation: tuple[Generation, ...] = ()
    batch_limit: Count | None = None  # the smallest batch that was tried and does not fit
    training: tuple[StageTraining, ...] = ()  # one per stage of the schedule
    first_image: tuple[FirstImage, ...] = ()  # one per fresh process
    generation_peak_bytes: Count | None = None  # of a process that generates one batch of the largest size
    training_peak_bytes: Count | None = None
    energy_joules: Finite | None = None  # of generating `energy_images`
    energy_images: Count | None = None


class Surroundings(Frozen):
    """The machine while it was measured."""

    other_cores: Finite | None  # mean cores in use by others
    load_average: Finite
    megahertz: Finite | None
    warnings: tuple[str, ...]


class SpeedRecord(Frozen):
    """One member, measured once on one machine."""

    schema_version: int = SCHEMA_VERSION
    member: Member
    size: Size
    parameters: dict[str, Count]
    flops_sample: Count
    flops_training_image: Finite
    modes: tuple[ModeResult, ...]
    environment: Environment
    surroundings: Surroundings
    command: str
    started: Moment
    finished: Moment
    digest: str = ""

    def sealed(self) -> "SpeedRecord":
        """The same record with its digest."""
        return self.model_copy(update={"digest": digest(self.model_dump(mode="json", exclude={"digest"}))})

    @property
    def file_name(self) -> str:
        """Its path below a results folder."""
        stamp = "".join(letter for letter in self.started if letter.isdigit())[:14]
        about = digest([self.member.source_digest, self.size.model_dump(), self.environment.model_dump(), self.started])
        return f"{FOLDER}/{self.member.name}-{self.size.resolution}px-{stamp}-{about[:8]}.json"

    def mode(self, name: str = "eager") -> ModeResult | None:
        """The results of a mode."""
        return next((found for found in self.modes if found.mode == name), None)


def write(record: SpeedRecord, results: Path) -> Path:
    """Write a record once and atomically, and return its path. Raises UserError when it cannot be written."""
    path = results / record.file_name
    if path.exists():
        raise UserError(f"speed record {path}: already exists, and records are never overwritten.")
    text = json.dumps(record.sealed().model_dump(mode="json"), ensure_ascii=False, allow_nan=False)
    write_atomically(path, (text + "\n").encode())
    return path


def read(path: Path) -> SpeedRecord:
    """Read and verify a record.

    Raises UserError when it is unreadable, of a newer schema, or was edited by hand (its digest differs).
    """
    if path.is_symlink() and not inside(path, path.parent):
        raise UserError(f"speed record {path}: is a link that is broken or leads out of its folder. Remove it.")
    content = json_file.load(path, "speed record")
    version = content.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise UserError(
            f"speed record {path}: schema {version} is newer than this bench understands. Upgrade gan-bench."
        )
    record = json_file.parse(SpeedRecord, content, path, "speed record")
    if record.digest != digest({key: value for key, value in content.items() if key != "digest"}):
        raise UserError(f"speed record {path}: its content does not match its digest. {RESTORE}")
    return record


def paths(results: Path) -> list[Path]:
    """The files of speed records below a results folder, in order."""
    folder = results / FOLDER
    return sorted(path for path in folder.glob("*.json") if path.name[0] != ".") if folder.is_dir() else []


def read_all(results: Path) -> Iterator[SpeedRecord]:
    """Every speed record below a results folder, in the order of their names. Raises UserError at an unsound one."""
    for path in paths(results):
        yield read(path)

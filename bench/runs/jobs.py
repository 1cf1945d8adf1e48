"""A job is one member with one seed under a suite's protocol: one run, one record. Its name, and where its files are."""

from dataclasses import dataclass
from pathlib import Path

from bench import members
from bench.files import digest
from bench.paths import home
from bench.records import record as records
from bench.records.parts import Role, Tuning
from bench.runs.calibration import CALIBRATIONS
from bench.runs.provenance import Snapshot, snapshot

CALIBRATION_VERSION = 1  # of the rows in bench.runs.calibration: raised whenever their images change


@dataclass(frozen=True)
class Job:
    """One member with one seed under the suite's protocol."""

    member: members.Listing
    source: Snapshot
    seed: int
    digest: str
    role: Role = "member"
    author: str = ""
    tuning: Tuning | None = None  # what the search for its parameters cost

    @property
    def source_digest(self) -> str:
        """Of the code that decides the result."""
        return self.source.digest

    @property
    def trains(self) -> bool:
        """Whether there is a network to train: most calibration rows have none, and what was made elsewhere is trained already."""
        return self.role in ("member", "calibration") and self.member.name not in CALIBRATIONS


def listing_of(name: str, width: float | None = None) -> members.Listing:
    """A member, whose width may be scaled, or a calibration row by name. Raises UserError for an unknown one."""
    if name in CALIBRATIONS:
        return members.Listing(name, f"bench.runs.calibration:{name}", "gan-bench")
    return members.find(name, width)


def source_of(member: members.Listing) -> Snapshot:
    """The code that decides a member's result. Raises UserError when it cannot be found."""
    if member.name in CALIBRATIONS:
        return Snapshot(digest([member.entry_point, CALIBRATION_VERSION]))
    return snapshot(member)


@dataclass(frozen=True)
class JobFiles:
    """Where the files of a suite's jobs are: records and pictures in `results`, checkpoints in `checkpoints`."""

    suite: str
    results: Path
    checkpoints: Path

    @classmethod
    def of(cls, suite: str, results: Path) -> "JobFiles":
        """With checkpoints in the cache."""
        return cls(suite, results, home() / "checkpoints")

    def folder(self, job: Job) -> Path:
        """Where the job's records and pictures go."""
        return self.results / self.suite / job.member.name

    def cache(self, job: Job) -> Path:
        """Where the job's checkpoints live."""
        return self.checkpoints / self.suite / job.member.name / records.file_stem(job.seed, job.digest)

    def attempts(self, job: Job) -> list[Path]:
        """The job's record files, the latest last."""
        stem = records.file_stem(job.seed, job.digest)
        return sorted(self.folder(job).glob(f"{stem}*.json"), key=lambda path: (len(path.stem), path.stem))

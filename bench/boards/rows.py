"""What a board is made of: rows, one per member and source, with one cell per metric and checkpoint, every seed kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bench.boards.ranks import Ranks
from bench.boards.scales import Scale
from bench.boards.statistics import Components, Summary
from bench.parameters import Value

Checkpoint = Literal["last", "best"]
CHECKPOINTS: tuple[Checkpoint, ...] = ("last", "best")
RANKED: Checkpoint = "last"  # rows are ranked where the budget ended; the best checkpoint stands beside it
Kind = Literal["ranked", "flagged", "incomplete", "adopted", "variant", "calibration", "superseded"]
Key = tuple[str, Checkpoint]


@dataclass(frozen=True)
class Column:
    """One metric of a board."""

    metric: str
    version: int
    better: Literal["lower", "higher"]
    scale: Scale

    def loss(self, value: float) -> float:
        """The value on its additive scale, turned so that lower is better."""
        return self.scale.forward(value) if self.better == "lower" else -self.scale.forward(value)

    def losses(self, values: Sequence[float]) -> list[float]:
        """Values on the additive scale, lower is better."""
        return [self.loss(value) for value in values]


@dataclass(frozen=True)
class ScoreSummary:
    """One metric of one checkpoint of one row, over the seeds that finished."""

    seeds: tuple[int, ...]
    values: tuple[float, ...]  # per training seed, the mean over its sample seeds
    summary: Summary  # over training seeds
    components: Components  # training-seed and sample-seed SD, apart
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Cost:
    """What a row costs: means over the runs that finished."""

    images: int
    train_seconds: float | None
    parameters: tuple[tuple[str, int], ...]  # per player
    flops_sample: int | None = None  # of generating one image, where a speed record counted them
    samples_per_second: float | None = None
    flops_image: float | None = None  # of training by one real image, in the matched track
    passes: int | None = None  # of networks for one sample, where a catalogue says it
    inference: int | None = None  # parameters of the players that make samples, where a catalogue names them
    tuned_images: int | None = None  # real images that the search for its parameters drew

    @property
    def size(self) -> int | None:
        """Trainable parameters of all players; None where none were counted."""
        return sum(count for _, count in self.parameters) or None


@dataclass(frozen=True)
class Row:
    """A member, as one version of its source."""

    kind: Kind
    ranks: Ranks | None  # that the evidence allows; None unless ranked
    member: str  # its name, and its author's where one is given
    source: str
    task: str
    track: str
    seeds: tuple[int, ...]  # that were expected
    statuses: Mapping[str, int]  # ok, diverged, failed, out-of-memory, missing -> runs
    gaps: tuple[str, ...]  # why the row is incomplete
    cells: Mapping[Key, ScoreSummary]
    cost: Cost | None
    records: tuple[str, ...]  # paths below the results folder
    warnings: tuple[str, ...] = ()  # why its scores are not to be trusted: memorised, collapsed
    arguments: tuple[tuple[str, Value], ...] = ()  # the parameters of the member's builder, those at their default too
    revisions: tuple[str, ...] = ()  # commits of the checkouts that its runs were made from
    teacher: str = ""  # the trained model that it learned from, where a catalogue says it
    features: str = ""  # the pretrained network that it looked through in training
    finished: str = ""  # the day of its last run, as YYYY-MM-DD

    @property
    def success(self) -> float | None:
        """The share of its runs that finished; None when none ran."""
        ran = sum(count for status, count in self.statuses.items() if status != "missing")
        return self.statuses["ok"] / ran if ran else None


@dataclass(frozen=True)
class Board:
    """What one suite's records say under one protocol."""

    suite: str
    suite_version: str
    protocol_digest: str
    protocol: Mapping[str, Any]
    ranking: str  # the metric that orders the rows, at the last checkpoint
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]  # ranked, then flagged, incomplete, adopted, variant, calibration and superseded ones
    notes: tuple[str, ...]

    def column(self, metric: str) -> Column:
        """The column of a metric. Raises KeyError when nothing reports it."""
        return {column.metric: column for column in self.columns}[metric]

    def of(self, *kinds: str) -> tuple[Row, ...]:
        """The rows of some kinds, in order."""
        return tuple(row for row in self.rows if row.kind in kinds)

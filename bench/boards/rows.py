"""Runs gathered into rows: one row per member and source, one cell per metric and checkpoint, every seed's value kept."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from bench.boards.statistics import (
    Components,
    Scale,
    Summary,
    mean,
    scale_of,
    summary,
    variance_components,
)
from bench.records.record import Record, Status

if TYPE_CHECKING:
    import pandas

Checkpoint = Literal["last", "best"]
CHECKPOINTS: tuple[Checkpoint, ...] = ("last", "best")
Kind = Literal["ranked", "incomplete", "calibration", "superseded"]
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


@dataclass(frozen=True, slots=True)
class Run:
    """What a board keeps of a record."""

    member: str
    source: str
    task: str
    role: Literal["member", "calibration"]
    seed: int
    job: str
    digest: str
    status: Status
    images: int
    train_seconds: float | None
    parameters: tuple[tuple[str, int], ...]
    scores: Mapping[Key, tuple[float, ...]]  # one value per sample seed, in the order of the sample seeds
    flags: Mapping[Key, tuple[str, ...]]
    absent: frozenset[str]  # optional metrics that its machine could not measure
    finished: str
    file: str  # the record's path below the results folder


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


@dataclass(frozen=True)
class Row:
    """A member, as one version of its source."""

    kind: Kind
    rank: int | None  # rows inside each other's noise share it; None unless ranked
    member: str
    source: str
    task: str
    track: str
    seeds: tuple[int, ...]  # that were expected
    statuses: Mapping[str, int]  # ok, diverged, failed, out-of-memory, missing -> runs
    gaps: tuple[str, ...]  # why the row is incomplete, in words
    cells: Mapping[Key, ScoreSummary]
    cost: Cost | None
    records: tuple[str, ...]  # paths below the results folder

    @property
    def success(self) -> float | None:
        """The share of its runs that finished; None when none ran."""
        ran = sum(count for status, count in self.statuses.items() if status != "missing")
        return self.statuses["ok"] / ran if ran else None


def run_of(record: Record) -> Run:
    """What the board keeps of a record."""
    scores: dict[Key, list[tuple[int, float]]] = {}
    flags: dict[Key, set[str]] = {}
    for score in record.scores:
        key = (score.metric, score.checkpoint)
        scores.setdefault(key, []).append((score.sample_seed, score.value))
        flags.setdefault(key, set()).update(score.flags)
    return Run(
        member=record.member.name,
        source=record.member.source_digest,
        task=record.member.task,
        role=record.member.role,
        seed=record.seed,
        job=record.job,
        digest=record.digest,
        status=record.status,
        images=record.images_seen,
        train_seconds=record.seconds.get("train"),
        parameters=tuple(sorted(record.parameters.items())),
        scores={key: tuple(value for _, value in sorted(pairs)) for key, pairs in scores.items()},
        flags={key: tuple(sorted(words)) for key, words in flags.items() if words},
        absent=frozenset(record.absent),
        finished=record.finished,
        file=record.file_name,
    )


def columns_of(record: Record) -> dict[str, Column]:
    """The metrics that a record reports."""
    return {
        score.metric: Column(
            score.metric,
            score.version,
            score.better,
            scale_of(score.metric, score.samples_fake, record.plugin_metrics),
        )
        for score in record.scores
    }


def row_of(
    runs: Sequence[Run], columns: Mapping[str, Column], seeds: Iterable[int], track: str, *, current: bool
) -> Row:
    """The row of one member and source; `runs` hold one run per seed."""
    by_seed = {run.seed: run for run in runs}
    wanted = tuple(sorted({*seeds, *by_seed}))
    ok = [run for run in sorted(runs, key=lambda run: run.seed) if run.status == "ok"]
    counts = Counter(run.status for run in runs)
    statuses = {
        name: counts[name] for name in ("ok", "diverged", "failed", "out-of-memory") if counts[name] or name == "ok"
    }
    if len(wanted) > len(runs):
        statuses["missing"] = len(wanted) - len(runs)
    keys: list[Key] = [(metric, checkpoint) for metric in columns for checkpoint in CHECKPOINTS]
    cells = {key: cell for key in keys if (cell := _cell(ok, key, columns[key[0]]))}
    gaps = _gaps(statuses, ok, cells)
    latest = max(runs, key=lambda run: (run.finished, run.job))
    kind: Kind = (
        "superseded"
        if not current
        else "calibration"
        if latest.role == "calibration"
        else "incomplete"
        if gaps
        else "ranked"
    )
    return Row(
        kind=kind,
        rank=None,
        member=latest.member,
        source=latest.source,
        task=latest.task,
        track=track,
        seeds=wanted,
        statuses=statuses,
        gaps=gaps,
        cells=cells,
        cost=_cost(ok),
        records=tuple(sorted(run.file for run in runs)),
    )


def absent_row(member: str, seeds: Sequence[int], track: str) -> Row:
    """The row of a member that the suite names and nobody ran."""
    missing = {"ok": 0, "missing": len(seeds)}
    return Row(
        "incomplete", None, member, "", "", track, tuple(sorted(seeds)), missing, _gaps(missing, (), {}), {}, None, ()
    )


def _cell(ok: Sequence[Run], key: Key, column: Column) -> ScoreSummary | None:
    with_score = [run for run in ok if key in run.scores]
    if not with_score:
        return None
    repeated = [run.scores[key] for run in with_score]
    values = tuple(mean(samples) for samples in repeated)
    return ScoreSummary(
        seeds=tuple(run.seed for run in with_score),
        values=values,
        summary=summary(values, column.scale),
        components=variance_components(repeated),
        flags=tuple(sorted({words for run in with_score for words in run.flags.get(key, ())})),
    )


def _gaps(statuses: Mapping[str, int], ok: Sequence[Run], cells: Mapping[Key, ScoreSummary]) -> tuple[str, ...]:
    """Missing and failed runs, and scores that some of the seeds lack without a reason."""
    total = sum(statuses.values())
    runs = [f"{statuses[name]}/{total} {name}" for name in ("failed", "out-of-memory", "missing") if statuses.get(name)]
    partial = [
        f"{metric} ({checkpoint}): {len(cell.values)}/{len(ok)} seeds"
        for (metric, checkpoint), cell in cells.items()
        if len(cell.values) < sum(metric not in run.absent for run in ok)
    ]
    return (*runs, *partial)


def _cost(ok: Sequence[Run]) -> Cost | None:
    if not ok:
        return None
    seconds = [run.train_seconds for run in ok if run.train_seconds is not None]
    images = round(mean([run.images for run in ok]))
    return Cost(images, mean(seconds) if seconds else None, ok[0].parameters)


LONG = ("rank", "kind", "member", "source", "track", "seed", "metric", "version", "better", "checkpoint", "value")


RANKED: Checkpoint = "last"  # rows are ranked where the budget ended; the best checkpoint stands beside it


@dataclass(frozen=True)
class Board:
    """What one suite's records say under one protocol."""

    suite: str
    suite_version: str
    protocol_digest: str
    protocol: Mapping[str, Any]
    ranking: str  # the metric that orders the rows, at the last checkpoint
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]  # ranked, then incomplete, calibration and superseded ones
    notes: tuple[str, ...]

    def column(self, metric: str) -> Column:
        """The column of a metric. Raises KeyError when nothing reports it."""
        return {column.metric: column for column in self.columns}[metric]

    def of(self, *kinds: str) -> tuple[Row, ...]:
        """The rows of some kinds, in order."""
        return tuple(row for row in self.rows if row.kind in kinds)

    def frame(self) -> "pandas.DataFrame":
        """One line per row, metric, checkpoint and seed: the long form that pandas and seaborn like."""
        import pandas as pd

        return pd.DataFrame(long_rows(self), columns=list(LONG))


def long_rows(board: Board) -> list[tuple[Any, ...]]:
    """One tuple per row, metric, checkpoint and seed, in the order of `LONG`; a seed without scores has one with None."""
    lines: list[tuple[Any, ...]] = []
    for row in board.rows:
        head = (row.rank, row.kind, row.member, row.source, row.track)
        for column in board.columns:
            for checkpoint in CHECKPOINTS:
                cell = row.cells.get((column.metric, checkpoint))
                found = dict(zip(cell.seeds, cell.values, strict=True)) if cell else {}
                about = (column.metric, column.version, column.better, checkpoint)
                lines += [(*head, seed, *about, found.get(seed)) for seed in row.seeds]
    return lines

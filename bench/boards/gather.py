"""Records gathered into rows: one row per member and source, every seed's value kept."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.boards import origins, trust
from bench.boards.rows import CHECKPOINTS, Column, Cost, Key, Kind, Row, ScoreSummary
from bench.boards.scales import scale_of
from bench.boards.statistics import mean, summary, variance_components
from bench.parameters import Value
from bench.records.parts import Role
from bench.records.record import Place, Record, Status


@dataclass(frozen=True, slots=True)
class Run:
    """What a board keeps of a record."""

    member: str
    source: str
    task: str
    role: Role
    seed: int
    job: str
    attempt: int
    digest: str
    status: Status
    images: int
    flops_image: float | None
    tuned_images: int | None
    train_seconds: float | None
    parameters: tuple[tuple[str, int], ...]
    arguments: tuple[tuple[str, Value], ...]  # the parameters of the member's builder
    scores: Mapping[Key, tuple[float, ...]]  # one value per sample seed, in the order of the sample seeds
    flags: Mapping[Key, tuple[str, ...]]
    distrust: tuple[str, ...]  # the flags that take its row out of the ranking
    absent: frozenset[str]  # optional metrics that its machine could not measure
    revision: str  # the commit of the checkout that it was made from, "" where there was none
    finished: str  # when it ended, in UTC
    place: Place  # among the records of its member: the greatest is the newest
    file: str  # the record's path below the results folder
    origin: str = ""  # where it comes from, of a row that the suite did not train


def run_of(record: Record) -> Run:
    """What the board keeps of a record."""
    scores: dict[Key, list[tuple[int, float]]] = {}
    flags: dict[Key, set[str]] = {}
    for score in record.scores:
        key = (score.metric, score.checkpoint)
        scores.setdefault(key, []).append((score.sample_seed, score.value))
        flags.setdefault(key, set()).update(score.flags)
    return Run(
        member=record.member.label,
        source=record.member.source_digest,
        task=record.member.task,
        role=record.member.role,
        seed=record.seed,
        job=record.job,
        attempt=record.attempt,
        digest=record.digest,
        status=record.status,
        images=record.images_seen,
        flops_image=record.compute.flops_per_image if record.compute else None,
        tuned_images=record.tuning.images if record.tuning else None,
        train_seconds=record.seconds.get("train"),
        parameters=tuple(sorted(record.parameters.items())),
        arguments=tuple(sorted(record.member.parameters.items())),
        scores={key: tuple(value for _, value in sorted(pairs)) for key, pairs in scores.items()},
        flags={key: tuple(sorted(words)) for key, words in flags.items() if words},
        absent=frozenset(record.absent),
        revision=_revision(record),
        finished=record.finished,
        place=record.place,
        distrust=trust.distrust(record),
        file=record.file_name,
        origin=origins.origin(record),
    )


def _revision(record: Record) -> str:
    """The commit, and whether files had changed since."""
    where = record.member if record.member.commit else record.environment
    return f"{where.commit}{' with changes' if where.dirty else ''}" if where.commit else ""


def columns_of(record: Record) -> dict[str, Column]:
    """The metrics that a record reports."""
    return {
        score.metric: Column(
            score.metric, score.version, score.better, scale_of(score.metric, score.samples_fake, record.plugin_metrics)
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
    latest = max(runs, key=lambda run: run.place)
    warnings = trust.warnings([run.distrust for run in ok])
    return Row(
        kind=_kind(latest, warnings, gaps, current=current),
        ranks=None,
        member=latest.member,
        source=latest.source,
        task=latest.task,
        track=track,
        seeds=wanted,
        statuses=statuses,
        gaps=gaps,
        cells=cells,
        cost=None if latest.origin else _cost(ok),  # of a training that was not made here nothing is known
        records=tuple(sorted(run.file for run in runs)),
        warnings=warnings,
        arguments=latest.arguments,
        revisions=tuple(sorted({run.revision for run in runs if run.revision})),
        finished=max(run.finished for run in runs)[:10],
    )


def _kind(latest: Run, warnings: Sequence[str], gaps: Sequence[str], *, current: bool) -> Kind:
    """Where the row stands on the board."""
    if not current:
        return "superseded"
    if latest.role != "member":
        return latest.role
    if warnings:
        return "flagged"
    return "incomplete" if gaps else "ranked"


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
    tuned = max((run.tuned_images for run in ok if run.tuned_images is not None), default=None)
    return Cost(
        images,
        mean(seconds) if seconds else None,
        ok[0].parameters,
        flops_image=ok[0].flops_image,
        tuned_images=tuned,
    )

"""Where every number comes from: runs and their records, the protocol in full, machines, commands."""

import json
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench import formats
from bench.boards.rows import Board
from bench.members import Listing
from bench.records.record import Environment, Record
from bench.report import links
from bench.report.pictures import shortened


@dataclass(frozen=True)
class Entry:
    """One record."""

    seed: int
    status: str
    why: str
    last: str
    best: str
    best_images: int | None
    train: str
    images: int
    digest: str
    link: str
    command: str
    current: bool  # of the source that the board shows


@dataclass(frozen=True)
class Runs:
    """The records of one member."""

    index: int
    member: str
    entry_point: str
    distribution: str
    source: str
    again: str  # the command that runs the whole row
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Machine:
    """An environment that some of the runs share."""

    facts: tuple[tuple[str, str], ...]
    runs: int


def runs(board: Board, records: Sequence[Record], places: Mapping[str, int], results_link: str) -> tuple[Runs, ...]:
    """Every record of the board's protocol, by member in the order of `places`."""
    sources = {row.member: row.source for row in board.rows if row.kind != "superseded"}
    groups: dict[str, list[Record]] = {}
    for record in sorted(records, key=lambda record: (record.seed, record.place)):
        groups.setdefault(record.member.label, []).append(record)
    return tuple(
        _runs(board, place, groups[member], sources.get(member, ""), results_link)
        for member, place in places.items()
        if member in groups
    )


def _runs(board: Board, place: int, records: Sequence[Record], source: str, results_link: str) -> Runs:
    latest = max(records, key=lambda record: record.place)
    return Runs(
        index=place,
        member=latest.member.label,
        entry_point=latest.member.entry_point,
        distribution=latest.member.distribution,
        source=latest.member.source_digest,
        again=f"bench run --suite {shlex.quote(board.suite)} --member {shlex.quote(_name(latest))}",
        entries=tuple(_entry(board, record, results_link, source) for record in records),
    )


def _name(record: Record) -> str:
    """How the command line names a member: by its name where it is installed with the bench, else by its entry point."""
    member = record.member
    own = member.distribution.startswith("gan-bench ")
    return member.name if own else Listing(member.name, member.entry_point, "").argument


def _entry(board: Board, record: Record, results_link: str, source: str) -> Entry:
    return Entry(
        seed=record.seed,
        status=record.status,
        why=reason(record),
        last=_score(record, board.ranking, "last"),
        best=_score(record, board.ranking, "best"),
        best_images=record.best_images,
        train=formats.duration(record.seconds.get("train")),
        images=record.images_seen,
        digest=record.digest,
        link=links.join(results_link, record.file_name),
        command=record.command,
        current=record.member.source_digest == source,
    )


def reason(record: Record) -> str:
    """Why a run ended without a result, in a line; "" when it ended with one."""
    if record.status == "diverged":
        return f"at step {record.diverged_at_step:,}" if record.diverged_at_step is not None else ""
    if record.failure is None:
        return ""
    return shortened(f"{record.failure.phase}: {record.failure.type}: {record.failure.message}")


def _score(record: Record, metric: str, checkpoint: str) -> str:
    values = [score.value for score in record.scores if score.metric == metric and score.checkpoint == checkpoint]
    return ", ".join(formats.number(value) for value in values) or formats.NONE


def flat(content: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Nested values as dotted keys and text, in order of the keys."""
    return tuple(_flat(content, ""))


def _flat(content: object, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(content, Mapping) and content:
        for name in sorted(content):
            yield from _flat(content[name], f"{key}.{name}" if key else str(name))
    elif isinstance(content, str):
        yield key, content
    elif isinstance(content, list | tuple) and all(isinstance(item, str) for item in content):
        yield key, ", ".join(content)
    else:
        yield key, json.dumps(content, ensure_ascii=False)


def machines(records: Sequence[Record]) -> tuple[Machine, ...]:
    """The environments, the one with most runs first."""
    found: dict[tuple[tuple[str, str], ...], int] = {}
    for record in records:
        facts = environment(record.environment)
        found[facts] = found.get(facts, 0) + 1
    return tuple(Machine(facts, found[facts]) for facts in sorted(found, key=lambda facts: (-found[facts], facts)))


def made(records: Sequence[Record]) -> str:
    """When and on what most of the runs were made, in a line."""
    if not records:
        return ""
    days = sorted({record.finished[:10] for record in records})
    kinds = Counter(
        (record.environment.accelerator or record.environment.cpu, record.environment.cores) for record in records
    )
    (name, cores), _ = max(kinds.items(), key=lambda item: (item[1], item[0]))
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    others = "" if len(kinds) == 1 else f" and {len(kinds) - 1} more"
    return f"{when} · {name}, {cores} cores{others}"


def environment(found: Environment) -> tuple[tuple[str, str], ...]:
    """One environment as names and values."""
    commit = f"{found.commit}{' with uncommitted changes' if found.dirty else ''}" if found.commit else "not a checkout"
    return (
        ("device", f"{found.device}{f' ({found.accelerator})' if found.accelerator else ''}"),
        ("processor", f"{found.cpu}, {found.cores} cores, {found.threads} threads used"),
        ("memory", f"{found.memory_bytes / 2**30:.0f} GiB"),
        ("system", found.system),
        ("Python", found.python),
        ("packages", ", ".join(f"{name} {version}" for name, version in sorted(found.packages.items()))),
        ("options", ", ".join(name for name, on in (("channels_last", found.channels_last), ("compiled", found.compiled))
                              if on) or "none"),
        ("commit", commit),
    )  # fmt: skip

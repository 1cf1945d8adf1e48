"""Boards: records in, ranked rows out. A pure function of the records, whatever their order or the machine."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.version import Version

from bench import parameters
from bench.boards.gather import Run, absent_row, columns_of, row_of, run_of
from bench.boards.ordering import in_order
from bench.boards.rows import Board, Column, Row
from bench.errors import UserError
from bench.formats import plain
from bench.records import record
from bench.records.json_file import RESTORE
from bench.records.record import Place, Record
from bench.records.soundness import problems
from bench.suites.suite import Suite


@dataclass(frozen=True)
class _Protocol:
    """A protocol that records of a suite were made under; the latest record names version and ranking."""

    digest: str
    version: str
    place: Place
    ranking: str
    track: str
    content: Mapping[str, Any]

    @property
    def age(self) -> tuple[Version, Place, str]:
        return Version(self.version), self.place, self.digest


def load(results: Path, suite: str | None = None) -> Iterable[Record]:
    """The records below a results folder, one at a time. Raises UserError when it is not a folder, or at an unsound record."""
    if not results.is_dir():
        raise UserError(
            f"results folder {results}: no such folder. Give the folder that `bench run --results` wrote to."
        )
    return record.read_below(results, suite)


def build(records: Iterable[Record], expected: Suite | None = None, protocol: str | None = None) -> Board:
    """The board of one suite under one protocol: the newest suite version, or the one whose digest starts with `protocol`.

    Records may come lazily: only what the board shows is kept. `expected` names members and seeds; without it, every
    member is expected to have the seeds that any has. Raises UserError when there is no record, when they are of several
    suites, when one breaks an invariant, or when none has the protocol.
    """
    runs: dict[str, list[Run]] = defaultdict(list)
    columns: dict[str, dict[str, Column]] = defaultdict(dict)
    protocols: dict[str, _Protocol] = {}
    suites: set[str] = set()
    for item in records:
        _require_sound(item)
        suites.add(item.suite)
        runs[item.protocol_digest].append(run_of(item))
        _add_columns(columns[item.protocol_digest], item)
        seen = _Protocol(item.protocol_digest, item.suite_version, item.place, item.ranking, item.track, item.protocol)
        known = protocols.setdefault(seen.digest, seen)
        protocols[seen.digest] = max(known, seen, key=lambda entry: (entry.age, entry.ranking))
    _require_one(suites)
    chosen = _choose(protocols, protocol)
    ordered = _order_columns(columns[chosen.digest], chosen)
    unique, notes = _unique(runs[chosen.digest])
    rows, more = _rows(unique, ordered, chosen, expected)
    notes += [*_absent_notes(unique), *(run.origin for run in unique if run.origin)]
    others = [
        _other_protocol(entry, len(runs[entry.digest])) for entry in _newest_first(protocols) if entry is not chosen
    ]
    return Board(
        suite=suites.pop(),
        suite_version=chosen.version,
        protocol_digest=chosen.digest,
        protocol=chosen.content,
        ranking=chosen.ranking,
        columns=tuple(ordered.values()),
        rows=rows,
        notes=(*more, *notes, *others),
    )


def _add_columns(columns: dict[str, Column], item: Record) -> None:
    """Of two records that do not agree on a metric the greater description counts, in whatever order they come."""
    for metric, column in columns_of(item).items():
        columns[metric] = max(
            columns.get(metric, column), column, key=lambda one: (one.version, one.better, one.scale.floor)
        )


def _require_sound(item: Record) -> None:
    if wrong := problems(item):
        raise UserError(f"record {item.file_name}: {plain('; '.join(wrong))}. {RESTORE}")


def _require_one(suites: set[str]) -> None:
    if not suites:
        raise UserError(
            "no records: a leaderboard needs at least one. Run `bench run --suite NAME` first, or give --results."
        )
    if len(suites) > 1:
        raise UserError(
            f"records of several suites ({', '.join(sorted(suites))}) have no common board. Name one: --suite NAME."
        )


def _newest_first(protocols: Mapping[str, _Protocol]) -> list[_Protocol]:
    return sorted(protocols.values(), key=lambda entry: entry.age, reverse=True)


def _choose(protocols: Mapping[str, _Protocol], prefix: str | None) -> _Protocol:
    matching = [entry for entry in _newest_first(protocols) if entry.digest.startswith(prefix or "")]
    if not matching:
        known = ", ".join(entry.digest[:10] for entry in _newest_first(protocols))
        raise UserError(f"no record has a protocol {prefix!r}. There are: {known}.")
    return matching[0]


def _other_protocol(entry: _Protocol, count: int) -> str:
    noun = "record" if count == 1 else "records"
    return (
        f"{count} {noun} of protocol {entry.digest[:10]} (suite {entry.version}) cannot be compared and are not shown."
    )


def _order_columns(columns: Mapping[str, Column], protocol: _Protocol) -> dict[str, Column]:
    """The ranking metric first, then as the protocol lists them."""
    evaluation = protocol.content.get("evaluation", {})
    listed = [protocol.ranking, *evaluation.get("metrics", []), *evaluation.get("optional_metrics", [])]
    names = [name for name in dict.fromkeys([*listed, *sorted(columns)]) if name in columns]
    return {name: columns[name] for name in names}


def _unique(runs: Sequence[Run]) -> tuple[list[Run], list[str]]:
    """One run per job: the same record twice counts once; of several attempts the latest result counts, and is named."""
    cells: dict[tuple[str, str, int], list[Run]] = defaultdict(list)
    for run in {run.digest: run for run in runs}.values():
        cells[run.member, run.source, run.seed].append(run)
    kept: list[Run] = []
    notes: list[str] = []
    for attempts in cells.values():
        attempts.sort(key=lambda run: (run.status in ("ok", "diverged"), run.attempt, run.place))
        kept.append(attempts[-1])
        if len(attempts) > 1:
            notes.append(
                f"{attempts[-1].member}, seed {attempts[-1].seed}: {len(attempts)} records; the latest result counts."
            )
    return sorted(kept, key=lambda run: (run.member, run.source, run.seed)), sorted(notes)


def _absent_notes(runs: Sequence[Run]) -> list[str]:
    """Which optional metrics some runs lack, because of the machine that they ran on."""
    counts = Counter(metric for run in runs if run.status == "ok" for metric in sorted(run.absent))
    total = sum(run.status == "ok" for run in runs)
    return [
        f"{metric}: not measured in {count} of {total} runs, where its weights were not available."
        for metric, count in sorted(counts.items())
    ]


def _rows(
    runs: Sequence[Run], columns: Mapping[str, Column], protocol: _Protocol, expected: Suite | None
) -> tuple[tuple[Row, ...], list[str]]:
    seeds = expected.seeds if expected else tuple(sorted({run.seed for run in runs if run.role == "member"}))
    sources: dict[str, dict[str, list[Run]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        sources[run.member][run.source].append(run)
    rows: list[Row] = []
    for versions in sources.values():
        current = max(versions, key=lambda source: max(run.place for run in versions[source]))
        for source, group in versions.items():
            wanted = seeds if source == current and group[0].role == "member" else ()
            rows.append(row_of(group, columns, wanted, protocol.track, current=source == current))
    absent = _absent(expected, set(sources)) if expected else []
    rows += [absent_row(member, seeds, protocol.track) for member in absent]
    return in_order(rows, columns.get(protocol.ranking), protocol.ranking)


def _absent(expected: Suite, present: Collection[str]) -> list[str]:
    """The members of a suite that have no record. Where it scales widths, records hold the width that came of it."""
    found = set(present)
    if expected.training.width is not None:
        found |= {_without_width(name) for name in present}
    return [member for member in expected.members if _short(member) not in found]


def _without_width(name: str) -> str:
    base, given = parameters.split(name)
    return parameters.joined(base, {key: value for key, value in given.items() if key != "width"})


def _short(member: str) -> str:
    """A suite may name a member as ``module:function``; records hold its name."""
    base, given = parameters.split(member)
    name, equals, _ = base.partition("=")  # NAME=module:function
    short = name if equals else base.partition(":")[2].replace("_", "-") if ":" in base else base
    return parameters.joined(short, given)

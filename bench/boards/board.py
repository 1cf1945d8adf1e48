"""Boards: records in, ranked rows out. A pure function of the records, whatever their order or the machine."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench import formats
from bench.boards.rows import RANKED, Board, Column, Key, Row, Run, absent_row, columns_of, row_of, run_of
from bench.boards.statistics import ALPHA, holm, mean, welch_p_matrix
from bench.errors import UserError
from bench.records import record
from bench.records.record import Record
from bench.suites.suite import Suite

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class _Protocol:
    """A protocol that records of a suite were made under; the latest record names version and ranking."""

    digest: str
    version: str
    finished: str
    ranking: str
    track: str
    content: Mapping[str, Any]

    @property
    def age(self) -> tuple[tuple[int, ...], str, str]:
        return tuple(int(part) for part in self.version.split(".")), self.finished, self.digest


def load(results: Path, suite: str | None = None) -> Iterable[Record]:
    """The records below a results folder, one at a time. Raises UserError when it is no folder, or at an unsound record."""
    if not results.is_dir():
        raise UserError(
            f"results folder {results}: no such folder. Give the folder that `bench run --results` wrote to."
        )
    return (record.read(path) for path in record.paths(results, suite))


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
        columns[item.protocol_digest].update(columns_of(item))
        seen = _Protocol(
            item.protocol_digest, item.suite_version, item.finished, item.ranking, item.track, item.protocol
        )
        known = protocols.setdefault(seen.digest, seen)
        protocols[seen.digest] = max(known, seen, key=lambda entry: (entry.age, entry.ranking))
    _require_one(suites)
    chosen = _choose(protocols, protocol)
    ordered = _order_columns(columns[chosen.digest], chosen)
    unique, notes = _unique(runs[chosen.digest])
    rows, more = _rows(unique, ordered, chosen, expected)
    notes += _absent_notes(unique)
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


def _require_sound(item: Record) -> None:
    if wrong := record.problems(item):
        raise UserError(f"record {item.file_name}: {'; '.join(wrong)}. {record.RESTORE}")


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
    """One run per cell: the same record twice counts once; of two attempts the later finished one counts, and is named."""
    cells: dict[tuple[str, str, int], list[Run]] = defaultdict(list)
    for run in {run.digest: run for run in runs}.values():
        cells[run.member, run.source, run.seed].append(run)
    kept: list[Run] = []
    notes: list[str] = []
    for attempts in cells.values():
        attempts.sort(key=lambda run: (run.status in ("ok", "diverged"), run.finished, run.digest))
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
        f"{metric}: not measured in {count} of {total} runs, where its weights were not at hand."
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
        current = max(versions, key=lambda source: max((run.finished, run.source) for run in versions[source]))
        for source, group in versions.items():
            wanted = seeds if source == current and group[0].role == "member" else ()
            rows.append(row_of(group, columns, wanted, protocol.track, current=source == current))
    absent = [member for member in (expected.members if expected else ()) if _short(member) not in sources]
    rows += [absent_row(member, seeds, protocol.track) for member in absent]
    return _ranked(rows, columns.get(protocol.ranking), protocol.ranking)


def _short(member: str) -> str:
    """A suite may name a member as ``module:function``; records hold its name."""
    return member.partition(":")[2].replace("_", "-") if ":" in member else member


def _ranked(rows: list[Row], column: Column | None, ranking: str) -> tuple[tuple[Row, ...], list[str]]:
    """The rows in order, the ranked ones with their group, and what must be said about the ranking."""
    key: Key = (ranking, RANKED)
    rows, shown = _reconstructions_apart(rows)
    rest = [row for row in rows if row.kind != "ranked"]
    full = [row for row in rows if row.kind == "ranked"]
    worst = _worst(rows, key, column)
    values = {row.member: _values(row, key, worst) for row in full}
    sign = -1 if column and column.better == "higher" else 1
    full.sort(key=lambda row: (sign * mean(values[row.member]), row.statuses.get("diverged", 0), row.member))
    losses = [[column.loss(value) if column else value for value in values[row.member]] for row in full]
    ranked = [replace(row, rank=group) for row, group in zip(full, rank_groups(losses), strict=True)]
    order = {"incomplete": 0, "calibration": 1, "superseded": 2}
    rest.sort(key=lambda row: (order[row.kind], _rest_key(row, key, column), row.member, row.source))
    return (*ranked, *rest), [*shown, *_ranking_notes(ranked, column, worst)]


def _reconstructions_apart(rows: list[Row]) -> tuple[list[Row], list[str]]:
    """Who is given real images to rebuild is no rival of who makes images from noise: beside such it is a ceiling."""
    ranked = [row for row in rows if row.kind == "ranked"]
    apart = [row.member for row in ranked if row.task == "reconstruction"]
    if len(apart) == len(ranked):
        return rows, []
    turned = [replace(row, kind="calibration") if row.member in apart and row.kind == "ranked" else row for row in rows]
    return turned, [f"{member} rebuilds real images: it is shown and not ranked." for member in sorted(apart)]


def _worst(rows: Sequence[Row], key: Key, column: Column | None) -> float:
    values = [value for row in rows if row.kind != "superseded" and key in row.cells for value in row.cells[key].values]
    return max(values, key=column.loss, default=0.0) if column else 0.0


def _values(row: Row, key: Key, worst: float) -> list[float]:
    """A ranked row's scores; a run that diverged counts as the worst on the board."""
    done = list(row.cells[key].values) if key in row.cells else []
    return done + [worst] * (len(row.seeds) - len(done))


def _rest_key(row: Row, key: Key, column: Column | None) -> float:
    """Incomplete rows stand by name, calibration rows by score."""
    if row.kind == "incomplete" or column is None or key not in row.cells:
        return 0.0
    return mean([column.loss(value) for value in row.cells[key].values])


def _ranking_notes(ranked: Sequence[Row], column: Column | None, worst: float) -> list[str]:
    notes: list[str] = []
    if column and any(row.statuses.get("diverged") for row in ranked):
        notes.append(
            f"A run that diverged counts as the worst score on this board ({formats.number(worst)}) when rows are ranked."
        )
    fewest = min((len(row.seeds) for row in ranked), default=0)
    if fewest == 1:
        notes.append("One seed: there is no interval, and the order of the rows may be luck.")
    elif 1 < fewest < 5:
        notes.append(f"{fewest} seeds: low power. Five or more are needed to tell close rows apart.")
    return notes


def rank_groups(losses: Sequence[Sequence[float]]) -> list[int]:
    """The rank group of each row, given in order; `losses` are per-seed values on the additive scale, lower is better.

    Every pair is compared by Welch's test, Holm-corrected over all pairs at 5 %. A new group begins at a row to which some
    row of the current group is significantly better: rows inside each other's noise share a rank, rows with a proven
    difference never do, and ranks never fall down the table.
    """
    first, second = np.triu_indices(len(losses), 1)
    adjusted = holm([float(p) for p in welch_p_matrix(losses)[first, second]])
    centres = [mean(values) for values in losses]
    better = {
        (i, j)
        for i, j, p in zip(first.tolist(), second.tolist(), adjusted, strict=True)
        if p <= ALPHA and centres[i] < centres[j]
    }
    groups: list[int] = []
    for j in range(len(losses)):
        below = [1 + groups[i] for i in range(j) if (i, j) in better]
        groups.append(max([1, *groups[-1:], *below]))
    return groups

"""The gate: a candidate's records against a baseline's, one of three verdicts per cell, one exit code.

A score has regressed when it is worse with 95 % confidence (one-sided Welch on the additive scale, Holm-corrected over the
cells that gate) and by more than the margin. It passes when it is worse by less than the margin with 95 % confidence.
Anything between is not decided: more seeds would settle it. Counters carry no noise and gate exactly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum

from bench.boards import explain
from bench.boards.rows import RANKED, Board, Column, Row
from bench.boards.trust import kind_of
from bench.boards.verdicts.cells import COUNTED, GateCell, Verdict, counters, draft, judged
from bench.boards.verdicts.margins import Margin
from bench.errors import unknown

TRAINED = ("ranked", "flagged", "incomplete")  # kinds of rows that are judged unasked


class Exit(IntEnum):
    """What the process ends with."""

    PASS = 0
    REGRESSED = 1
    USAGE = 2
    INCONCLUSIVE = 3  # only when asked for
    INCOMPLETE = 4  # missing or failed jobs, no baseline, or the same source on both sides of two revisions
    NOT_COMPARABLE = 5


@dataclass(frozen=True)
class GateOptions:
    """What is no pass."""

    fail_inconclusive: bool = False
    fail_incomplete: bool = True
    fail_same_source: bool = True


@dataclass(frozen=True)
class Gate:
    """What the gate found."""

    suite: str
    baseline: str  # where it came from
    cells: tuple[GateCell, ...]
    incomplete: tuple[str, ...]  # missing and failed jobs, vanished members, no baseline
    incomparable: tuple[str, ...]  # why nothing may be compared
    notes: tuple[str, ...]
    same_source: str = ""  # that both sides ran the same code although their revisions differ: nothing was tested
    options: GateOptions = field(default_factory=GateOptions)

    def of(self, verdict: Verdict) -> tuple[GateCell, ...]:
        """The cells with a verdict."""
        return tuple(cell for cell in self.cells if cell.verdict == verdict)

    @property
    def exit(self) -> Exit:
        """The worst finding decides; having compared nothing is never a pass."""
        if self.incomparable:
            return Exit.NOT_COMPARABLE
        if self.of("regressed"):
            return Exit.REGRESSED
        if not self.cells or (self.incomplete and self.options.fail_incomplete):
            return Exit.INCOMPLETE
        if self.same_source and self.options.fail_same_source:
            return Exit.INCOMPLETE
        if self.options.fail_inconclusive and self.of("inconclusive"):
            return Exit.INCONCLUSIVE
        return Exit.PASS

    @property
    def decided(self) -> bool:
        """Whether nothing is left that more seeds, or scores that can be trusted, would settle."""
        return not self.of("inconclusive")


def gate(
    candidate: Board,
    baseline: Board | None,
    margins: Mapping[str, Margin] | None = None,
    *,
    source: str = "baseline",
    members: Sequence[str] = (),
    fail_inconclusive: bool = False,
    fail_incomplete: bool = True,
    fail_same_source: bool = True,
) -> Gate:
    """Hold a candidate's board against a baseline's: the ranking metric, every metric that has a margin, the share of runs
    that finished, and the parameters. `members` limits it to some. Raises UserError for a member that neither board has.
    """
    margins = margins or {}
    blank = Gate(
        candidate.suite,
        source,
        (),
        (),
        (),
        (),
        options=GateOptions(fail_inconclusive, fail_incomplete, fail_same_source),
    )
    if baseline is None:
        return replace(blank, incomplete=(f"no baseline: {source} holds no record of suite {candidate.suite}",))
    if different := _incomparable(candidate, baseline):
        return replace(blank, incomparable=different)
    new, old = _rows(candidate), _rows(baseline)
    chosen = _chosen(members, new, old)
    shared = [name for name in chosen if name in new and name in old]
    columns = _gating(candidate, margins)
    cells = _cells([(new[name], old[name]) for name in shared], columns, margins)
    return replace(
        blank,
        cells=tuple(sorted(cells, key=lambda cell: (chosen.index(cell.member), cell.quantity in COUNTED))),
        incomplete=tuple(_incomplete(chosen, new, old, columns)),
        notes=(*_notes(candidate, baseline, chosen, new, old), *_flag_notes(shared, new, old, columns)),
        same_source=_same_source([(new[name], old[name]) for name in shared]),
    )


def _cells(
    pairs: Sequence[tuple[Row, Row]], columns: Sequence[Column], margins: Mapping[str, Margin]
) -> list[GateCell]:
    """Scores first, judged together because the correction is over all of them, then counters."""
    drafts = [draft(new, old, column, margins) for new, old in pairs for column in columns]
    exact = [cell for new, old in pairs for cell in counters(new, old, margins)]
    return [*judged([found for found in drafts if found]), *exact]


def _incomparable(candidate: Board, baseline: Board) -> tuple[str, ...]:
    if candidate.suite != baseline.suite:
        return (f"the candidate is of suite {candidate.suite}, the baseline of {baseline.suite}",)
    if candidate.protocol_digest == baseline.protocol_digest:
        return ()
    head = (
        f"the protocols differ: {candidate.protocol_digest[:10]} (suite {candidate.suite_version}) "
        f"against {baseline.protocol_digest[:10]} (suite {baseline.suite_version})"
    )
    return (head, *(str(item) for item in explain.differences(candidate.protocol, baseline.protocol)))


def _rows(board: Board) -> dict[str, Row]:
    """What can be judged: rows that the suite did not train only where they are named (`_chosen`)."""
    return {row.member: row for row in board.of(*TRAINED, "adopted", "variant") if row.source}


def _chosen(members: Sequence[str], new: Mapping[str, Row], old: Mapping[str, Row]) -> list[str]:
    known = sorted({*new, *old})
    for member in members:
        if member not in known:
            raise unknown("member of candidate or baseline", member, known)
    return list(dict.fromkeys(members)) or [name for name in known if (new.get(name) or old[name]).kind in TRAINED]


def _gating(board: Board, margins: Mapping[str, Margin]) -> list[Column]:
    return [column for column in board.columns if column.metric == board.ranking or column.metric in margins]


def _incomplete(
    chosen: Sequence[str], new: Mapping[str, Row], old: Mapping[str, Row], columns: Sequence[Column]
) -> list[str]:
    words: list[str] = []
    appeared = [name for name in chosen if name in new and name not in old]
    for name in chosen:
        if name not in old:
            continue
        if name not in new:
            words.append(f"{name} is in the baseline and not among the candidates{_renamed(old[name], appeared, new)}")
            continue
        words += [f"{name}: {gap}" for gap in _fewer(new[name], old[name])]
        for column in columns if new[name].statuses["ok"] else ():
            lacking = [
                side
                for side, row in (("candidate", new[name]), ("baseline", old[name]))
                if (column.metric, RANKED) not in row.cells
            ]
            words += [f"{name}: the {side} has no {column.metric}" for side in lacking]
    return words


def _fewer(new: Row, old: Row) -> list[str]:
    """Seeds that the baseline has a result for and the candidate has not, and runs that failed."""
    failed = [
        f"{runs} runs ended as {status}"
        for status, runs in new.statuses.items()
        if status in ("failed", "out-of-memory") and runs
    ]
    missing = new.statuses.get("missing", 0)
    return failed + ([f"{missing} of {sum(new.statuses.values())} runs are missing"] if missing else [])


def _renamed(old: Row, appeared: Sequence[str], new: Mapping[str, Row]) -> str:
    """A guess at where a vanished member went: the same source, or the same parameters, under a new name."""
    for other in appeared:
        if new[other].source == old.source:
            return f"; was it renamed to {other} (same source)?"
    for other in appeared:
        sizes = [row.cost.parameters for row in (new[other], old) if row.cost]
        if len(sizes) == 2 and sizes[0] == sizes[1]:
            return f"; was it renamed to {other} (same parameters)?"
    return f"; new here: {', '.join(appeared)}" if appeared else ""


def _notes(
    candidate: Board, baseline: Board, chosen: Sequence[str], new: Mapping[str, Row], old: Mapping[str, Row]
) -> list[str]:
    notes = [f"{name} is new: nothing to compare it with" for name in chosen if name in new and name not in old]
    if candidate.suite_version != baseline.suite_version:
        notes.append(
            f"the baseline is of suite version {baseline.suite_version}, the candidate of {candidate.suite_version}; "
            "the protocol is the same"
        )
    unchanged = [name for name in chosen if name in new and name in old and new[name].source == old[name].source]
    if unchanged:
        notes.append(f"both sides ran the same source of {', '.join(unchanged)}")
    return notes


def _flag_notes(
    shared: Sequence[str], new: Mapping[str, Row], old: Mapping[str, Row], columns: Sequence[Column]
) -> list[str]:
    """Every other flag of the scores that gate, of both sides."""
    notes = [
        f"{name}: {column.metric}{side}: {flag}"
        for name in shared
        for column in columns
        for side, row in (("", new[name]), (" of the baseline", old[name]))
        if (cell := row.cells.get((column.metric, RANKED)))
        for flag in cell.flags
        if not kind_of(flag)
    ]
    return list(dict.fromkeys(notes))


def _same_source(pairs: Sequence[tuple[Row, Row]]) -> str:
    """That no member's code differs although the two sides come from different revisions; "" otherwise."""
    if not pairs or any(new.source != old.source for new, old in pairs):
        return ""
    revisions = [sorted({commit for row in side for commit in row.revisions}) for side in zip(*pairs, strict=True)]
    if not all(revisions) or revisions[0] == revisions[1]:
        return ""
    after, before = (", ".join(commit[:10] for commit in commits) for commits in revisions)
    return (
        f"both sides ran the same source of {', '.join(new.member for new, _ in pairs)} although their revisions differ "
        f"({after} against {before}): the candidate's code was not tested, or no member changed. Install each revision in "
        "an environment of its own; where indeed no member changed, --same-source pass says so"
    )

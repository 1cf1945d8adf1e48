"""One verdict per cell of the gate: noisy scores by a test and a margin, counters exactly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from scipy import stats  # pyright: ignore[reportMissingTypeStubs]

from bench.boards import statistics as st
from bench.boards.rows import RANKED, Column, Row
from bench.boards.verdicts import units
from bench.boards.verdicts.margins import DEFAULT, EXACT, FLOPS, PARAMETERS, Margin
from bench.formats import count

Verdict = Literal["pass", "regressed", "inconclusive"]

FINISHED, TRUST = "finished runs", "trust"
COUNTED = (TRUST, FINISHED, PARAMETERS, FLOPS)


@dataclass(frozen=True)
class GateCell:
    """One quantity of one member, candidate against baseline."""

    member: str
    quantity: str  # a metric id, "trust", "finished runs", "parameters" or "flops"
    verdict: Verdict
    margin: str
    words: str
    candidate: tuple[float, ...]  # per seed; one number for a counter
    baseline: tuple[float, ...]
    worse_by: float | None  # in the unit of the words; None when nothing finished
    p: float | None  # one-sided: Holm-adjusted for scores, Fisher's for finished runs; None for parameters
    needed: int | None  # seeds per side that would settle an inconclusive cell


@dataclass(frozen=True)
class Draft:
    """A noisy cell before the correction over all cells."""

    member: str
    column: Column
    margin: Margin
    candidate: tuple[float, ...]
    baseline: tuple[float, ...]
    p: float | None


def draft(new: Row, old: Row, column: Column, margins: Mapping[str, Margin]) -> Draft | None:
    """None where either side has no value: the row says so among the incomplete ones."""
    key = (column.metric, RANKED)
    if key not in new.cells or key not in old.cells:
        return None
    after, before = new.cells[key].values, old.cells[key].values
    p = None
    if min(len(after), len(before)) >= 2:
        p = st.welch(column.losses(before), column.losses(after)).p_above()
    return Draft(new.member, column, margins.get(column.metric, DEFAULT), after, before, p)


def judged(drafts: Sequence[Draft]) -> list[GateCell]:
    """The verdicts on noisy scores, corrected over all of them (Holm 1979)."""
    adjusted = iter(st.holm([draft.p for draft in drafts if draft.p is not None]))
    return [_noisy_cell(draft, None if draft.p is None else next(adjusted)) for draft in drafts]


def _noisy_cell(draft: Draft, p: float | None) -> GateCell:
    unit = units.unit(draft.column, draft.baseline)
    new, old = (draft.column.losses(values) for values in (draft.candidate, draft.baseline))
    shift = st.mean(new) - st.mean(old)
    margin = unit.shift(draft.margin.worst(unit.value, draft.column))
    verdict, upper = _verdict(new, old, shift, margin, p)
    words, needed = f"{_change(unit, shift)}, {_bound(unit, upper)}{_both(draft)}", None
    if sorted(draft.candidate) == sorted(draft.baseline):
        verdict, words = "pass", units.identical(len(draft.candidate))
    if verdict == "inconclusive":
        needed = _seeds_to_settle(new, old, shift, margin)
        words += "; " + _settled_by(needed, min(len(new), len(old)))
    return GateCell(
        member=draft.member,
        quantity=draft.column.metric,
        verdict=verdict,
        margin=str(draft.margin),
        words=words,
        candidate=draft.candidate,
        baseline=draft.baseline,
        worse_by=-unit.gain(shift),
        p=p,
        needed=needed,
    )


def _settled_by(needed: int | None, seeds: int) -> str:
    if seeds < 2:
        return "one seed has no spread; at least two each are required"
    return f"{'about ' if needed else ''}{units.seeds(needed)} each would settle it"


def _verdict(
    new: Sequence[float], old: Sequence[float], shift: float, margin: float, p: float | None
) -> tuple[Verdict, float | None]:
    """The verdict, and how much worse it can be at most (one-sided 95 %)."""
    if p is None:
        return "inconclusive", None
    found = st.welch(old, new)
    upper = shift + st.t_quantile(1 - st.ALPHA, found.df) * found.error
    if p <= st.ALPHA and shift > margin:
        return "regressed", upper
    return ("pass" if upper <= margin else "inconclusive"), upper


def _change(unit: units.Unit, shift: float) -> str:
    gain = unit.gain(shift)
    return f"{'better' if gain >= 0 else 'worse'} by {unit.words(abs(gain))}"


def _bound(unit: units.Unit, upper: float | None) -> str:
    if upper is None:
        return ""
    worst = -unit.gain(upper)
    return f"at most {unit.words(worst)} worse, " if worst > 0 else f"at least {unit.words(-worst)} better, "


def _both(draft: Draft) -> str:
    sizes = len(draft.candidate), len(draft.baseline)
    return units.seeds(sizes[0]) if sizes[0] == sizes[1] else f"{sizes[0]} against {units.seeds(sizes[1])}"


def _seeds_to_settle(new: Sequence[float], old: Sequence[float], shift: float, margin: float) -> int | None:
    """The seeds per side that call it in four of five repetitions: a change beyond the margin as measured, and otherwise a
    member that has not changed. (A measured change just inside the margin is itself mostly noise.)
    """
    sd = st.pooled_sd(old, new)
    if sd is None:
        return None
    needed = st.seeds_needed(shift if shift > margin else margin, sd, one_sided=True)
    return None if needed is None else max(needed, min(len(new), len(old)) + 1)


def counters(new: Row, old: Row, margins: Mapping[str, Margin]) -> list[GateCell]:
    """What carries no noise: whether scores can be trusted, how many runs finished, parameters, and FLOPs where counted."""
    cells = [_trust(new, old)] if new.warnings or old.warnings else []
    cells += [_finished(new, old)] if _ran(new) and _ran(old) else []
    if new.cost and old.cost:
        cells.append(
            _parameters(
                new.member, dict(new.cost.parameters), dict(old.cost.parameters), margins.get(PARAMETERS, EXACT)
            )
        )
        if new.cost.flops_sample and old.cost.flops_sample:
            cells.append(_flops(new.member, new.cost.flops_sample, old.cost.flops_sample, margins.get(FLOPS, EXACT)))
    return cells


def _trust(new: Row, old: Row) -> GateCell:
    """Memorised and collapsed rows: never a pass, and a regression where the baseline is neither."""
    now, before = "; ".join(new.warnings), "; ".join(old.warnings)
    verdict: Verdict = "pass"
    words = f"no longer flagged; the baseline is {before}"
    if now:
        verdict = "inconclusive" if before else "regressed"
        words = f"{now}; {'so is the baseline: other scores decide nothing' if before else 'the baseline is not'}"
    return GateCell(
        new.member, TRUST, verdict, "none", words, (float(not now),), (float(not before),), None, None, None
    )


def _flops(member: str, after: int, before: int, margin: Margin) -> GateCell:
    room = before * margin.value if margin.relative else margin.value
    verdict: Verdict = "regressed" if after > before + room else "pass"
    change = "the same" if after == before else f"{count(after)} against {count(before)} ({after - before:+,})"
    share = 100 * (after / before - 1)
    return GateCell(member, FLOPS, verdict, str(margin), change, (float(after),), (float(before),), share, None, None)


def _parameters(member: str, new: Mapping[str, int], old: Mapping[str, int], margin: Margin) -> GateCell:
    after, before = sum(new.values()), sum(old.values())
    room = before * margin.value if margin.relative else margin.value
    verdict: Verdict = "regressed" if after > before + room else "pass"
    change = "the same" if new == old else f"{count(after)} against {count(before)} ({after - before:+,})"
    share = 100 * (after / before - 1) if before else 0.0
    return GateCell(
        member, PARAMETERS, verdict, str(margin), change, (float(after),), (float(before),), share, None, None
    )


def _finished(new: Row, old: Row) -> GateCell:
    bad, base_bad = (row.statuses.get("diverged", 0) for row in (new, old))
    ran, base_ran = _ran(new), _ran(old)
    return GateCell(
        member=new.member,
        quantity=FINISHED,
        verdict=diverges_more(bad, ran, base_bad, base_ran),
        margin="none",
        words=f"{bad} of {ran} diverged against {base_bad} of {base_ran}",
        candidate=(float(ran - bad),),
        baseline=(float(base_ran - base_bad),),
        worse_by=None,
        p=fisher_more(bad, ran, base_bad, base_ran),
        needed=None,
    )


def diverges_more(bad: int, ran: int, base_bad: int, base_ran: int) -> Verdict:
    """Whether runs diverge more often than the baseline's.

    Against a baseline that never diverges two runs regress, as two invalidate a result in MLPerf's rules; against one that
    does, Fisher's exact test decides. That no run is left is always a regression.
    """
    if bad * base_ran <= base_bad * ran:
        return "pass"
    certain = fisher_more(bad, ran, base_bad, base_ran) <= st.ALPHA
    return "regressed" if certain or bad == ran or (not base_bad and bad >= 2) else "inconclusive"


def _ran(row: Row) -> int:
    return row.statuses["ok"] + row.statuses.get("diverged", 0)


def fisher_more(bad: int, ran: int, base_bad: int, base_ran: int) -> float:
    """The one-sided p value of "the candidate diverges no more often" given both totals (Fisher 1922)."""
    table = [[bad, ran - bad], [base_bad, base_ran - base_bad]]
    return float(stats.fisher_exact(table, alternative="greater").pvalue)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]

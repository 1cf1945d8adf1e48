"""What takes a row out of the ranking although it has scores: memorised training images, or a collapsed generator.

A metric raises a flag in the words of a score; a word at its beginning says what kind it is. The curve of a run is looked
at too: what had variety and lost it has collapsed.
"""

from collections.abc import Sequence

from bench.boards.rows import RANKED, Board
from bench.formats import number
from bench.records.record import Point, Record

KINDS = {  # how a flag begins -> what the row is called
    "memorised": "memorised",
    "collapsed": "collapsed",
    "collapse": "collapsed",
    "fake features are constant": "collapsed",
}
KEPT = 0.5  # of the best recall or coverage that the run had: below it, variety was lost
SHOWN = 6  # names in a list
FEWEST = 4  # points of a curve from which it can be told
TRUST_RULE = "A row flagged as memorised or collapsed in any of its runs is not ranked, wins no comparison and passes no gate unsaid."


def kind_of(flag: str) -> str:
    """``memorised`` or ``collapsed``; "" for a flag that a reader must know but that rules nothing out."""
    return next((kind for start, kind in KINDS.items() if flag.startswith(start)), "")


def lost_variety(curve: Sequence[Point]) -> list[str]:
    """The recall and coverage that a run had and lost, as flags; nothing from fewer than four points."""
    if len(curve) < FEWEST:
        return []
    found: list[str] = []
    for key in sorted(curve[-1].scores):
        name = key.partition("@")[0]
        values = [point.scores[key] for point in curve if key in point.scores]
        if name in ("recall", "coverage") and values[-1] < KEPT * max(values):
            found.append(f"collapsed: {name} fell from {number(max(values), 2)} to {number(values[-1], 2)}")
    return found


def distrust(record: Record) -> tuple[str, ...]:
    """The flags of a finished run that take its row out of the ranking, of the checkpoint that ranks; sorted, once each."""
    if record.status != "ok":
        return ()
    scored = {flag for score in record.scores if score.checkpoint == "last" for flag in score.flags if kind_of(flag)}
    return (*sorted(scored), *lost_variety(record.curve))


def warnings(runs: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """What a row is flagged as, e.g. ``memorised in 3 of 3 runs (97 % of fakes are nearer to ...)``.

    `runs` holds what `distrust` found in each run that finished.
    """
    found: dict[str, list[str]] = {}
    for flags in runs:
        for kind, flag in {kind_of(flag): flag for flag in reversed(flags)}.items():
            found.setdefault(kind, []).append(flag)
    noun = "run" if len(runs) == 1 else "runs"
    return tuple(
        f"{kind} in {len(flags)} of {len(runs)} {noun} ({_why(flags[0])})" for kind, flags in sorted(found.items())
    )


def flag_lines(board: Board) -> list[str]:
    """Every flag of the board's scores at the last checkpoint, with the metrics and members that it concerns."""
    found: dict[str, dict[str, set[str]]] = {}
    for row in board.rows:
        if row.kind != "superseded":
            for (metric, checkpoint), cell in row.cells.items():
                for flag in cell.flags if checkpoint == RANKED else ():
                    found.setdefault(flag, {}).setdefault(row.member, set()).add(metric)
    return [f"Flag: {flag}: {_of_whom(members)}" for flag, members in sorted(found.items())]


def _of_whom(members: dict[str, set[str]]) -> str:
    """``fid@x, kid@x of dcgan, sngan``; long lists are cut."""
    metrics = sorted(set().union(*members.values()))
    return f"{listed(metrics)} of {listed(sorted(members))}"


def listed(names: Sequence[str], most: int = SHOWN) -> str:
    """``a, b and 3 more``."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def _why(flag: str) -> str:
    """The words of a flag without its kind."""
    kind, colon, words = flag.partition(": ")
    return words if colon else kind

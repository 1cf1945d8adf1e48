"""What a board can claim, in one sentence or two: the same words on every output."""

from collections.abc import Sequence
from statistics import median

from bench import formats
from bench.boards.metric_names import metric_name
from bench.boards.rows import RANKED, Board, Row

MOST = 4  # names in a sentence


def verdict(board: Board) -> str:
    """What can be claimed; rows whose scores are not to be trusted are named first."""
    return " ".join([*_flagged(board), _claim(board)])


def _flagged(board: Board) -> list[str]:
    rows = [row for row in board.of("ranked", "flagged", "incomplete") if row.warnings]
    if not rows:
        return []
    shown = "; ".join(f"{row.member}, {row.warnings[0]}" for row in rows[:MOST])
    rest = f"; and {len(rows) - MOST} more" if len(rows) > MOST else ""
    return [f"Not ranked: {shown}{rest}."]


def _claim(board: Board) -> str:
    ranked = board.of("ranked")
    if not ranked:
        flagged = board.of("flagged")
        why = "no other member has finished all its runs" if flagged else "no member has finished all its runs"
        return f"Nothing can be ranked yet: {why}."
    seeds = min(len(row.seeds) for row in ranked)
    if len(ranked) == 1:
        only = ranked[0]
        return f"{only.member}, {score(board, only)}, is the only member that can be ranked; there is nothing to compare it with."
    if seeds < 2:
        best = ranked[0]
        return f"{best.member} scores best, {score(board, best)}, on a single seed: the order of the rows may be luck."
    leaders = [row for row in ranked if row.ranks and row.ranks.best == 1]
    if len(leaders) == len(ranked):
        who = "the two members" if len(ranked) == 2 else f"the {len(ranked)} members"
        best = f"{ranked[0].member} has the best mean, {score(board, ranked[0])}"
        return f"No winner: no difference between {who} is proven with {seeds} seeds. {best}."
    if len(leaders) > 1:
        first, others = leaders[0], [row.member for row in leaders[1:]]
        return f"{first.member} has the best mean, {score(board, first)}; no difference to {listed(others, MOST - 1)} is proven."
    first = leaders[0]
    if first.ranks and first.ranks.worst > 1:
        return f"{first.member} leads, {score(board, first)}: every other member is proven worse than some member."
    return _single(board, first, next(row for row in ranked if row is not first))


def _single(board: Board, first: Row, second: Row) -> str:
    """The sentence for one leader, whose difference from every other row is proven."""
    column = board.column(board.ranking)
    leads = f"{first.member} leads, {score(board, first)}"
    cells = [row.cells.get((board.ranking, RANKED)) for row in (first, second)]
    means = [cell.summary.mean for cell in cells if cell]
    if column.scale.kind != "log" or len(means) < 2 or min(means) <= 0:
        return f"{leads}, ahead of {second.member} by more than the noise."
    percent = formats.number(abs(1 - means[0] / means[1]) * 100, 2)
    word = "lower" if column.better == "lower" else "higher"
    return f"{leads}: {percent} % {word} than {second.member}’s, a difference beyond the noise."


def score(board: Board, row: Row) -> str:
    """``FID 21.4 (20.1 to 22.9)``: the ranking metric's mean with its 95 % interval over training seeds."""
    name, cell = metric_name(board.ranking).short, row.cells.get((board.ranking, RANKED))
    if cell is None:
        return f"no {name}"
    found = cell.summary
    interval = "" if found.low is None else f" ({formats.number(found.low, 3)} to {formats.number(found.high, 3)})"
    return f"{name} {formats.number(found.mean, 3)}{interval}"


def cost(board: Board) -> str:
    """What the first two rows cost, in a sentence; "" where no training time is known."""
    ranked = board.of("ranked")
    times = [row.cost.train_seconds for row in ranked if row.cost and row.cost.train_seconds]
    first = ranked[0].cost if ranked else None
    if not times or first is None or not first.train_seconds:
        return ""
    said = f"A run of {ranked[0].member} trains for {formats.duration(first.train_seconds)}"
    if len(times) > 1:
        said += f", {formats.number(first.train_seconds / median(times), 2)} times the median member"
    if first.size:
        said += f", and has {formats.count(first.size)} parameters"
    return said + "."


def listed(names: Sequence[str], most: int = MOST) -> str:
    """``a, b and c``; long lists are cut."""
    shown, rest = list(names[:most]), len(names) - most
    if rest > 0:
        return f"{', '.join(shown)} and {rest} more"
    return f"{', '.join(shown[:-1])} and {shown[-1]}" if len(shown) > 1 else shown[0]

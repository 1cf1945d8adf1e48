"""What a board can claim, in one sentence or two: the same words on every output."""

from collections.abc import Sequence

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
        return f"{ranked[0].member} is the only member that can be ranked; there is nothing to compare it with."
    if seeds < 2:
        return f"{ranked[0].member} scores best, on a single seed: the order of the rows may be luck."
    leaders = [row for row in ranked if row.ranks and row.ranks.best == 1]
    if len(leaders) == len(ranked):
        who = "the two members" if len(ranked) == 2 else f"the {len(ranked)} members"
        return f"No winner: no difference between {who} is proven with {seeds} seeds."
    if len(leaders) > 1:
        return f"{listed([row.member for row in leaders])} lead; no difference between them is proven."
    if leaders[0].ranks and leaders[0].ranks.worst > 1:
        return f"{leaders[0].member} leads: every other member is proven worse than some member."
    return _single(board, leaders[0], next(row for row in ranked if row is not leaders[0]))


def _single(board: Board, first: Row, second: Row) -> str:
    """The sentence for one leader, whose difference from every other row is proven."""
    column = board.column(board.ranking)
    cells = [row.cells.get((board.ranking, RANKED)) for row in (first, second)]
    means = [cell.summary.mean for cell in cells if cell]
    if column.scale.kind != "log" or len(means) < 2 or min(means) <= 0:
        return f"{first.member} leads, ahead of {second.member} by more than the noise."
    percent = formats.number(abs(1 - means[0] / means[1]) * 100, 2)
    word = "lower" if column.better == "lower" else "higher"
    name = metric_name(board.ranking).short
    return f"{first.member} leads: {name} {percent} % {word} than {second.member}’s, a difference beyond the noise."


def listed(names: Sequence[str], most: int = MOST) -> str:
    """``a, b and c``; long lists are cut."""
    shown, rest = list(names[:most]), len(names) - most
    if rest > 0:
        return f"{', '.join(shown)} and {rest} more"
    return f"{', '.join(shown[:-1])} and {shown[-1]}" if len(shown) > 1 else shown[0]

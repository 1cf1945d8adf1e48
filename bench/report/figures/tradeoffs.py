"""Quality against what it costs, with the Pareto front: the members that no other beats on both."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench import formats
from bench.boards.metric_names import metric_name
from bench.boards.rows import RANKED, Board
from bench.boards.statistics import mean
from bench.records.record import Record
from bench.report.figures.drawing import Drawing, Table, compact, log_axis, metric_axis, panel, point_labels
from bench.report.theme import MUTED, Look

SHOWN = ("ranked", "incomplete")


@dataclass(frozen=True)
class Cost:
    """Something that a member costs or yields, from one of its records; None where the record does not say."""

    name: str
    title: str  # "FID against ..."
    label: str  # of the axis
    better: str  # "lower" or "higher"
    of: Callable[[Record], float | None]
    words: Callable[[float], str]  # the number in the table


def _training(record: Record) -> float | None:
    return record.seconds.get("train") or None


def _generation(record: Record) -> float | None:
    """Images per second over all samples that were scored."""
    seconds = record.seconds.get("generate")
    samples = {(score.checkpoint, score.sample_seed): score.samples_fake for score in record.scores}
    return sum(samples.values()) / seconds if seconds else None


def _parameters(record: Record) -> float | None:
    return float(sum(record.parameters.values())) or None


def _rate(value: float) -> str:
    return f"{compact(value)} images/s"


COSTS = (
    Cost("training-cost", "training cost", "training time of a run (seconds)", "lower", _training, formats.duration),
    Cost("throughput", "throughput", "generated images per second", "higher", _generation, _rate),
    Cost("size", "size", "trainable parameters", "lower", _parameters, compact),
)


def against(
    board: Board, records: Sequence[Record], looks: Mapping[str, Look], cost: Cost
) -> Drawing | None:  # fmt: skip
    """The ranking metric against one cost; None when fewer than two members have both."""
    costs = _costs(records, cost)
    key = (board.ranking, RANKED)
    rows = [row for row in board.of(*SHOWN) if key in row.cells and (row.member, row.source) in costs]
    if len(rows) < 2:
        return None
    points = [(costs[row.member, row.source], row.cells[key].summary.mean) for row in rows]
    better = board.column(board.ranking).better
    best = front(points, cost.better, better)
    figure, axes = panel(right=28)
    log_axis(axes, "x", [x for x, _ in points], compact)
    metric_axis(axes, "y", board.ranking, [y for _, y in points])
    axes.set_xlabel(cost.label)
    line = staircase([points[index] for index in best], cost.better, axes.get_xlim())
    axes.plot([x for x, _ in line], [y for _, y in line], color=MUTED, lw=1, ls=(0, (3, 2)), zorder=1)
    for row, (x, y), index in zip(rows, points, range(len(rows)), strict=True):
        look = looks[row.member]
        axes.plot([x], [y], look.marker, color=look.colour, ms=8 if index in best else 6, mew=0, gid=look.gid)
    named = [index for index, row in enumerate(rows) if looks[row.member].labelled or index in best]
    point_labels(axes, points, [(index, looks[rows[index].member]) for index in named])
    name = metric_name(board.ranking)
    return Drawing(
        name=cost.name,
        title=f"{name.short} against {cost.title}",
        caption=f"Means over seeds. {cost.better.capitalize()} {cost.title} and {better} {name.short} are better; "
        "the dashed steps are the best for each cost, through the members that no other beats on both."
        + (" Times compare only where the machine is the same." if cost.name != "size" else ""),
        figure=figure,
        table=Table(
            ("Member", cost.label.capitalize(), name.title, "On the front"),
            tuple(
                (row.member, cost.words(x), formats.number(y), "yes" if index in best else "no")
                for index, (row, (x, y)) in enumerate(zip(rows, points, strict=True))
            ),
        ),
    )


def front(points: Sequence[tuple[float, float]], x_better: str, y_better: str) -> set[int]:
    """The Pareto front: indices of the points that no other point beats on one axis without losing on the other."""
    signs = [1 if better == "lower" else -1 for better in (x_better, y_better)]
    turned = [(x * signs[0], y * signs[1]) for x, y in points]
    return {
        index
        for index, (x, y) in enumerate(turned)
        if not any(a <= x and b <= y and (a < x or b < y) for a, b in turned)
    }


def staircase(
    points: Sequence[tuple[float, float]], x_better: str, limits: tuple[float, float]
) -> list[tuple[float, float]]:
    """The corners of the front of at least one point: what can be had for each cost, up to the limit of the worse side.

    Between two members only the cheaper one's quality can be had, so the front is steps and no straight line.
    """
    found = sorted(set(points), reverse=x_better == "higher")
    corners = [found[0]]
    for x, y in found[1:]:
        corners += [(x, corners[-1][1]), (x, y)]
    return [*corners, (limits[1 if x_better == "lower" else 0], corners[-1][1])]


def _costs(records: Sequence[Record], cost: Cost) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], list[float]] = {}
    for record in records:
        value = cost.of(record) if record.status == "ok" else None
        if value:
            found.setdefault((record.member.label, record.member.source_digest), []).append(value)
    return {key: mean(values) for key, values in found.items()}

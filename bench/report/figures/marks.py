"""What a figure says about what lies beyond its axes: intervals that go on, reference values as lines, names led to points."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from bench import formats
from bench.report.figures.drawing import LETTER, short, spread
from bench.report.theme import INK, MUTED


def interval(axes: Axes, place: float, ends: tuple[float, float], colour: str, gid: str | None = None) -> None:
    """A bar along x between two ends. An end beyond the axis becomes an arrow at the edge with its number.

    The limits of x must be final.
    """
    left, right = axes.get_xlim()
    low, high = max(ends[0], left), min(ends[1], right)
    if low > right or high < left:  # nothing of it is in view: the arrow says where it is
        low = high = right if low > right else left
    axes.plot([low, high], [place, place], color=colour, lw=5, alpha=0.28, gid=gid, solid_capstyle="butt")
    if ends[0] < left:
        axes.plot([left], [place], "<", color=colour, ms=6, mew=0, clip_on=False, gid=gid)
        _number(axes, ends[0], (left, place), (6, 7.5), "left", gid)
    if ends[1] > right:
        axes.plot([right], [place], ">", color=colour, ms=6, mew=0, clip_on=False, gid=gid)
        _number(axes, ends[1], (right, place), (6, -3.5), "left", gid)


def _number(
    axes: Axes, value: float, point: tuple[float, float], offset: tuple[float, float], side: str, gid: str | None
) -> None:
    axes.annotate(
        formats.number(value, 3), point, offset, textcoords="offset points", ha=side, fontsize=9.5, color=INK, gid=gid,
        annotation_clip=False,
    )  # fmt: skip


def near(values: Sequence[float], references: Sequence[float], log: bool) -> list[float]:
    """The reference values that can be drawn without squeezing the values: they at most double the range of an axis.

    Ranges are ratios on a logarithmic axis, where only positive references can be drawn.
    """
    if not values:
        return list(references)
    kept: list[float] = []
    low, high = min(values), max(values)
    for value in references:
        if log and value <= 0:
            continue
        width = high / low if log else high - low
        step = max(low / value, value / high) if log else max(low - value, value - high)
        if step <= (max(width, 1.5) if log else width):
            kept.append(value)
    return kept


def references(axes: Axes, named: Sequence[tuple[str, float]]) -> None:
    """Named values as dashed lines across x, names above the axes; one beyond the axis is an arrow with its number.

    The limits of x must be final; the figure needs 22 pixels above the axes.
    """
    left, right = axes.get_xlim()
    box, to_axes = axes.get_window_extent(), axes.transData + axes.transAxes.inverted()
    texts, inside = [], [left <= value <= right for _, value in named]
    for (name, value), seen in zip(named, inside, strict=True):
        arrow = "" if seen else "← " if value < left else "→ "
        texts.append(f"{arrow}{short(name, 14)}{'' if seen else f' {formats.number(value, 3)}'}")
        if seen:
            axes.axvline(value, color=MUTED, lw=1, ls=(0, (3, 3)), zorder=0)
    wanted = [float(to_axes.transform((min(max(value, left), right), 1.0))[0]) for _, value in named]
    width = (LETTER * max((len(text) for text in texts), default=0) + 6) / box.width
    stands = spread(wanted, width, 0.0, 1 + 12 / box.width - width / 2)
    for text, at, stand, seen in zip(texts, wanted, stands, inside, strict=True):
        axes.text(
            stand,
            1 + 9 / box.height,
            text,
            transform=axes.transAxes,
            ha="center",
            va="bottom",
            fontsize=10,
            color=MUTED,
        )
        if seen and abs(at - stand) * box.width > 2:
            axes.plot(
                [at, stand], [1, 1 + 8 / box.height], color=MUTED, lw=0.7, transform=axes.transAxes, clip_on=False
            )

"""Memorisation: how far generated images are from the closest training image, beside what held-out images get."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bench import formats
from bench.records.record import Record
from bench.report import links, pictures
from bench.report.figures.drawing import Drawing, Table, end_labels, panel, plain
from bench.report.theme import INK, Look

HELD_OUT, SAMPLES, PIXELS = "held-out", "samples", "pixels"
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75)
POINTS = 80  # of a drawn distribution

Groups = dict[str, list[float]]  # "samples" and "held-out" -> distances, ascending


def read(results: Path, records: Iterable[Record]) -> dict[str, dict[str, Groups]]:
    """Space -> member -> distances, from the tables beside some runs."""
    found: dict[str, dict[str, Groups]] = {}
    for record in records:
        for space, groups in _by_space(pictures.data_of(results, record, pictures.DISTANCES).rows).items():
            found.setdefault(space, {})[record.member.label] = groups
    return found


def _by_space(rows: Sequence[Mapping[str, str]]) -> dict[str, Groups]:
    found: dict[str, Groups] = {}
    for row in rows:
        distance, images = pictures.number(row.get("distance")), row.get("images", "")
        if distance is not None and images in (SAMPLES, HELD_OUT):
            found.setdefault(row.get("space", ""), {}).setdefault(images, []).append(distance)
    return {space: {name: sorted(values) for name, values in groups.items()} for space, groups in found.items()}


def nearest(space: str, members: Mapping[str, Groups], looks: Mapping[str, Look]) -> Drawing | None:
    """Cumulative distributions of the distance to the nearest training image; None when there is nothing to draw."""
    shown = {member: members[member][SAMPLES] for member in looks if SAMPLES in members.get(member, {})}
    if not shown:
        return None
    figure, axes = panel(right=150)
    for member in reversed(shown):  # the best on top
        look = looks[member]
        _rising(axes, shown[member], color=look.colour, ls=look.dash, lw=1.8 if look.named else 1.0, gid=look.gid)
    held_out = next((groups[HELD_OUT] for groups in members.values() if HELD_OUT in groups), [])
    if held_out:
        _rising(axes, held_out, color=INK, ls=(0, (2, 2)), lw=1.4)
        axes.text(1.015, 0.02, "dotted: held-out", transform=axes.transAxes, va="center", color=INK, fontsize=10.5)
    axes.set_ylim(0, 1.02)
    axes.set_xlim(left=0)
    axes.set_ylabel("share of images")
    axes.set_xlabel(f"distance to the nearest training image ({_words(space)})")
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(FuncFormatter(plain))
    end_labels(axes, {member: (values[len(values) // 2], 0.5) for member, values in shown.items()}, looks)
    return Drawing(
        name=f"nearest-{links.slug(space)}",
        title=f"Distance to the nearest training image, {_words(space)}",
        caption="A curve that rises left of the dotted one belongs to samples that are nearer to the training set than new "
        "real images are: copies, or images with little variety.",
        figure=figure,
        table=_table({HELD_OUT: held_out, **shown} if held_out else shown),
    )


def _words(space: str) -> str:
    return space if space == PIXELS else f"features of {space}"


def _rising(axes: Axes, values: Sequence[float], **style: object) -> None:
    """The distribution of ascending values as a line through evenly chosen ones, which are all that a reader can see."""
    last = len(values) - 1
    ranks = sorted({round(place * last / (POINTS - 1)) for place in range(POINTS)}) if last else [0]
    axes.plot([values[rank] for rank in ranks], [(rank + 1) / len(values) for rank in ranks], **style)  # pyright: ignore[reportArgumentType]


def _table(groups: Mapping[str, Sequence[float]]) -> Table:
    rows = tuple(
        (group, *(formats.number(_quantile(values, q)) for q in QUANTILES)) for group, values in groups.items()
    )
    return Table(("Images", *(f"{q:.0%} quantile".replace("%", " %") for q in QUANTILES)), rows)


def _quantile(values: Sequence[float], q: float) -> float:
    return values[min(int(q * len(values)), len(values) - 1)]

"""What every figure shares: the drawing it becomes, panels of a fixed size, axes of a metric, labels that keep apart."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator
from matplotlib.transforms import Bbox

from bench import formats
from bench.boards.metric_names import metric_name
from bench.report.frames import axis_scale
from bench.report.theme import INK, MUTED, Look

LONGEST = 22  # characters of a member's name inside a figure
WIDTH, HEIGHT = 540, 340  # pixels of a panel


@dataclass(frozen=True)
class Table:
    """The numbers behind a figure."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Drawing:
    """A figure with all that a reader needs beside it."""

    name: str  # unique on a page; also the file name of `bench plot`
    title: str
    caption: str
    figure: Figure
    table: Table


def panel(
    width: int = WIDTH, height: int = HEIGHT, left: int = 58, right: int = 14, top: int = 14, bottom: int = 44
) -> tuple[Figure, Axes]:
    """A figure of `width` x `height` pixels with one pair of axes; margins in pixels, so nothing is measured."""
    figure = Figure(figsize=(width / 72, height / 72))
    axes = figure.add_axes(
        (left / width, bottom / height, (width - left - right) / width, (height - top - bottom) / height)
    )
    return figure, axes


def short(name: str, longest: int = LONGEST) -> str:
    """A name that fits: control characters replaced, the middle left out."""
    clean = "".join(character if character.isprintable() else "\ufffd" for character in name)
    if len(clean) <= longest:
        return clean
    half = (longest - 1) // 2
    return f"{clean[:half]}…{clean[-half:]}"


def compact(value: float, _position: int | None = None) -> str:
    """25,000 -> 25k, 2,000,000 -> 2M."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return plain(value / size) + unit
    return plain(value)


def plain(value: float, _position: int | None = None) -> str:
    """A tick label without trailing zeros."""
    text = formats.number(value, 4)
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def metric_axis(axes: Axes, which: str, metric: str, values: Sequence[float]) -> None:
    """Scale, limits, ticks and label of the axis of a metric: logarithmic for distances, 0 to 1 for proportions."""
    name = metric_name(metric)
    (axes.set_xlabel if which == "x" else axes.set_ylabel)(name.title)
    kind = axis_scale(metric).kind
    positive = [value for value in values if value > 0]
    if kind == "logit":
        (axes.set_xlim if which == "x" else axes.set_ylim)(0.0, 1.0)
        return
    wide = len(positive) == len(values) > 0 and max(positive) / min(positive) > 20
    if positive and len(positive) == len(values) and (kind == "log" or wide):
        log_axis(axes, which, positive)
        return
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(MaxNLocator(6))
    axis.set_major_formatter(FuncFormatter(plain))


def settle(axes: Axes, which: str, metric: str, values: Sequence[float]) -> None:
    """Fix the limits of a linear axis around the values, with a little room; the axes of other scales have theirs."""
    scale = axes.get_xscale() if which == "x" else axes.get_yscale()
    if scale == "linear" and axis_scale(metric).kind != "logit":
        room = 0.04 * (max(values) - min(values)) or 0.04 * abs(values[0]) or 1.0
        (axes.set_xlim if which == "x" else axes.set_ylim)(min(values) - room, max(values) + room)


def log_axis(axes: Axes, which: str, values: Sequence[float], formatter: object = plain) -> None:
    """A logarithmic axis around positive values with ticks at 1, 2, 5, or finer where the range is small."""
    low, high = min(values), max(values)
    room = max((high / low) ** 0.07, 1.02)
    low, high = low / room, high * room
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    (axes.set_xlim if which == "x" else axes.set_ylim)(low, high)
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(FixedLocator(log_ticks(low, high)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(formatter))  # pyright: ignore[reportArgumentType]


def log_ticks(low: float, high: float) -> list[float]:
    """Between three and seven round values in [low, high]."""
    for subs in ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)):
        ticks = [tick for tick in LogLocator(subs=subs).tick_values(low, high) if low <= tick <= high]
        if 3 <= len(ticks) <= 7:
            return ticks
    if high / low > 8:
        decades = [tick for tick in LogLocator(subs=(1.0,)).tick_values(low, high) if low <= tick <= high]
        return decades[:: math.ceil(len(decades) / 6)]
    return [tick for tick in MaxNLocator(5).tick_values(low, high) if low <= tick <= high]


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """The positions at least `gap` apart, inside the limits, that move least from the wanted ones; order is kept.

    Least squares under an order: pool adjacent violators (Ayer et al. 1955) once the gaps are taken out.
    """
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    blocks: list[tuple[float, int]] = []  # mean, members
    for place, index in enumerate(order):
        blocks.append((wanted[index] - place * gap, 1))
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            (a, n), (b, m) = blocks[-2:]
            blocks[-2:] = [((a * n + b * m) / (n + m), n + m)]
    levels = [level for level, count in blocks for _ in range(count)]
    ceiling = high - gap * (len(order) - 1)
    placed = [0.0] * len(wanted)
    for place, index in enumerate(order):
        placed[index] = max(min(levels[place], ceiling), low) + place * gap
    return placed


def end_labels(axes: Axes, ends: Mapping[str, tuple[float, float]], looks: Mapping[str, Look]) -> None:
    """Write each member's name at the end of its line, apart from one another, in its colour."""
    axes.autoscale_view()  # the limits of linear axes are settled only now
    named = [member for member in ends if looks[member].labelled]
    to_axes = axes.transData + axes.transAxes.inverted()
    heights = [float(to_axes.transform(ends[member])[1]) for member in named]
    box = axes.get_window_extent().height
    for member, height in zip(named, spread(heights, 14 / box, 0.02, 0.98), strict=True):
        text = axes.text(
            1.015, height, short(looks[member].label), transform=axes.transAxes, va="center", fontsize=10.5,
            color=looks[member].colour if looks[member].named else MUTED, gid=looks[member].gid,
        )  # fmt: skip
        text.set_clip_on(False)


def point_labels(axes: Axes, points: Sequence[tuple[float, float]], labels: Sequence[tuple[int, Look]]) -> None:
    """Write names beside points where they cover no other name and no other point, as far as there is room.

    A label is the index of its point and the look, which knows the name.
    """
    axes.autoscale_view()  # the limits of linear axes are settled only now
    pixels = [(float(x), float(y)) for x, y in (axes.transData.transform(point) for point in points)]
    frame = axes.get_window_extent()
    taken = [(x - 5, y - 5, x + 5, y + 5) for x, y in pixels]
    for index, look in labels:
        name = look.label
        box, far = _place(*pixels[index], LETTER * len(short(name)) + 4, frame, taken)
        taken.append(box)
        to_axes = axes.transAxes.inverted()
        x, y = to_axes.transform((box[0] + 2, (box[1] + box[3]) / 2))
        axes.text(x, y, short(name), transform=axes.transAxes, va="center", fontsize=10, color=ink(look), gid=look.gid)
        if far:
            here = pixels[index]
            there = min(max(here[0], box[0]), box[2]), min(max(here[1], box[1]), box[3])
            line = to_axes.transform([here, there])
            axes.plot(
                line[:, 0], line[:, 1], color=MUTED, lw=0.7, transform=axes.transAxes, gid=look.gid, clip_on=False
            )


Box = tuple[float, float, float, float]  # left, bottom, right, top


LETTER = 6.2  # pixels of a letter of a name
FAR = (24, 38, 54, 72, 92)  # pixels from a point to a name that a line leads to


def _place(x: float, y: float, width: float, frame: Bbox, taken: Sequence[Box]) -> tuple[Box, bool]:
    """The first free place around a point: right, left, above, below, the corners, then farther out.

    The second value says that the name is so far away that a line must lead to it. Right of the point if none is free.
    """
    corners = (
        (x + 8, y - 6), (x - 8 - width, y - 6), (x - width / 2, y + 7), (x - width / 2, y - 20),
        (x + 7, y + 8), (x + 7, y - 21), (x - 7 - width, y + 8), (x - 7 - width, y - 21),
    )  # fmt: skip
    outer = [
        (
            x + away * math.cos(turn * math.pi / 8) - (width if 4 < turn < 12 else 0),
            y + away * math.sin(turn * math.pi / 8) - 6,
        )
        for away in FAR
        for turn in (0, 1, 15, 2, 14, 3, 13, 8, 7, 9, 6, 10, 5, 11, 4, 12)
    ]
    boxes = [(left, bottom, left + width, bottom + 13) for left, bottom in (*corners, *outer)]
    free = (
        (box, place >= len(corners))
        for place, box in enumerate(boxes)
        if _inside(box, frame) and not any(_overlap(box, other) for other in taken)
    )
    return next(free, (boxes[0], False))


def _inside(box: Box, frame: Bbox) -> bool:
    return box[0] >= frame.x0 - 2 and box[2] <= frame.x1 + 26 and box[1] >= frame.y0 - 2 and box[3] <= frame.y1 + 8


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def ink(look: Look) -> str:
    """The colour of a member's text: readable even for the grey ones."""
    return INK if look.named else MUTED

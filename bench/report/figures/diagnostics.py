"""What happened inside a training: losses, gradient norms, the critic's accuracy, and what they warn of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bench import formats
from bench.boards import trust
from bench.boards.statistics import mean
from bench.records.record import Point, Record
from bench.report.figures.drawing import Drawing, Table, compact, log_axis, plain
from bench.report.theme import DASHES, SERIES

WIDTH, HEIGHT = 960, 218
NORM, ACCURACY = "gradient_norm", "accuracy_"
ROWS = 3  # of names above a panel
PANELS = ("losses", "gradient norm", "critic accuracy")

SATURATED = 0.99  # accuracy of the critic above which the generator learns little
VANISHED, EXPLODED = 1e-3, 1e3  # of the median of the first half's gradient norm
FALLEN_BACK = 1.5  # times the best selection score that the run had

RULES = (
    f"collapsed: recall or coverage ends below {trust.KEPT:.0%} of the best it had, or every fake looks alike; "
    "memorised: the fakes are nearer to training images than held-out images are; "
    f"fell back: the selection metric ends more than {FALLEN_BACK:g} times its best; "
    f"saturated: the critic is right on at least {SATURATED:.0%} of real and fake images over the last quarter; "
    "vanishing or exploding: a gradient norm of the last quarter is a thousandth, or a thousand times, of its median "
    "in the first half."
).replace("%", " %")


@dataclass(frozen=True)
class Flag:
    """A warning about one run."""

    seed: int
    words: str


def flags(record: Record) -> tuple[Flag, ...]:
    """What the curve of a run warns of, by the rules in `RULES`; nothing from fewer than four points."""
    found: list[str] = []
    if record.status == "diverged":
        found.append(f"diverged at step {record.diverged_at_step:,}" if record.diverged_at_step else "diverged")
    found += trust.distrust(record)
    if len(record.curve) >= trust.FEWEST:
        found += [words for rule in (_fall, _saturation, _gradients) for words in rule(record)]
    return tuple(Flag(record.seed, words) for words in found)


def _fall(record: Record) -> list[str]:
    key = record.protocol.get("evaluation", {}).get("selection", "")
    values = [point.scores[key] for point in record.curve if key in point.scores]
    if not key.startswith("fid") or not values or min(values) <= 0 or values[-1] <= FALLEN_BACK * min(values):
        return []
    return [f"fell back: FID ended at {formats.number(values[-1], 2)}, its best was {formats.number(min(values), 2)}"]


def _saturation(record: Record) -> list[str]:
    sides = [_late(record.curve, f"critic/{ACCURACY}{side}") for side in ("real", "fake")]
    return ["critic saturated"] if all(side and min(side) >= SATURATED for side in sides) else []


def _gradients(record: Record) -> list[str]:
    found: list[str] = []
    for key in _keys(record.curve, NORM):
        early = sorted(point.terms[key] for point in record.curve[: len(record.curve) // 2] if key in point.terms)
        late = _late(record.curve, key)
        if not early or not late or early[len(early) // 2] <= 0:
            continue
        ratio, player = mean(late) / early[len(early) // 2], key.partition("/")[0]
        if ratio <= VANISHED or ratio >= EXPLODED:
            found.append(f"{player}: {'vanishing' if ratio < 1 else 'exploding'} gradients")
    return found


def _late(curve: Sequence[Point], key: str) -> list[float]:
    """The values of the last quarter of a curve."""
    return [point.terms[key] for point in curve[-max(len(curve) // 4, 1) :] if key in point.terms]


def _keys(curve: Sequence[Point], end: str) -> list[str]:
    return sorted({key for point in curve for key in point.terms if key.partition("/")[2].startswith(end)})


def training(member: str, records: Sequence[Record], name: str) -> Drawing | None:
    """Losses, gradient norms and critic accuracy of every seed of one member; None where no curve has terms."""
    curves = [record.curve for record in records if any(point.terms for point in record.curve)]
    if not curves:
        return None
    keys = sorted({key for curve in curves for point in curve for key in point.terms})
    groups = {
        "losses": [key for key in keys if not key.partition("/")[2].startswith((NORM, ACCURACY))],
        "gradient norm": [key for key in keys if key.partition("/")[2].startswith(NORM)],
        "critic accuracy": [key for key in keys if key.partition("/")[2].startswith(ACCURACY)],
    }
    figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72))
    for place, title in enumerate(PANELS):
        axes = figure.add_axes(((46 + place * 320) / WIDTH, 40 / HEIGHT, 262 / WIDTH, 108 / HEIGHT))
        _panel(axes, title, curves, groups[title])
    return Drawing(
        name=name,
        title=f"Training of {member}",
        caption="One line per seed. Each value is the mean since the point before.",
        figure=figure,
        table=_table(records, keys),
    )


def _panel(axes: Axes, title: str, curves: Sequence[Sequence[Point]], keys: Sequence[str]) -> None:
    styles = _styles(keys)
    for key in keys:
        colour, dash = styles[key]
        for curve in curves:
            points = [point for point in curve if key in point.terms]
            axes.plot(
                [point.images for point in points], [point.terms[key] for point in points],
                color=colour, ls=dash, lw=1.2, alpha=0.8,
            )  # fmt: skip
    values = [point.terms[key] for key in keys for curve in curves for point in curve if key in point.terms]
    axes.set_title(title, pad=(12 + 14 * len(_rows(keys))) if keys else 8, fontsize=11)
    if title == "critic accuracy":
        axes.set_ylim(-0.03, 1.03)
    elif title == "gradient norm" and values and min(values) > 0:
        log_axis(axes, "y", values)
    else:
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.yaxis.set_major_formatter(FuncFormatter(plain))
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(FuncFormatter(compact))
    _legend(axes, keys, styles)


def _legend(axes: Axes, keys: Sequence[str], styles: Mapping[str, tuple[str, object]]) -> None:
    """Names above the panel, each in the colour of its lines, the first of them in the upper row."""
    rows = _rows(keys)
    for up, row in enumerate(reversed(rows)):
        x = 0.0
        for key in row:
            axes.text(x, 1.07 + 0.125 * up, _label(key), transform=axes.transAxes, fontsize=10, color=styles[key][0])
            x += _width(key)


def _rows(keys: Sequence[str]) -> list[list[str]]:
    """The names in rows of what there is room for; those beyond the third row are in the table alone."""
    rows: list[list[str]] = [[]]
    for key in keys:
        if rows[-1] and sum(map(_width, [*rows[-1], key])) > 1.12:
            rows.append([])
        rows[-1].append(key)
    return rows[:ROWS]


def _width(key: str) -> float:
    """Of a name, in widths of a panel."""
    return (6.1 * len(_label(key)) + 14) / 262


def _label(key: str) -> str:
    player, _, term = key.partition("/")
    if term.startswith(ACCURACY):
        return f"on {term.removeprefix(ACCURACY)}"
    return player if term in (NORM, "loss") else f"{player} {term.replace('_', ' ')}"


def _styles(keys: Sequence[str]) -> dict[str, tuple[str, object]]:
    """A colour per line of a panel; solid for the first six, dashed after."""
    return {key: (SERIES[place % 6], DASHES[0] if place < 6 else DASHES[1]) for place, key in enumerate(keys)}


def _table(records: Sequence[Record], keys: Sequence[str]) -> Table:
    rows = tuple(
        (str(record.seed), f"{point.images:,}", *(formats.number(point.terms.get(key), 3) for key in keys))
        for record in records
        for point in record.curve
    )
    return Table(("Seed", "Images", *keys), rows)

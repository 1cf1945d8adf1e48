"""A comparison drawn: the gain of a variant on each metric with its interval, and what the seeds could have shown."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bench import formats
from bench.boards.metric_names import metric_name
from bench.boards.verdicts.compare import Effect, Pair
from bench.report.figures import marks
from bench.report.figures.drawing import Drawing, Table, panel, plain
from bench.report.theme import FAINT, INK, MUTED, SERIES

ROW = 30
UNITS = {"%": "gain in %", "points": "gain in percentage points", "": "gain in the metric’s own unit"}
COLOURS = {"better": SERIES[0], "worse": SERIES[1], "identical": MUTED, "cannot tell": MUTED}


def effects(pair: Pair, name: str) -> list[Drawing]:
    """One drawing per unit of gain; right of zero the variant is better."""
    drawn = [found for found in pair.effects if found.gain is not None]
    units = [unit for unit in UNITS if any(found.unit == unit for found in drawn)]
    return [
        _forest(pair, [found for found in drawn if found.unit == unit], unit, f"{name}-{place}")
        for place, unit in enumerate(units)
    ]


def _forest(pair: Pair, shown: Sequence[Effect], unit: str, name: str) -> Drawing:
    limit = 1.08 * max(_reach(found) for found in shown) or 1.0  # nothing differs
    cut = any((found.high or 0.0) > limit for found in shown)
    figure, axes = panel(height=64 + ROW * len(shown), left=186, top=10, right=56 if cut else 14)
    axes.set_xlim(-limit, limit)
    axes.axvline(0, color=FAINT, lw=1.2)
    for place, found in enumerate(shown):
        colour = COLOURS[found.verdict]
        if found.detectable is not None:
            _detectable(axes, place + 0.3, found.detectable, limit)
        if found.low is not None and found.high is not None:
            marks.interval(axes, place, (found.low, found.high), colour)
        axes.plot([found.gain or 0.0], [place], "o", color=colour, ms=7, mew=0)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_yticks(range(len(shown)), [metric_name(found.metric).title for found in shown])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(FuncFormatter(plain))
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(f"← worse\u2003\u2003{UNITS[unit]}\u2003\u2003better →")
    return Drawing(
        name=name,
        title=f"{pair.variant} against {pair.baseline}, {UNITS[unit]}",
        caption="Dot: the gain. Bar: its 95 % interval. Thin line: true gains that these seeds "
        "would miss in more than one of five repetitions. Arrows: it goes on beyond the axis.",
        figure=figure,
        table=Table(
            ("Metric", "Gain", "Low", "High", "Detectable", "P(better)", "In words"),
            tuple(
                (
                    metric_name(found.metric).title,
                    *(formats.number(value, 3) for value in (found.gain, found.low, found.high, found.detectable)),
                    formats.number(found.probability, 2),
                    found.words,
                )
                for found in shown
            ),
        ),
    )


def _detectable(axes: Axes, place: float, size: float, limit: float) -> None:
    """What the seeds could have shown, both ways from zero."""
    axes.plot([-size, size], [place] * 2, color=FAINT, lw=1.5, marker="|", ms=5)
    if size > limit:
        axes.plot([-limit], [place], "<", [limit], [place], ">", color=FAINT, ms=5, clip_on=False)


def _reach(found: Effect) -> float:
    """How far an effect reaches from zero; an interval many times wider than the gain does not set the scale."""
    gain = abs(found.gain or 0.0)
    ends = [abs(end) for end in (found.low, found.high, found.detectable) if end is not None]
    return max([gain, *(min(end, 4 * gain + 10) for end in ends), 1e-9])

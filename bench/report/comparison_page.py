"""The page of a comparison: a variant against baselines, effect by effect, with their samples side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import formats
from bench.boards.metric_names import metric_name
from bench.boards.statistics import mean
from bench.boards.verdicts.compare import Comparison, Pair
from bench.records.record import Record
from bench.report import gallery, links, page, pictures
from bench.report.figures import forest
from bench.report.shown import InlineFigure, show
from bench.report.theme import house_style

PICTURES = 6_000_000


@dataclass(frozen=True)
class Line:
    """One metric of a pair, in words and numbers."""

    metric: str
    verdict: str
    words: str
    variant: str
    baseline: str
    probability: str
    detectable: str
    seeds: str


@dataclass(frozen=True)
class Section:
    """One pair."""

    pair: Pair
    lines: tuple[Line, ...]
    figures: tuple[InlineFigure, ...]


def build(comparison: Comparison, records: Sequence[Record], results: Path, target: Path) -> str:
    """The page as HTML; `records` are the suite's, `target` is where the page will stand."""
    members = list(dict.fromkeys([comparison.pairs[0].variant, *(pair.baseline for pair in comparison.pairs)]))
    mine = [r for r in records if r.protocol_digest == comparison.protocol_digest and r.member.label in members]
    found = pictures.within(pictures.pictures_of(results, gallery.chosen(mine)), PICTURES)
    with house_style():
        sections = [
            Section(
                pair,
                tuple(_line(pair, place) for place in range(len(pair.effects))),
                show(forest.effects(pair, f"pair-{n}")),
            )
            for n, pair in enumerate(comparison.pairs)
        ]
    return page.render(
        "comparison.html",
        comparison=comparison,
        ranking=metric_name(comparison.ranking),
        sections=sections,
        walls=gallery.walls(
            found, {member: place for place, member in enumerate(members)}, {}, folder=links.relative(results, target)
        ),
        home=links.relative(target.parent / f"{links.slug(comparison.suite)}.html", target),
    )


def file_name(comparison: Comparison) -> str:
    """``<suite>.<variant>-against-<baseline>.html``."""
    others = "-and-".join(links.slug(pair.baseline) for pair in comparison.pairs)
    return (
        links.slug(f"{links.slug(comparison.suite)}.{links.slug(comparison.pairs[0].variant)}-against-{others}")
        + ".html"
    )


def _line(pair: Pair, place: int) -> Line:
    found = pair.effects[place]
    unit = {"%": " %", "points": " points", "": ""}[found.unit]
    return Line(
        metric=metric_name(found.metric).title,
        verdict=found.verdict,
        words=found.words,
        variant=formats.number(mean(found.variant)) if found.variant else formats.NONE,
        baseline=formats.number(mean(found.baseline)) if found.baseline else formats.NONE,
        probability=formats.number(found.probability, 2),
        detectable=formats.NONE if found.detectable is None else f"{formats.number(found.detectable, 2)}{unit}",
        seeds=f"{len(found.variant)} / {len(found.baseline)}",
    )

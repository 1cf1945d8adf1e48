"""The page of one suite: verdict, leaderboard, figures, pictures, runs and provenance."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench import formats
from bench.boards import citation, headline, text, trust
from bench.boards.caveats import caveats
from bench.boards.columns import columns
from bench.boards.metric_names import metric_name
from bench.boards.rows import Board
from bench.boards.short_names import shared_words, short_names, shortened
from bench.records.record import Record
from bench.report import csv_data, extent, gallery, leaderboard, links, page, pictures, provenance
from bench.report.figures import diagnostics, distances, dots
from bench.report.figures import suite as suite_figures
from bench.report.figures.drawing import Drawing
from bench.report.shown import InlineFigure, show
from bench.report.theme import Look, house_style, looks

CHIEF = (
    "rank",
    "member",
    "score_last",
    "score_best",
    "runs_ok",
    "train_seconds",
    "parameters",
    "flagged",
)  # columns shown at first
REAL = "real"  # the calibration row of held-out images
PICTURES = 2_400_000  # bytes of base64 in one page: with all else below 4 MB
LEADERS, MOST = 2, 6_000_000  # so many rows keep all their pictures, up to so many bytes


@dataclass(frozen=True)
class Fact:
    """One number at the top of the page."""

    value: str
    name: str
    bad: bool = False


@dataclass(frozen=True)
class TrainingDiagnostics:
    """The diagnostics of one member."""

    index: int
    member: str
    flags: tuple[diagnostics.Flag, ...]
    figures: tuple[InlineFigure, ...]


def build(
    board: Board, records: Sequence[Record], trainings: Sequence[TrainingDiagnostics], results: Path, target: Path
) -> str:
    """The page as HTML; `records` are all of the suite's, `target` is where the page will stand."""
    current = current_of(board, records)
    members = member_looks(board)
    places = {member: look.index for member, look in members.items()}
    pages = {record.member.label: member_page(board.suite, record.member.label) for record in current}
    few = extent.records_of(current, board)
    first = sorted(gallery.chosen(few), key=lambda record: places[record.member.label])  # bytes go to the best
    base = links.relative(results, target)
    walls = _walls(board, pictures.pictures_of(results, first), places, pages, base)
    return page.render(
        "suite.html",
        board=board,
        facts=facts(board, records),
        made=provenance.made(current),
        specimens=gallery.specimens(walls, _first(board, places)),
        looks=members,
        pages=pages,
        thumbs=gallery.thumbs(walls),
        flagged=[training for training in trainings if training.flags],
        warning_rules=diagnostics.RULES,
        walls=walls,
        gone_sizes=pictures.data_problems(results, few, pictures.SIZES),
        gone_distances=pictures.data_problems(results, first, pictures.DISTANCES),
        runs=provenance.runs(board, current, places, base),
        protocol=provenance.flat(board.protocol),
        machines=provenance.machines(current),
        scores_csv=csv_data.href(board),
        history=f"{links.slug(board.suite)}.history.html",
        citation=citation.text(board),
        bibtex=citation.bibtex(board),
        **_leaderboard(board, places),
        **_figures(board, few, first, results),
    )


def _walls(
    board: Board, found: Sequence[pictures.Picture], places: Mapping[str, int], pages: Mapping[str, str], base: str
) -> tuple[gallery.Gallery, ...]:
    """The pictures that a page has room for, under the names that the board shows; `base` leads to the results."""
    leaders = [member for member, place in places.items() if place < LEADERS]
    names = short_names(board)
    shown = pictures.within(found, PICTURES, leaders, MOST)
    return gallery.walls(
        [replace(picture, member=names[picture.member]) for picture in shown],
        {names[member]: place for member, place in places.items()},
        {names[member]: link for member, link in pages.items()},
        folder=base,
    )


def _first(board: Board, places: Mapping[str, int]) -> list[tuple[int, str, str]]:
    """Whose samples stand on the first screen: the first two rows that are ranked, or what there is, and real images."""
    rows = (board.of("ranked") or board.of("flagged", "incomplete"))[:2]
    names = short_names(board)
    found = [(places[row.member], names[row.member], headline.score(board, row)) for row in rows]
    return found + [
        (places[row.member], "Real images", "held out") for row in board.of("calibration") if row.member == REAL
    ]


def _leaderboard(board: Board, places: Mapping[str, int]) -> dict[str, Any]:
    """What the page says of the rows."""
    shown = columns(board)
    said = shortened(board)
    return {
        "ranking": metric_name(board.ranking),
        "verdict": headline.verdict(said),
        "cost": headline.cost(said),
        "caveats": caveats(said),
        "rules": text.rules(said),
        "notes": (*trust.flag_lines(said), *said.notes),
        "shared": shared_words(board),
        "names": short_names(board),
        "columns": shown,
        "chief": CHIEF,
        "groups": leaderboard.groups(board, shown, places),
        "published": leaderboard.published(board),
        "tracks": sorted({row.track for row in board.rows}),
    }


def _figures(board: Board, few: Sequence[Record], first: Sequence[Record], results: Path) -> dict[str, Any]:
    """What is drawn of the members that are: `few` are all their records, `first` one of each."""
    members = extent.looks_of(member_looks(board), board)
    with house_style():
        drawn = suite_figures.draw(extent.drawn(board), few, members, results)
        return {
            "extent": extent.note(board),
            "drawn_looks": members,
            "leaders": show(drawing for drawing in [dots.leaders(board, members)] if drawing),
            "overview": show(drawn.overview),
            "cells": show(drawn.cells),
            "planes": show(drawn.planes),
            "seeds": show(drawn.seeds),
            "curve_pairs": tuple(show(pair) for pair in drawn.curves),
            "copies": show(nearest(distances.read(results, first), members)),
        }


def current_of(board: Board, records: Sequence[Record]) -> list[Record]:
    """The records of the board's protocol."""
    return [record for record in records if record.protocol_digest == board.protocol_digest]


def member_page(suite: str, member: str) -> str:
    """Where a member's page stands, from the suite's."""
    return f"{links.slug(suite)}/{links.slug(member)}.html"


def member_looks(board: Board) -> dict[str, Look]:
    """One look per member, by its place on the board; calibration rows are context."""
    rows = [row.member for row in board.rows if row.kind != "calibration"]
    named = list(dict.fromkeys(rows))
    every = [*named, *(row.member for row in board.of("calibration") if row.member not in named)]
    return looks(every, len(named), short_names(board))


def trainings_of(board: Board, records: Sequence[Record]) -> tuple[TrainingDiagnostics, ...]:
    """The diagnostics of every member, as the board orders them."""
    groups: dict[str, list[Record]] = {}
    for record in sorted(current_of(board, records), key=lambda record: (record.seed, record.job)):
        groups.setdefault(record.member.label, []).append(record)
    drawn = extent.looks_of(member_looks(board), board)
    with house_style():
        return tuple(
            _training(look.index, member, groups[member], member in drawn)
            for member, look in member_looks(board).items()
            if member in groups
        )


def _training(index: int, member: str, records: Sequence[Record], drawn: bool) -> TrainingDiagnostics:
    drawing = diagnostics.training(member, records, f"training-{index}") if drawn else None
    flags = tuple(flag for record in records for flag in diagnostics.flags(record))
    return TrainingDiagnostics(index, member, flags, show([drawing] if drawing else []))


def nearest(found: Mapping[str, Mapping[str, distances.Groups]], members: Mapping[str, Look]) -> list[Drawing]:
    """The distance distributions, one drawing per space."""
    drawn = [distances.nearest(space, found[space], members) for space in found]
    return [drawing for drawing in drawn if drawing]


def facts(board: Board, records: Sequence[Record]) -> tuple[Fact, ...]:
    """What was run: members, seeds, and how the cells ended."""
    shown = board.of("ranked", "flagged", "incomplete")
    cells = Counter({"ok": 0})
    for row in shown:
        cells.update(row.statuses)
    stale = sum(record.protocol_digest != board.protocol_digest for record in records)
    stale += sum(sum(row.statuses.values()) for row in board.of("superseded"))
    seeds = {seed for row in shown for seed in row.seeds}
    total = sum(cells.values())
    return (
        Fact(str(len(shown)), "member" if len(shown) == 1 else "members"),
        Fact(str(len(seeds)), "seed" if len(seeds) == 1 else "seeds"),
        Fact(f"{cells['ok']}/{total}", "runs ok"),
        *(Fact(str(cells[name]), name, bad=True) for name in ("diverged", "out-of-memory") if cells[name]),
        *(Fact(str(count), "flagged", bad=True) for count in [len(board.of("flagged"))] if count),
        *(Fact(str(cells[name]), name, bad=True) for name in ("failed", "missing") if cells[name]),
        *(Fact(str(count), "stale", bad=True) for count in [stale] if count),
        *_budget(board),
    )


def _budget(board: Board) -> list[Fact]:
    training, evaluation = board.protocol.get("training", {}), board.protocol.get("evaluation", {})
    found: list[Fact] = []
    if isinstance(images := training.get("images"), int):
        found.append(Fact(formats.count(images), "images seen"))
    if isinstance(flops := training.get("flops"), float):
        found.append(Fact(f"{flops:.3g}", "training FLOPs"))
    if isinstance(samples := evaluation.get("samples"), int):
        found.append(Fact(formats.count(samples), "samples scored"))
    return found

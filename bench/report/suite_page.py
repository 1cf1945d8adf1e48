"""The page of one suite: verdict, leaderboard, figures, pictures, runs and provenance."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from bench import tables
from bench.board import Board
from bench.record import Record
from bench.report import gallery, leaderboard, links, page, pictures, provenance
from bench.report.figures import curves, dots
from bench.report.figures.drawing import Drawing, Table
from bench.report.frames import curve_frame, in_order, metric_name
from bench.report.svg import inline
from bench.report.theme import Look, house_style, looks

PICTURES = 7_000_000  # bytes of pictures in base64 on one page; the rest of a page stays well below 3 MB


@dataclass(frozen=True)
class Shown:
    """A drawing inside a page."""

    id: str
    title: str
    caption: str
    svg: Markup
    table: Table


@dataclass(frozen=True)
class Fact:
    """One number at the top of the page."""

    value: str
    name: str
    bad: bool = False


def build(board: Board, records: Sequence[Record], results: Path, target: Path) -> str:
    """The page as HTML; `records` are all of the suite's, `target` is where the page will stand."""
    current = [record for record in records if record.protocol_digest == board.protocol_digest]
    members = member_looks(board)
    order = {member: look.index for member, look in members.items()}
    pages = {member: f"{links.slug(board.suite)}/{links.slug(member)}.html" for member in _run(current)}
    found = pictures.pictures_of(results, gallery.chosen(current))
    walls = gallery.walls(pictures.within(found, PICTURES), order, pages)
    with house_style():
        main, curve_pairs, more = figures(board, current, members)
    return page.render(
        "suite.html",
        board=board,
        ranking=metric_name(board.ranking),
        facts=facts(board, records),
        verdict=leaderboard.verdict(board),
        heads=leaderboard.heads(board),
        groups=leaderboard.groups(board),
        looks=members,
        pages=pages,
        thumbs=gallery.thumbs(walls),
        main=main,
        curve_pairs=curve_pairs,
        more=more,
        walls=walls,
        runs=provenance.runs(board, current, links.relative(results, target)),
        protocol=provenance.flat(board.protocol),
        machines=provenance.machines(current),
    )


def member_looks(board: Board) -> dict[str, Look]:
    """One look per member, by its place on the board; calibration rows are context."""
    return looks(list(dict.fromkeys(row.member for row in board.rows)))


def show(drawings: Iterable[Drawing | None]) -> tuple[Shown, ...]:
    """The drawings as inline SVG."""
    return tuple(
        Shown(
            id,
            drawing.title,
            drawing.caption,
            inline(drawing.figure, id, drawing.title, drawing.caption),
            drawing.table,
        )
        for drawing in drawings
        if drawing is not None
        for id in [links.slug(drawing.name).replace(".", "-")]
    )


def figures(
    board: Board, records: Sequence[Record], members: Mapping[str, Look]
) -> tuple[tuple[Shown, ...], tuple[tuple[Shown, ...], ...], tuple[Shown, ...]]:
    """The leading figures, a pair of curves per metric, and the seeds of every other metric."""
    frame = curve_frame(records)
    selection = board.protocol.get("evaluation", {}).get("selection", "")
    scored = {key for record in records for point in record.curve for key in point.scores}
    keys = in_order(scored, [selection, *(f"{column.metric}:held-out" for column in board.columns)])
    pairs = [show(curves.curve(frame, members, key, against) for against in ("images", "seconds")) for key in keys]
    main = show([dots.seeds(board, members, board.ranking)])
    more = show(dots.seeds(board, members, column.metric) for column in board.columns if column.metric != board.ranking)
    return main, tuple(pair for pair in pairs if pair), more


def facts(board: Board, records: Sequence[Record]) -> tuple[Fact, ...]:
    """What was run: members, seeds, and how the cells ended."""
    shown = board.of("ranked", "incomplete")
    cells = Counter({"ok": 0})
    for row in shown:
        cells.update(row.statuses)
    stale = sum(record.protocol_digest != board.protocol_digest for record in records)
    stale += sum(sum(row.statuses.values()) for row in board.of("superseded"))
    seeds = {seed for row in shown for seed in row.seeds}
    total = sum(cells.values())
    found = [
        Fact(str(len(shown)), "member" if len(shown) == 1 else "members"),
        Fact(str(len(seeds)), "seed" if len(seeds) == 1 else "seeds"),
        Fact(f"{cells['ok']}/{total}", "runs ok"),
        *(Fact(str(cells[name]), name, bad=True) for name in ("diverged", "failed", "out-of-memory") if cells[name]),
        Fact(str(cells["missing"]), "missing", bad=bool(cells["missing"])),
        Fact(str(stale), "stale", bad=bool(stale)),
    ]
    return (*found, *_budget(board))


def _budget(board: Board) -> list[Fact]:
    training = board.protocol.get("training", {})
    evaluation = board.protocol.get("evaluation", {})
    found: list[Fact] = []
    if isinstance(images := training.get("images"), int):
        found.append(Fact(tables.count(images), "training images"))
    if isinstance(samples := evaluation.get("samples"), int):
        found.append(Fact(tables.count(samples), "samples scored"))
    return found


def _run(records: Sequence[Record]) -> list[str]:
    return sorted({record.member.name for record in records})

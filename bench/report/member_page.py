"""The page of one member in one suite: every score, its training beside the others', every picture, every run."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench import formats
from bench.boards.columns import interval
from bench.boards.metric_names import metric_name
from bench.boards.ranks import RANK_RULE
from bench.boards.rows import CHECKPOINTS, RANKED, Board, Row
from bench.boards.text import TITLES
from bench.records.record import Record
from bench.report import cards, extent, gallery, links, page, pictures, provenance
from bench.report.figures import curves
from bench.report.figures.drawing import Drawing, Table
from bench.report.frames import Line
from bench.report.shown import show
from bench.report.suite_page import TrainingDiagnostics
from bench.report.theme import house_style, looks


def build(
    board: Board,
    mine: Sequence[Record],
    training: TrainingDiagnostics,
    lines: Mapping[str, Line],
    results: Path,
    target: Path,
) -> str:
    """The page as HTML; `mine` are the member's records under the board's protocol, `lines` the curves of the selection
    metric of the members that are drawn, `target` is where the page will stand.
    """
    member = training.member
    row = next(row for row in board.rows if row.member == member)
    shown = mine if member in lines or not extent.note(board) else gallery.chosen(mine)
    found = pictures.within(pictures.pictures_of(results, shown), extent.pictures_in_a_page(board))
    with house_style():
        figures = show(_figures(board, lines, member) if member in lines else [])
    return page.render(
        "member.html",
        board=board,
        ranking=metric_name(board.ranking),
        row=row,
        member=member,
        standing=standing(board, row),
        card=cards.card(mine[-1].member),
        home=links.relative(target.parent.parent / f"{links.slug(board.suite)}.html", target),
        index=links.relative(target.parent.parent / "index.html", target),
        search=links.relative(target.parent.parent / "search.html", target),
        scores=scores(board, row),
        figures=figures,
        training=training,
        left_out=extent.note(board) if member not in lines else "",
        walls=gallery.walls(found, {member: 0}, {}, folder=links.relative(results, target)),
        failures=[(record, provenance.reason(record)) for record in mine if record.failure],
        runs=provenance.runs(board, mine, {member: 0}, links.relative(results, target)),
        phases=phases(mine),
        machines=provenance.machines(mine),
    )


def standing(board: Board, row: Row) -> str:
    """Where the member stands, in a sentence."""
    cell = row.cells.get((board.ranking, RANKED))
    score = f"{metric_name(board.ranking).short} {interval(cell)}" if cell else "no score"
    if row.kind == "ranked":
        return f"Rank {row.ranks} of {len(board.of('ranked'))} members: {score}. {RANK_RULE}"
    if row.warnings:
        return f"Not ranked: {'; '.join(row.warnings)}. {score[:1].upper()}{score[1:]}."
    if row.kind == "incomplete":
        return f"Not ranked ({'; '.join(row.gaps)}): {score}."
    return f"{TITLES[row.kind].partition(':')[0]}: {score}."


def scores(board: Board, row: Row) -> Table:
    """Every metric at both checkpoints: mean, interval, spread over training and sample seeds, every seed's value."""
    lines: list[tuple[str, ...]] = []
    for column in board.columns:
        for checkpoint in CHECKPOINTS:
            if cell := row.cells.get((column.metric, checkpoint)):
                raw = ", ".join(
                    f"{seed}: {formats.number(value)}" for seed, value in zip(cell.seeds, cell.values, strict=True)
                )
                lines.append(
                    (
                        f"{metric_name(column.metric).title} {'↓' if column.better == 'lower' else '↑'}",
                        checkpoint,
                        interval(cell),
                        formats.number(cell.summary.sd, 2),
                        formats.number(cell.components.sample_sd, 2),
                        raw,
                        "; ".join(cell.flags) or formats.NONE,
                    )
                )
    header = (
        "Metric",
        "Checkpoint",
        "Mean [95 % interval]",
        "SD, training seeds",
        "SD, sample seeds",
        "Seed: value",
        "Flags",
    )
    return Table(header, tuple(lines))


def phases(records: Sequence[Record]) -> Table:
    """Where the time went, and how large the member is."""
    names = sorted({name for record in records for name in record.seconds})
    players = sorted({name for record in records for name in record.parameters})
    rows = tuple(
        (
            str(record.seed),
            *(formats.duration(record.seconds.get(name)) for name in names),
            f"{record.steps:,}",
            *(f"{record.updates.get(name, 0):,}" for name in players),
            f"{record.peak_memory_bytes / 2**20:.0f} MiB" if record.peak_memory_bytes is not None else formats.NONE,
            *(formats.count(record.parameters.get(name, 0)) for name in players),
        )
        for record in records
    )
    updates = (f"{name} updates" for name in players)
    sizes = (f"{name} parameters" for name in players)
    return Table(("Seed", *(f"{name} time" for name in names), "Steps", *updates, "Peak memory", *sizes), rows)


def selection_of(board: Board) -> str:
    """The metric on the curve that chooses the best checkpoint."""
    return str(board.protocol.get("evaluation", {}).get("selection", board.ranking))


def _figures(board: Board, lines: Mapping[str, Line], member: str) -> list[Drawing]:
    """The curves of the selection metric, this member in colour and others in grey."""
    others = [name for name in dict.fromkeys(row.member for row in board.rows) if name != member and name in lines]
    alone = looks([member, *others[: extent.CONTEXT]], 1)
    drawn = [curves.drawing(lines, alone, selection_of(board), against) for against in ("images", "seconds")]
    return [drawing for drawing in drawn if drawing]

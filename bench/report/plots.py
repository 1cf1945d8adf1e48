"""Figures as files for papers: the drawings of the page, in their own colours on white or on nothing."""

import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from bench.boards.rows import Board
from bench.records.record import Record
from bench.report import links, suite_page
from bench.report.figures import suite as suite_figures
from bench.report.figures.drawing import Drawing
from bench.report.theme import house_style

Format = Literal["png", "pdf", "svg"]
FORMATS: tuple[Format, ...] = ("png", "pdf", "svg")
DPI = 300
METADATA = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
}


def drawings(board: Board, records: Sequence[Record], results: Path) -> tuple[Drawing, ...]:
    """Every figure of a suite, of all its members; `results` is the folder of the records."""
    current = suite_page.current_of(board, records)
    with house_style():
        return suite_figures.draw(board, current, suite_page.member_looks(board), results).every()


def files(board: Board, records: Sequence[Record], results: Path, format: Format) -> dict[str, bytes]:
    """The same encoded, by file name."""
    drawn = drawings(board, records, results)
    with house_style():
        return {file_name(board.suite, drawing, format): encode(drawing, format) for drawing in drawn}


def file_name(suite: str, drawing: Drawing, format: Format) -> str:
    """``<suite>-<figure>.<format>``."""
    return f"{links.slug(suite)}-{links.slug(drawing.name.replace('@', '-').replace(':', '-'))}.{format}"


def encode(drawing: Drawing, format: Format) -> bytes:
    """The bytes of one figure, without dates."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        facecolor = "white" if format == "png" else "none"
        drawing.figure.savefig(buffer, format=format, dpi=DPI, metadata=METADATA[format], facecolor=facecolor)
    return buffer.getvalue()

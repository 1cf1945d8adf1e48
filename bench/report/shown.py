"""Drawings as they stand inside a page."""

from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from bench.report import csv_data, links
from bench.report.figures.drawing import Drawing, Table
from bench.report.svg import inline


@dataclass(frozen=True)
class InlineFigure:
    """A drawing inside a page."""

    id: str
    title: str
    caption: str
    svg: Markup
    table: Table

    @property
    def csv(self) -> str:
        """The table as text: one element of the page however many numbers there are."""
        return csv_data.of_table(self.table.header, self.table.rows)

    @property
    def file(self) -> str:
        """The name, without its ending, of a file that is saved from the page."""
        return self.id.removeprefix("fig-")


def show(drawings: Iterable[Drawing]) -> tuple[InlineFigure, ...]:
    """The drawings as inline SVG, each with an id made from its name."""
    return tuple(_show(drawing, "fig-" + links.slug(drawing.name).replace(".", "-")) for drawing in drawings)


def _show(drawing: Drawing, id: str) -> InlineFigure:
    return InlineFigure(
        id, drawing.title, drawing.caption, inline(drawing.figure, id, drawing.title, drawing.caption), drawing.table
    )

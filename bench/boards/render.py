"""A board as text for people and programs, and whether what is committed is what the records give."""

from typing import Literal

from bench.boards import board_json, headline, latex, published, text
from bench.boards.rows import Board
from bench.boards.short_names import shared_words, shortened

Format = Literal["md", "csv", "json", "latex"]
FORMATS: tuple[Format, ...] = ("md", "csv", "json")  # that a report writes beside each page


def render(board: Board, format: Format) -> str:
    """The board as text: ``md`` for people, with published rows; ``csv`` with a line per seed; ``json`` with everything;
    ``latex`` for papers.
    """
    if format == "md":
        said = shortened(board)
        return text.markdown(said, headline.verdict(said), published.lines(board), shared_words(board))
    return {"csv": text.as_csv, "json": board_json.write, "latex": latex.render}[format](board)

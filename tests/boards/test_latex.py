"""Boards for papers: what LaTeX would read, taken apart again and held against the board."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from bench.boards import board, citation, latex, render
from bench.boards.rows import Board
from bench.records.record import Record

Make = Callable[..., Record]
FID, RECALL = "fid@digits-cnn", "recall@digits-cnn"


@pytest.fixture
def built(make_record: Make) -> Board:
    return board.build(
        [
            make_record(name, seed, {FID: level + seed / 10, RECALL: 1 / level})
            for name, level in (("first", 10.0), ("second_&", 20.0))
            for seed in (0, 1, 2)
        ]
    )


def rows(text: str) -> list[list[str]]:
    """The cells of every row of the tables, as LaTeX splits them."""
    lines = [line.removesuffix(r" \\") for line in text.splitlines() if line.endswith(r" \\") and "&" in line]
    return [re.split(r"(?<!\\)&", line) for line in lines]


def test_every_row_has_as_many_cells_as_its_table_has_columns(built: Board) -> None:
    text = render.render(built, "latex")
    for table in text.split(r"\begin{table}")[1:]:
        columns = re.search(r"\\begin\{tabular\}\{([lr]+)\}", table)
        assert columns
        assert {len(row) for row in rows(table)} == {len(columns[1])}
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 2


def test_names_are_escaped_and_the_best_mean_is_bold(built: Board) -> None:
    text = render.render(built, "latex")
    assert r"second\_\&" in text
    assert re.search(r"1 & first & \\textbf\{10\.10 \{\[\}", text)
    assert not re.search(r"second.*?textbf", text)


def test_the_source_of_the_numbers_is_a_comment(built: Board) -> None:
    assert render.render(built, "latex").splitlines()[0] == f"% {citation.text(built)}"


@pytest.mark.parametrize("text", ["a\nb", "\\input{x}", "50%", "$x$", "x^2_{3}", "#1", "~"])
def test_nothing_in_a_name_is_a_command(text: str) -> None:
    safe = latex.escape(text)
    assert "\n" not in safe
    known = r"\\(textbackslash|textasciitilde|textasciicircum)\{\}|\\[&%$#_{}]"
    assert not re.search(r"[\\%$#^~&_]", re.sub(known, "", safe))


def test_a_citation_names_suite_protocol_commit_and_day(built: Board) -> None:
    row = replace(built.rows[0], revisions=("0123456789abcdef",), finished="2026-11-22")
    found = replace(built, rows=(row, replace(built.rows[1], revisions=(), finished="2026-11-20")))
    words = citation.text(found)
    assert words == (
        f"GAN Bench, suite {built.suite} {built.suite_version}, protocol {built.protocol_digest[:16]}, "
        "commit 0123456789, results of 2026-11-22."
    )
    entry = citation.bibtex(found)
    assert "year = {2026}" in entry
    assert entry.count("{") == entry.count("}")


def test_a_board_without_a_checkout_cites_none(built: Board) -> None:
    bare = replace(built, rows=tuple(replace(row, revisions=(), finished="") for row in built.rows))
    assert "commit" not in citation.text(bare)
    assert "year" not in citation.bibtex(bare)

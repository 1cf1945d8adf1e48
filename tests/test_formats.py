"""Text from records in every place where it is shown: nothing in it is obeyed."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bench.formats import escape, grid, plain, spreadsheet

HOSTILE = [
    "[a](http://evil.example)", "![a](http://evil.example/x.png)", "a\\|b", "a|b", "<img src=x onerror=alert(1)>",
    "`code`", "*bold* _it_ ~~gone~~", "\x1b[31mred\x1b[0m", "a\n::error::boom", "::set-output name=a::b", "##[error]x",
    "##vso[task.setvariable]x", "##teamcity[x]", "a\r\nb", "\u202eright to left", "# head", "- item", "\u2028a", "\ud800",
    "www.evil.example", "https://evil.example",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_a_line_for_a_terminal_or_a_log(text: str) -> None:
    line = plain(text)
    assert line.isprintable()
    assert "::" not in line
    assert not re.search(r"##\w*\[", line)
    line.encode()


@pytest.mark.parametrize("text", HOSTILE)
def test_a_cell_of_markdown(text: str) -> None:
    cell = escape(text)
    assert not re.search(r"[|`<>\[\]\\*~\n]", cell)
    assert "://" not in cell
    assert "www." not in cell
    (row,) = grid(["a", "b"], [[cell, "x"]])[2:3]
    assert row.count("|") == 3


def test_usual_names_stay_readable() -> None:
    for name in ("my_gan", "dcgan-spectral-norm", "fid@digits-cnn:held-out", "été", "wgan 2.0"):
        assert plain(name) == escape(name) == spreadsheet(name) == name


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =cmd|' /C calc'!A0"])
def test_a_cell_of_a_spreadsheet_is_no_formula(text: str) -> None:
    cell = spreadsheet(text)
    assert isinstance(cell, str)
    assert cell.startswith("'")


def test_numbers_stay_numbers() -> None:
    assert [spreadsheet(value) for value in (-1.5, 3, None)] == [-1.5, 3, ""]


@given(some.text())
def test_whatever_the_text(text: str) -> None:
    assert plain(text).isprintable()
    assert plain(plain(text)) == plain(text)
    assert not set("|`<>[]\\*~\n\r") & set(escape(text))
    buffer = io.StringIO()
    csv.writer(buffer).writerow([spreadsheet(text)])
    assert not buffer.getvalue().lstrip('"').lstrip().startswith(("=", "+", "-", "@"))

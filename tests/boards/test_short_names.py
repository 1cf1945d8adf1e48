"""Names without what all members share: shorter, different from each other, and never in what programs read."""

from collections.abc import Callable, Sequence

import pytest

from bench.boards import board, headline, render
from bench.boards.rows import Board
from bench.boards.short_names import said, shared, shared_words, short_names, shortened
from bench.records.record import Record

Make = Callable[..., Record]


@pytest.fixture
def built(make_record: Make) -> Callable[[Sequence[str]], Board]:
    def build(names: Sequence[str]) -> Board:
        records = [
            make_record(name, seed, {"fid@digits-cnn": 10.0 + place + seed / 10})
            for place, name in enumerate(names)
            for seed in (0, 1)
        ]
        return board.build(records)

    return build


Build = Callable[[Sequence[str]], Board]


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["a(lr=1,width=8)", "b(lr=1,width=8)"], ["a", "b"]),
        (["a(lr=1,width=8)", "b(lr=1,width=16)"], ["a(width=8)", "b(width=16)"]),
        (["a(lr=1)", "a(lr=2)"], ["a(lr=1)", "a(lr=2)"]),
        (["a(lr=1)", "b"], ["a(lr=1)", "b"]),  # not all have it
        (["a(lr=1)"], ["a(lr=1)"]),  # one member shares nothing with others
        (["a", "b"], ["a", "b"]),
    ],
)
def test_names(built: Build, names: list[str], short: list[str]) -> None:
    assert list(short_names(built(names)).values()) == short


def test_what_is_shared_is_said_once(built: Build) -> None:
    found = built(["b(lr=0.5,width=8)", "a(lr=0.5,width=8)"])
    assert shared(found) == {"lr": "0.5", "width": "8"}
    assert shared_words(found) == "All members: lr=0.5, width=8."
    text = render.render(found, "md")
    assert text.count("width=8") == 1
    assert "All members: lr=0.5, width=8." in text
    assert headline.verdict(shortened(found)).startswith("b ")


def test_programs_read_whole_names(built: Build) -> None:
    found = built(["b(lr=0.5)", "a(lr=0.5)"])
    assert render.render(found, "csv").count("b(lr=0.5)") == 4
    assert '"b(lr=0.5)"' in render.render(found, "json")
    assert shared_words(built(["a", "b"])) == ""


def test_a_name_inside_another_is_not_cut() -> None:
    names = {"a(x=1)": "a", "da(x=1)": "da", "c": "c"}
    assert said("da(x=1) beats a(x=1) and c", names) == "da beats a and c"


def test_names_that_only_look_like_parameters_stay(built: Build) -> None:
    names = ["<b onload=alert(1)>", "x(y", "a(1)"]
    assert list(short_names(_relabelled(built(["a", "b", "c"]), names)).values()) == names


def test_an_author_stays_behind_the_name(built: Build) -> None:
    found = _relabelled(built(["a", "b"]), ["a(lr=1) (ann)", "a(lr=1) (ben)"])
    assert list(short_names(found).values()) == ["a (ann)", "a (ben)"]


def test_names_that_would_be_the_same_stay_whole(built: Build) -> None:
    found = _relabelled(built(["a", "b"]), ["a(lr=1)", "a (lr=1)"])
    assert len(set(short_names(found).values())) == 2


def _relabelled(found: Board, names: Sequence[str]) -> Board:
    from dataclasses import replace

    rows = tuple(replace(row, member=name) for row, name in zip(found.rows, names, strict=True))
    return replace(found, rows=rows)

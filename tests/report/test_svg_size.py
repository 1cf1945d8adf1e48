"""Fewer elements, the same picture: what is written is compared with what it stood for."""

import re
from xml.etree import ElementTree

import pytest

from bench.report.svg_size import TOKEN, shrink, write


def shrunk(inner: str) -> ElementTree.Element:
    root = ElementTree.fromstring(f"<svg>{inner}</svg>")
    shrink(root)
    return root


def corners(d: str) -> list[list[tuple[float, float]]]:
    """The corners of every piece of a path of M, L, H, V and z, in absolute coordinates."""
    pieces: list[list[tuple[float, float]]] = []
    for command, values in re.findall(r"([MLHVz])([-\d. ]*)", d):
        numbers = [float(one) for one in values.split()]
        if command == "M":
            pieces.append([(numbers[0], numbers[1])])
        elif command != "z":
            x, y = pieces[-1][-1]
            x = numbers[0] if command in "LH" else x
            y = numbers[-1] if command in "LV" else y
            pieces[-1].append((x, y))
    return pieces


def test_a_path_in_few_characters_has_the_same_corners() -> None:
    long = "M 0 1  L 5 1  L 5 9.5  L -2 -3  z M 7 7  L 8 8"
    short = write(TOKEN.findall(long))
    assert short == "M0 1H5V9.5L-2 -3zM7 7L8 8"
    assert corners(short) == [[(0, 1), (5, 1), (5, 9.5), (-2, -3)], [(7, 7), (8, 8)]]


SQUARE = '<defs><path id="s" d="M -1 -2 L 1 -2 L 1 2 z" class="f-s1" stroke-width="2"/></defs>'


def test_the_marks_of_a_series_are_one_path_that_knows_where_they_stand() -> None:
    root = shrunk(
        f'<g data-member="4">{SQUARE}<g clip-path="url(#c)"><use href="#s" x="10" y="20" class="f-s0 s-s3"/>'
        '<use href="#s" x="30.5" y="40" class="f-s0 s-s3"/></g></g>'
    )
    (path,) = root
    assert corners(path.attrib["d"]) == [[(9, 18), (11, 18), (11, 22)], [(29.5, 38), (31.5, 38), (31.5, 42)]]
    assert path.get("data-at") == "10 20 30.5 40"
    assert path.get("data-member") == "4"
    assert path.get("clip-path") == "url(#c)"
    assert path.get("class") == "f-s1 s-s3"  # the shape's own fill goes before the reference's
    assert path.get("stroke-width") == "2"


def test_a_round_mark_is_a_circle_around_its_place() -> None:
    k = 4 / 3 * (2**0.5 - 1)
    quarter = f"C {k} 3 2 2.6 2.1 2.1 C 2.6 2 3 {k} 3 0 "
    root = shrunk(
        f'<g data-member="1"><defs><path id="o" d="M 0 3 {quarter * 4}z"/></defs><use href="#o" x="10" y="20"/></g>'
    )
    assert root[0].attrib["d"] == "M7 20a3 3 0 1 1 6 0a3 3 0 1 1 -6 0z"


def test_members_stay_apart_and_in_order() -> None:
    line = '<path d="M 0 0 L 1 1" class="s-line"/>'
    root = shrunk(f'{line}{line}<path d="M 1 1 L 2 2" data-member="0"/><path d="M 3 3 L 4 4" data-member="1"/>{line}')
    assert [path.get("data-member") for path in root] == [None, "0", "1", None]
    assert len(corners(root[0].attrib["d"])) == 2


def test_equal_lines_join_across_text_but_not_what_differs() -> None:
    root = shrunk(
        '<path d="M 0 0 L 1 0" class="a"/><text transform="rotate(0 3 4)">x</text><path d="M 0 2 L 1 2" class="a"/>'
        '<path d="M 0 3 L 1 3" class="b"/><text transform="rotate(-90 3 4)">y</text>'
    )
    assert [(one.tag, one.get("class"), one.get("transform")) for one in root] == [
        ("path", "a", None), ("text", None, None), ("path", "b", None), ("text", None, "rotate(-90 3 4)"),
    ]  # fmt: skip


@pytest.mark.parametrize("inner", ["<defs/>", "<g><g/></g>", '<path d="M 0 0 L 1 1" fill="none" clip-path="url(#a)"/>'])
def test_what_is_not_seen_is_left_out(inner: str) -> None:
    assert len(shrunk(inner)) == 0

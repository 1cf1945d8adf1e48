"""Figures as inline SVG: nothing that a strict policy forbids, nothing that changes from one time to the next."""

import re
from xml.etree import ElementTree

from matplotlib.figure import Figure

from bench.report.figures.drawing import panel, short
from bench.report.svg import inline, to_svg
from bench.report.theme import INK, PALETTE, SERIES, house_style


def figure(label: str = "a $label$ <b>") -> Figure:
    with house_style():
        made, axes = panel()
        axes.plot([1, 2], [1 / 3, 2], color=SERIES[0], gid="member-3")
        axes.scatter([1], [1], color=SERIES[1])
        axes.text(1, 1, label, color=INK)
        return made


def draw(name: str = "fig") -> str:
    with house_style():
        return str(inline(figure(), name, "Title <i>", "Description & more"))


def test_has_no_styles_and_only_classes_for_the_colours_of_the_palette() -> None:
    svg = draw()
    assert "style=" not in svg
    assert "<style" not in svg
    assert "<metadata" not in svg
    assert not [colour for colour in PALETTE if colour in svg]
    assert "s-s0" in svg
    assert "f-ink" in svg


def test_text_stays_text_and_markup_in_it_stays_text() -> None:
    texts = [element.text for element in ElementTree.fromstring(draw()).iter("text")]
    assert "a $label$ <b>" in texts


def test_is_named_for_those_who_do_not_see_it() -> None:
    root = ElementTree.fromstring(draw("one"))
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "one-t one-d"
    assert [(child.tag, child.text) for child in root][:2] == [("title", "Title <i>"), ("desc", "Description & more")]


def test_ids_are_unique_across_figures_and_every_reference_resolves() -> None:
    both = draw("one") + draw("two")
    ids = re.findall(r' id="([^"]+)"', both)
    assert len(ids) == len(set(ids))
    used = re.findall(r'href="#([^"]+)"', both) + re.findall(r"url\(#([^)]+)\)", both)
    assert used
    assert set(used) <= set(ids)


def test_a_member_is_marked_for_the_legend() -> None:
    assert 'data-member="3"' in draw()


def test_the_same_figure_is_the_same_bytes() -> None:
    assert draw() == draw()
    assert "2.333333" not in draw()  # two decimals are all that a machine's arithmetic may show


def test_a_users_own_settings_change_nothing() -> None:
    import matplotlib as mpl

    before = draw()
    with mpl.rc_context({"font.size": 30, "lines.linewidth": 9, "svg.fonttype": "path"}):
        assert draw() == before


def test_a_glyph_that_the_layout_font_lacks_is_no_warning() -> None:
    with house_style():
        assert "漢" in to_svg(figure("漢"))


def test_short_names() -> None:
    assert short("dcgan") == "dcgan"
    assert len(short("a" * 40)) <= 22
    assert short("a\x00b") == "a\ufffdb"

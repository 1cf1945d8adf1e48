"""The pages in a real browser, offline: Debian's chromium driven by playwright. Skipped where either is missing."""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bench import report
from bench.boards import board
from bench.boards.verdicts import compare
from bench.records import record
from bench.report.theme import PALETTE

pytestmark = pytest.mark.slow

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox", "--headless", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip
COLOURS = "svg text { font-family: 'DejaVu Sans'; } " + "".join(
    f".{letter}-{name} {{ {paint}: {colour}; }} "
    for colour, name in PALETTE.items()
    for letter, paint in (("f", "fill"), ("s", "stroke"))
)
CONTRAST = 4.5  # WCAG 2.2, 1.4.3

playwright = pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed: pip install 'gan-bench[browser]'"
)
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
if not Path(CHROMIUM).exists():
    pytest.skip(f"no browser at {CHROMIUM}: apt-get install chromium, or set CHROMIUM", allow_module_level=True)


@pytest.fixture(scope="module")
def pages(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of a suite with failures, a damaged picture and a member whose name is markup."""
    folder = tmp_path_factory.mktemp("browser")
    results, out = folder / "results", folder / "reports"
    members = ["sngan", "wgan-gp", "dcgan", "<b onload=alert(1)>", "gan", "real-train"]
    synthetic.write_results(results, members, (0, 1), statuses={("gan", 1): "diverged", ("dcgan", 1): "failed"})
    next((results / "toy" / "gan").glob("0-*-grid-*.png")).write_bytes(b"damaged")
    report.build(results, out)
    report.compare(compare.compare(board.build(record.read_all(results)), "sngan", ["wgan-gp", "gan"]), results, out)
    return out


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield found
        found.close()


@dataclass
class Visit:
    """A page, with everything that it complained about or asked for."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture
def visit(browser: Any, pages: Path) -> Iterator[Any]:
    contexts: list[Any] = []

    def go(name: str = "toy.html", scheme: str = "light", width: int = 1280, scripts: bool = True) -> Visit:
        context = browser.new_context(
            offline=True, color_scheme=scheme, viewport={"width": width, "height": 900}, java_script_enabled=scripts
        )
        contexts.append(context)
        seen = Visit(context.new_page())
        seen.page.set_default_timeout(60_000)
        seen.page.on("console", lambda message: seen.complaints.append(message.text))
        seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        seen.page.on("request", lambda request: seen.requests.append(request.url))
        seen.page.goto((pages / name).as_uri())
        return seen

    yield go
    for context in contexts:
        context.close()


EVERY = ["toy.html", "index.html", "toy/dcgan.html", "toy/gan.html", "toy.sngan-against-wgan-gp-and-gan.html"]


@pytest.mark.parametrize("name", EVERY)
def test_opens_without_a_request_or_a_complaint(visit: Any, name: str) -> None:
    seen = visit(name)
    assert [url for url in seen.requests if not url.startswith(("file:", "data:"))] == []
    assert [url for url in seen.requests if url.startswith("file:")] == [seen.page.url]
    assert seen.complaints == []


OPEN = """document.querySelectorAll('details').forEach((one) => {
  one.open = !one.matches('.data') || one === document.querySelector('details.data');
})"""  # all but the many data tables, which are alike


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", EVERY)
def test_axe_finds_no_violation(visit: Any, name: str, scheme: str) -> None:
    seen = visit(name, scheme)
    seen.page.evaluate(OPEN)
    found = axe.Axe().run(seen.page)
    assert found.violations_count == 0, found.generate_report()


def members(page: Any) -> list[str]:
    return page.eval_on_selector_all("#board tbody.ranked tr.row th", "cells => cells.map(cell => cell.dataset.v)")


def column(page: Any, name: str) -> list[float]:
    place = page.evaluate(
        "name => [...document.querySelectorAll('#board thead th')].findIndex(head => head.textContent.includes(name))",
        name,
    )
    read = "(rows, place) => rows.map(row => Number(row.cells[place].dataset.v))"
    return page.eval_on_selector_all("#board tbody.ranked tr.row", read, place)


def test_sorts_by_mouse_in_both_directions(visit: Any) -> None:
    page = visit().page
    page.get_by_text("Columns", exact=True).click()
    page.get_by_label("Recall", exact=False).first.check()
    button = page.get_by_role("button", name="Recall")
    button.click()
    assert column(page, "Recall") == sorted(column(page, "Recall"), reverse=True)
    assert page.get_attribute("th[aria-sort]", "aria-sort") == "descending"
    button.click()
    assert column(page, "Recall") == sorted(column(page, "Recall"))
    assert page.locator("th[aria-sort]").count() == 1


def test_columns_beyond_the_chief_ones_are_shown_when_asked_for(visit: Any) -> None:
    page = visit().page
    head = page.locator("#board th[data-extra]").first
    assert head.is_hidden()
    page.get_by_text("Columns", exact=True).click()
    box = page.locator("#columns input").last
    box.check()
    assert page.locator("#board th[data-extra]:not(.off)").count() == 1
    box.uncheck()
    assert page.locator("#board th[data-extra]:not(.off)").count() == 0


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_the_first_screen_says_who_leads_how_sure_and_what_it_looks_like(visit: Any, width: int) -> None:
    page = visit(width=width).page
    words = page.inner_text(".top")
    assert re.search(r"FID [\d.]+ \([\d.]+ to [\d.]+\)", words)
    assert page.locator(".specimens svg").count() >= 2
    assert page.locator("#fig-leaders").is_visible()
    board = page.locator("#board tr.row").first
    score = board.locator("td.key").bounding_box()
    assert score["x"] + score["width"] <= width + 1  # the score is on the screen, on a phone too


def test_sorts_by_keyboard_alone(visit: Any) -> None:
    page = visit().page
    before = members(page)
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim() === 'Member'"):
            break
    page.keyboard.press("Enter")
    assert members(page) == sorted(before)
    page.keyboard.press("Space")
    assert members(page) == sorted(before, reverse=True)


def test_rows_that_are_not_ranked_stay_apart_when_sorted(visit: Any) -> None:
    page = visit().page
    page.get_by_role("button", name="Member").click()
    assert page.locator("#board tbody.calibration tr.row").count() == 1
    assert page.locator("#board tbody.incomplete tr.divider + tr.row").count() == 1


def test_filters_as_one_types(visit: Any) -> None:
    page = visit().page
    page.get_by_label("Filter").press_sequentially("sngan")
    assert page.locator("#board tr.row:visible").count() == 1
    assert page.text_content("#shown") == "1 of 6 rows"
    page.get_by_label("Filter").fill("no such member")
    assert page.locator("#board tr.row:visible").count() == 0
    page.get_by_label("Filter").fill("")
    assert page.locator("#board tr.row:visible").count() == 6


def test_the_slider_moves_every_strip_through_training(visit: Any) -> None:
    page = visit().page
    slider = page.locator("#pictures .slider input").first
    shown = "#pictures .wall:first-of-type li.on"
    assert page.eval_on_selector_all(shown, "all => all.map(one => one.dataset.images)") == ["200000"] * 6
    slider.focus()
    page.keyboard.press("Home")
    assert set(page.eval_on_selector_all(shown, "all => all.map(one => one.dataset.images)")) == {"25000"}
    assert slider.get_attribute("aria-valuetext") == "25,000 images"
    page.keyboard.press("ArrowRight")
    assert set(page.eval_on_selector_all(shown, "all => all.map(one => one.dataset.images)")) == {"75000"}


def test_a_legend_brings_a_member_forward(visit: Any) -> None:
    page = visit().page
    page.locator(".legend button", has_text="wgan-gp").click()
    opacities = page.eval_on_selector_all(
        "#figures .drawing svg [data-member]",
        "all => all.map(one => [one.dataset.member, getComputedStyle(one).opacity])",
    )
    picked = page.get_attribute(".legend li:has(button[aria-pressed='true'])", "data-pick")
    assert {opacity for member, opacity in opacities if member == picked} == {"1"}
    assert all(float(opacity) < 0.5 for member, opacity in opacities if member != picked)


def test_figures_in_fewer_elements_are_the_same_pictures(browser: Any, pages: Path) -> None:
    """Each figure of a suite as matplotlib wrote it, and as a page holds it, in pixels."""
    import io

    import numpy as np
    from PIL import Image

    from bench.report import plots
    from bench.report.svg import inline, to_svg
    from bench.report.theme import house_style

    results = pages.parent / "results"
    records = record.read_all(results)
    page = browser.new_page(viewport={"width": 1000, "height": 900})

    def pixels(svg: str) -> np.ndarray:
        page.set_content(f"<style>{COLOURS}</style><div style='width: 540px'>{svg}</div>")
        return np.asarray(Image.open(io.BytesIO(page.locator("svg").screenshot())).convert("L")).astype(int)

    drawn = plots.drawings(board.build(records), records, results)
    assert len(drawn) > 15
    with house_style():
        for drawing in drawn:
            whole = re.sub(r"<\?xml.*?>|<!DOCTYPE.*?>", "", to_svg(drawing.figure), flags=re.S)
            whole = re.sub(r' (?:width|height)="[\d.]+pt"', "", whole)
            small = str(inline(drawing.figure, "one", "title", "words"))
            a, b = pixels(whole), pixels(small)
            assert a.shape == b.shape
            different = (
                abs(a - b) > 60
            ).mean()  # two translucent marks of one member, one over the other, are one mark now
            assert different < 0.002, (drawing.name, different)
            assert (a < 250).mean() > 0.005, drawing.name


def luminance(colour: str) -> float:
    parts = [float(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_of_figures_is_legible(visit: Any, scheme: str) -> None:
    """Axe does not look into SVG, so the contrast of its text is computed here."""
    page = visit("toy.html", scheme).page
    paper = luminance(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert paper > 0.9 if scheme == "light" else paper < 0.05
    read = "all => [...new Set(all.map(one => getComputedStyle(one).fill))]"
    for colour in page.eval_on_selector_all(".drawing svg text", read):
        light, dark = sorted((luminance(colour), paper), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= CONTRAST, (scheme, colour)


def test_the_theme_can_be_chosen(visit: Any) -> None:
    page = visit("toy.html", "dark").page
    button = page.locator("#theme")
    button.click()
    assert button.text_content() == "Theme: light"
    assert luminance(page.evaluate("getComputedStyle(document.body).backgroundColor")) > 0.9
    button.click()
    assert luminance(page.evaluate("getComputedStyle(document.body).backgroundColor")) < 0.05


@pytest.mark.parametrize("name", EVERY)
def test_a_narrow_screen_scrolls_only_downwards(visit: Any, name: str) -> None:
    page = visit(name, width=360).page
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_without_scripts_table_figures_and_pictures_are_there(visit: Any) -> None:
    page = visit(scripts=False).page
    assert page.locator("#board tr.row:visible").count() == 6
    assert page.locator("#figures .drawing svg:visible").count() >= 5
    assert page.locator("#pictures .film svg.shot:visible").count() > 20
    for hidden in ("#filter", "#theme", ".slider input", "th button"):
        assert page.locator(f"{hidden}:visible").count() == 0


def test_every_picture_is_drawn_and_a_damaged_one_is_named(visit: Any) -> None:
    page = visit().page
    sizes = "all => all.map(one => one.getBoundingClientRect().width * one.getBoundingClientRect().height)"
    assert min(page.eval_on_selector_all("#pictures li.on svg.shot", sizes)) > 10_000
    assert "damaged" in (page.text_content("#pictures .gone") or "")


def test_a_picture_opens_at_full_size_and_arrows_walk_through_training(visit: Any) -> None:
    page = visit().page
    page.locator("#pictures li.on a.zoom").first.focus()
    page.keyboard.press("Enter")
    image = page.locator("dialog.viewer img")
    assert image.is_visible()
    width, natural = page.evaluate(
        "(({width, naturalWidth}) => [width, naturalWidth])(document.querySelector('dialog img'))"
    )
    assert natural > 0
    assert width % natural == 0
    assert "200k images" in (page.text_content("dialog.viewer span") or "")
    page.keyboard.press("ArrowLeft")
    assert "175k images" in (page.text_content("dialog.viewer span") or "")
    page.keyboard.press("Escape")
    assert not image.is_visible()


def saved(page: Any, where: Any, kind: str) -> str:
    with page.expect_download() as found:
        where.get_by_role("button", name=kind, exact=True).click()
    return Path(found.value.path()).read_bytes().decode("latin-1" if kind == "PNG" else "utf-8")


def test_the_leaderboard_is_saved_as_it_is_shown(visit: Any) -> None:
    import csv

    page = visit().page
    box = page.locator("#leaderboard > .export").first
    box.get_by_role("button", name="Export").click()
    lines = list(csv.reader(saved(page, box, "CSV").splitlines()))
    assert lines[0][:2] == ["Rank", "Member"]
    assert {len(line) for line in lines} == {len(lines[0])}
    assert [line[1] for line in lines[1:]] == page.eval_on_selector_all(
        "#board tr.row th", "all => all.map(one => one.dataset.v)"
    )
    page.get_by_label("Filter").fill("dcgan")
    assert len(saved(page, box, "Markdown").splitlines()) == 3
    tex = saved(page, box, "LaTeX")
    assert tex.startswith("% GAN Bench, suite toy 1.0.0, protocol ")
    assert "\\midrule\n" in tex
    assert "dcgan &" in tex


def test_a_figure_is_saved_as_svg_and_png_and_its_data_as_text(visit: Any) -> None:
    from xml.etree import ElementTree

    page = visit("toy.html", "dark").page
    figure = page.locator("#figures figure.drawing").nth(1)
    figure.get_by_role("button", name="Export").click()
    root = ElementTree.fromstring(saved(page, figure, "SVG"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert not [one for one in root.iter() if "class" in one.attrib]
    texts = [one.get("fill", "") for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts
    assert all(luminance(colour) < 0.2 for colour in texts)  # the light theme's ink, on a dark page too
    assert saved(page, figure, "PNG")[1:4] == "PNG"
    assert saved(page, figure, "CSV").startswith("Member,")
    page.evaluate("window.print = () => { window.printed = document.querySelectorAll('.sheet svg').length; }")
    figure.get_by_role("button", name="PDF").click()
    assert page.evaluate("printed") == 1
    page.emulate_media(media="print")
    assert page.locator("main").is_hidden()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("main").is_visible()


def test_the_data_of_a_figure_is_a_table_when_opened_and_text_without_scripts(visit: Any) -> None:
    page = visit().page
    page.locator("#figures details.data summary").first.click()
    rows = page.locator("#figures details.data table tbody tr").count()
    assert rows == 6
    page = visit(scripts=False).page
    page.locator("#figures details.data summary").first.click()
    assert len((page.text_content("#figures details.data pre") or "").strip().splitlines()) == rows + 1


def test_one_selection_drives_table_figures_and_pictures_and_stands_in_the_address(visit: Any) -> None:
    seen = visit()
    page = seen.page
    page.get_by_role("button", name="Select wgan-gp").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#select=wgan-gp"
    picked = page.get_attribute("#board tr.picked", "data-member")
    assert page.locator("#board tr.picked").count() == 1
    assert page.locator(".legend button[aria-pressed='true']").inner_text() == "wgan-gp"
    assert set(page.eval_on_selector_all(".film.picked", "all => all.map(one => one.dataset.member)")) == {picked}
    assert "wgan-gp" in page.inner_text(".selection")
    page.locator(".legend button", has_text="dcgan").click()
    link = page.evaluate("location.href")
    again = visit().page
    again.goto("about:blank")
    again.goto(link)
    assert again.locator("#board tr.picked").count() == 2
    again.get_by_role("button", name="Clear").click()
    assert again.locator(".picked").count() == 0
    assert "select" not in again.evaluate("location.href")
    assert seen.complaints == []


def test_a_filter_hides_pictures_with_their_rows(visit: Any) -> None:
    page = visit().page
    page.get_by_label("Filter").fill("wgan-gp")
    shown = page.locator("#pictures .film:visible figcaption b")
    assert set(shown.all_inner_texts()) == {"wgan-gp"}


def test_a_tip_says_member_and_values_by_mouse_and_by_keyboard(visit: Any) -> None:
    import csv

    page = visit().page
    figure = page.locator("#fig-training-cost, [id^='fig-size']").first
    figure.scroll_into_view_if_needed()
    lines = list(csv.DictReader((figure.locator("details.data pre").text_content() or "").splitlines()))
    fid = {line["Member"]: float(line["FID (digits-cnn)"]) for line in lines}
    mark = figure.locator("path[data-at]").first
    mark.hover()
    words = page.inner_text(".tip")
    name = words.partition(":")[0]
    assert float(words.rpartition(" ")[2]) == pytest.approx(fid[name], rel=0.006)
    figure.locator(".scroll").first.focus()
    said = set()
    for _ in range(len(fid)):
        page.keyboard.press("ArrowRight")
        words = page.inner_text(".tip")
        said.add(words.partition(":")[0])
        assert float(words.rpartition(" ")[2]) == pytest.approx(fid[words.partition(":")[0]], rel=0.006)
    assert said == set(fid)
    page.keyboard.press("Escape")
    assert page.locator(".tip").is_hidden()


def test_two_members_stand_side_by_side_at_the_place_of_the_slider(visit: Any) -> None:
    page = visit().page
    wall = page.locator(".wall[data-kind='grid']")
    wall.locator("select").nth(1).select_option(label="dcgan")
    words = wall.locator(".pair figcaption")
    assert words.count() == 2
    assert "dcgan, 200k images" in words.nth(1).inner_text()
    used = wall.locator(".pair use").nth(1).get_attribute("href") or ""
    assert page.locator(used).count() == 1
    wall.locator(".slider input").focus()
    page.keyboard.press("Home")
    assert "25k images" in words.nth(1).inner_text()
    assert wall.locator(".pair use").nth(1).get_attribute("href") != used


def test_a_printed_suite_is_two_pages(visit: Any) -> None:
    page = visit().page
    pdf = page.pdf(format="A4")
    assert 1 <= len(re.findall(rb"/Type /Page\b(?!s)", pdf)) <= 2


def test_a_number_leads_to_its_records(visit: Any) -> None:
    page = visit().page
    page.locator("#board tbody.ranked tr.row").first.locator("td.key a").click()
    target = page.locator(page.evaluate("location.hash"))
    assert target.is_visible()
    assert "bench run" in target.text_content()


def test_prints_in_light_colours_without_controls(visit: Any) -> None:
    page = visit("toy.html", "dark").page
    page.emulate_media(media="print")
    assert luminance(page.evaluate("getComputedStyle(document.body).backgroundColor")) > 0.9
    assert page.locator("header.bar:visible, .tools:visible, .slider:visible").count() == 0
    assert len(page.pdf()) > 10_000

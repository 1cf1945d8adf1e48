"""The page in a real browser, offline, answered by a planted preference. Skipped where browser or driver is missing."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.human import answers as reading
from bench.human.outcome import outcome
from bench.human.page import make
from bench.human.study import REAL

pytestmark = pytest.mark.slow

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
if not Path(CHROMIUM).exists():
    pytest.skip(f"no browser at {CHROMIUM}: apt-get install chromium, or set CHROMIUM", allow_module_level=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--headless", "--disable-gpu"])
        yield found
        found.close()


@pytest.fixture
def visit(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """Opens a study: the page, what it complained about, what it asked the network for."""
    contexts: list[Any] = []

    def go(
        html: str, width: int = 1280, scheme: str = "light", touch: bool = False
    ) -> tuple[Any, list[str], list[str]]:
        (tmp_path / "study.html").write_text(html)
        view = {"width": width, "height": 800}
        context = browser.new_context(offline=True, viewport=view, color_scheme=scheme, has_touch=touch)
        contexts.append(context)
        page, complaints, requests = context.new_page(), [], []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto((tmp_path / "study.html").as_uri())
        return page, complaints, [url for url in requests if not url.startswith(("file:", "data:"))]

    yield go
    for context in contexts:
        context.close()


def pictures() -> dict[str, np.ndarray]:
    """Dark ones and bright ones, so that the test can tell them apart as a person would."""
    random = np.random.default_rng(0)
    levels = {"dark": (0, 60), "bright": (190, 250), REAL: (100, 140)}
    return {name: random.integers(*level, (60, 1, 8, 8)).astype(np.uint8) for name, level in levels.items()}


BRIGHTNESS = """() => [...document.querySelectorAll('.picture')].map((image) => {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 8;
  const drawn = canvas.getContext('2d');
  drawn.drawImage(image, 0, 0, 8, 8);
  const values = drawn.getImageData(0, 0, 8, 8).data.filter((_, index) => index % 4 === 0);
  const mean = values.reduce((sum, value) => sum + value) / 64;
  return [mean, Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 64)];
})"""


def seen(page: Any) -> list[tuple[float, float]]:
    """Mean and spread of each picture on the page."""
    page.wait_for_function("() => [...document.querySelectorAll('.picture')].every((image) => image.complete)")
    return page.evaluate(BRIGHTNESS)


def download(page: Any, folder: Path) -> Path:
    with page.expect_download() as waiting:
        page.click("#download")
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


@pytest.mark.parametrize("by", ["keyboard", "mouse"])
def test_a_planted_preference_comes_out_of_the_page(visit, tmp_path, by):
    study, html = make("pair", pictures(), trials=20)
    page, complaints, requests = visit(html)
    page.fill("#rater", "Ada L.")
    page.click("#begin")
    for number in range(len(study.trials)):
        assert page.text_content("#progress") == f"Question {number + 1} of {len(study.trials)}"
        (left, left_spread), (right, right_spread) = seen(page)
        noise = max(left_spread, right_spread) > 60  # a catch trial
        prefers_left = (left_spread < right_spread) if noise else left > right
        if by == "keyboard":
            page.keyboard.press("ArrowLeft" if prefers_left else "ArrowRight")
        else:
            page.click(f"[data-choice={'left' if prefers_left else 'right'}]")
    path = download(page, tmp_path)
    assert path.name == f"answers-Ada_L_-{study.page[:8]}.json"
    found = outcome(study, reading.collect(study, [path]))
    assert [(row.name, row.share) for row in found.rows] == [("bright", 1.0), ("dark", 0.0)]
    assert (complaints, requests) == ([], [])


def test_an_answer_can_be_taken_back_and_a_tie_given(visit, tmp_path):
    study, html = make("pair", pictures(), trials=2, catch=0)
    page, _, _ = visit(html)
    page.click("#begin")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Backspace")
    page.keyboard.press("ArrowDown")
    page.click("[data-choice=right]")
    answers = json.loads(download(page, tmp_path).read_text())
    assert [answer["choice"] for answer in answers["answers"]] == ["tie", "right"]
    assert answers["rater"]  # a name was made up
    assert reading.collect(study, [next(tmp_path.glob("answers-*.json"))]).left_out == ()


def test_real_or_generated(visit, tmp_path):
    study, html = make("real", pictures(), trials=12)
    page, complaints, _ = visit(html)
    page.click("#begin")
    for _ in study.trials:
        ((mean, spread),) = seen(page)
        page.keyboard.press("ArrowLeft" if 90 < mean < 150 and spread < 40 else "ArrowRight")
    found = outcome(study, reading.collect(study, [download(page, tmp_path)]))
    assert [row.value for row in found.rows] == [0, 0]  # nobody is fooled
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("mode", ["pair", "real"])
def test_it_fits_is_sharp_and_axe_finds_nothing(visit, mode, width, scheme):
    study, html = make(mode, pictures(), trials=4)
    page, _, _ = visit(html, width, scheme)
    _accessible(page)
    page.click("#begin")
    seen(page)
    _accessible(page)
    boxes = [image.bounding_box() for image in page.query_selector_all(".picture")]
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("getComputedStyle(document.querySelector('.picture')).imageRendering") == "pixelated"
    if width == 1280:
        assert {(box["width"], box["height"]) for box in boxes} == {(256, 256)}  # 32 times 8 pixels
    for button in page.query_selector_all("#choices button"):
        assert button.bounding_box()["height"] >= 44
    for _ in study.trials:
        page.keyboard.press("ArrowRight")
    _accessible(page)


def _accessible(page: Any) -> None:
    found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_a_page_without_scripts_says_so(browser, tmp_path):
    (tmp_path / "study.html").write_text(make("pair", pictures(), trials=2)[1])
    context = browser.new_context(offline=True, java_script_enabled=False)
    page = context.new_page()
    page.goto((tmp_path / "study.html").as_uri())
    assert "needs JavaScript" in page.inner_text("body")
    context.close()

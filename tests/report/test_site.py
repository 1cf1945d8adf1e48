"""A site of all records: every link leads somewhere in it, unsound records are refused, nothing else is overwritten."""

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote

import pytest

from bench.boards import board
from bench.boards.rows import RANKED
from bench.errors import UserError
from bench.records import record
from bench.records.record import Record
from bench.report import site, suite_page
from bench.report.figures import history
from bench.report.theme import house_style

Make = Callable[..., Record]
FID = "fid@digits-cnn"


@pytest.fixture(scope="module")
def made(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("site")
    synthetic.write_results(folder / "results", ["dcgan", "sngan"], seeds=(0, 1))
    site.publish(folder / "results", folder / "site")
    return folder / "results", folder / "site"


def test_every_link_leads_somewhere_in_the_site(made: tuple[Path, Path], parse: Callable[[str], Any]) -> None:
    out = made[1].resolve()
    pages = sorted(out.rglob("*.html"))
    assert {"index.html", "search.html", "toy.html", "toy.history.html"} <= {page.name for page in pages}
    for page in pages:
        for tag, a in parse(page.read_text()).elements:
            link = (a.get("href") or "").partition("#")[0]
            if tag == "a" and link and not link.startswith(("data:", "https://")):
                target = (page.parent / unquote(link)).resolve()
                assert target.is_relative_to(out)
                assert target.is_file(), (page, link)


def test_the_search_knows_every_member_of_every_suite(made: tuple[Path, Path]) -> None:
    text = (made[1] / "search.html").read_text()
    assert 'href="toy/dcgan.html"' in text
    assert 'href="toy.html"' in text
    assert "search.html" in (made[1] / "index.html").read_text()
    assert "toy.history.html" in (made[1] / "toy.html").read_text()


def test_the_same_records_give_the_same_bytes_and_replace_the_site(made: tuple[Path, Path]) -> None:
    results, out = made
    before = {path.relative_to(out): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
    (out / "stale.html").write_text("old")
    site.publish(results, out)
    after = {path.relative_to(out): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
    assert after == before
    assert [path.name for path in out.parent.iterdir() if path.name.startswith(".")] == []


def test_what_is_no_site_is_left_alone(made: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(UserError, match="no site of ours"):
        site.publish(made[0], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    for out in (made[0], made[0] / "site", made[0].parent):
        with pytest.raises(UserError, match="lies in the results"):
            site.publish(made[0], out)
    with pytest.raises(UserError, match="there is no folder"):
        site.publish(tmp_path / "nowhere", tmp_path / "out")
    with pytest.raises(UserError, match="is a file"):
        site.publish(made[0], tmp_path / "thesis.tex")


def test_records_that_are_not_sound_are_refused(make_record: Make, tmp_path: Path) -> None:
    path = record.write(make_record("dcgan", 0), tmp_path / "results")
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 1'))
    with pytest.raises(UserError, match="See `bench validate`"):
        site.publish(tmp_path / "results", tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_history_has_a_mark_per_version_in_order_of_days(make_record: Make) -> None:
    found = board.build(
        [
            make_record("dcgan", seed, {FID: level + seed}, source=source * 64, finished=f"2026-11-{day}T10:00:00Z")
            for level, source, day in ((20.0, "a", "02"), (10.0, "b", "17"))
            for seed in (0, 1)
        ]
    )
    rows = history.versions(found)["dcgan"]
    assert [(row.finished, row.cells[FID, RANKED].summary.mean) for row in rows] == [
        ("2026-11-02", 20.5), ("2026-11-17", 10.5),
    ]  # fmt: skip
    with house_style():
        drawing = history.scores(found, suite_page.member_looks(found))
    assert drawing
    assert [row[1] for row in drawing.table.rows] == ["2026-11-02", "2026-11-17"]
    assert all(re.search(r"\[.+, .+\]", row[4]) for row in drawing.table.rows)

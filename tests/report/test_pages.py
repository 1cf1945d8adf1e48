"""Whole pages from synthetic records: safe, self-contained, the same each time, and never broken by one picture."""

import base64
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bench import report
from bench.boards import board
from bench.boards.verdicts import compare
from bench.errors import UserError
from bench.records import record
from bench.records.record import Record
from bench.report import csv_data, plots, suite_page
from bench.report.figures import dots
from bench.report.theme import house_style

Make = Callable[..., Record]
Parse = Callable[[str], Any]
EVIL = "<img src=x onerror=alert(1)>\"'&"


@pytest.fixture(scope="module")
def made(results: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    out = tmp_path_factory.mktemp("reports")
    return {path.relative_to(out).as_posix(): content.decode() for path, content in report.files(results, out).items()}


@pytest.fixture(scope="module")
def small(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    synthetic.write_results(folder, ["dcgan", "sngan"], seeds=(0, 1))
    return folder


def test_the_files_of_a_report(made: dict[str, str]) -> None:
    members = {f"toy/{name}.html" for name in ("dcgan", "sngan", "wgan-gp", "gan", "real-train")}
    assert (
        set(made)
        == {
            "toy.html",
            "index.html",
            "toy.md",
            "toy.csv",
            "toy.json",
            "toy.summary.md",
            "toy.history.html",
            "search.html",
            "README.md",
        }
        | members
    )


def test_pages_ask_for_nothing_outside(made: dict[str, str], parse: Parse) -> None:
    for name, html in made.items():
        if not name.endswith(".html"):
            continue
        page = parse(html)
        loaded = [a["href"] for tag, a in page.elements if tag in ("image", "link", "use")]
        loaded += [a["src"] for _, a in page.elements if "src" in a]
        assert all(link.startswith(("data:image/", "#")) for link in loaded), name
        assert not [a for _, a in page.elements if "style" in a or any(key.startswith("on") for key in a)], name
        elsewhere = [
            (tag, key)
            for tag, a in page.elements
            for key, value in a.items()
            if "//" in (value or "") and not (value or "").startswith("data:")
        ]
        assert set(elsewhere) <= {("a", "href")}, name


def test_the_policy_allows_exactly_our_script_and_style(made: dict[str, str], parse: Parse) -> None:
    html = made["toy.html"]
    policy = next(a["content"] for tag, a in parse(html).elements if tag == "meta" and "http-equiv" in a)
    for tag in ("script", "style"):
        found = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.S)
        assert len(found) == 1
        digest = base64.b64encode(hashlib.sha256(found[0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_ids_are_unique_and_links_inside_lead_somewhere(made: dict[str, str], parse: Parse) -> None:
    for name in ("toy.html", "toy/dcgan.html"):
        elements = parse(made[name]).elements
        ids = [a["id"] for _, a in elements if "id" in a]
        assert len(ids) == len(set(ids)), name
        assert {a["href"][1:] for _, a in elements if (a.get("href") or "").startswith("#")} <= set(ids), name


def test_links_between_files_lead_somewhere(small: Path, tmp_path: Path, parse: Parse) -> None:
    from urllib.parse import unquote

    for path in report.build(small, tmp_path):
        if path.suffix == ".html":
            for tag, a in parse(path.read_text()).elements:
                link = a.get("href") or ""
                if tag == "a" and not link.startswith(("#", "data:", "https://")):
                    assert (path.parent / unquote(link.partition("#")[0])).is_file(), (path, link)


@pytest.mark.slow
def test_the_same_records_give_the_same_bytes_in_another_process(small: Path, tmp_path: Path) -> None:
    code = "import sys, pathlib, hashlib; from bench import report; " \
        "found = report.files(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])); " \
        "assert 'torch' not in sys.modules; " \
        "print(hashlib.sha256(b''.join(found.values())).hexdigest())"  # fmt: skip
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "MPLCONFIGDIR": str(tmp_path / "mpl")}
    command = [sys.executable, "-c", code, str(small), str(tmp_path / "out")]
    other = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()
    mine = report.files(small, tmp_path / "out")
    assert hashlib.sha256(b"".join(mine.values())).hexdigest() == other


@pytest.mark.slow
def test_check_finds_stale_and_missing_pages(synthetic: ModuleType, tmp_path: Path) -> None:
    synthetic.write_results(tmp_path / "results", ["dcgan"], seeds=(0,))
    written = report.build(tmp_path / "results", tmp_path)
    assert report.check(tmp_path / "results", tmp_path) == []
    written[0].write_text("old")
    written[-1].unlink()
    assert len(report.check(tmp_path / "results", tmp_path)) == 2


def test_markup_in_records_stays_text(synthetic: ModuleType, tmp_path: Path, parse: Parse) -> None:
    results = tmp_path / "results"
    for seed in (0, 1):
        synthetic.write_run(results, "toy", EVIL, 0, seed, synthetic.blobs, "ok" if seed else "failed")
    synthetic.write_run(results, "toy", "dcgan", 1, 0, synthetic.blobs, "ok")
    made = report.files(results, tmp_path)
    for path in [path for path in made if path.suffix == ".html"]:
        page = parse(made[path].decode())
        assert not [tag for tag, a in page.elements if tag == "img" or any(key.startswith("on") for key in a)], path
        assert [tag for tag, _ in page.elements].count("script") == 1
    text = parse(made[tmp_path / "toy.html"].decode()).text
    assert any(EVIL in part for part in text)
    assert any("boom <b>" in part for part in text)


def test_what_a_run_says_of_its_pictures_stays_text(made: dict[str, str], parse: Parse) -> None:
    page = parse(made["toy.html"])
    assert not [tag for tag, _ in page.elements if tag == "i"]
    assert any("<i>600</i> samples" in part for part in page.text), "a note"
    reasons = [part for part in page.text if "real images of <b>faces</b>" in part]
    assert len(reasons) == 1, "what is withheld from every member is said once"


def test_tables_that_are_gone_are_shown_as_such(synthetic: ModuleType, tmp_path: Path) -> None:
    results = tmp_path / "results"
    synthetic.write_results(results, ["dcgan"], seeds=(0, 1))
    folder = results / "toy" / "dcgan"
    next(folder.glob("0-*-nearest-distances-*.csv")).unlink()
    next(folder.glob("1-*-fid-by-samples-*.csv")).write_text("changed")
    html = report.files(results, tmp_path)[tmp_path / "toy.html"].decode()
    assert "dcgan, seed 0, nearest-distances: missing" in html
    assert "dcgan, seed 1, fid-by-samples: damaged" in html
    assert "against sample size" in html, "the other run has its table"


def test_a_gone_and_a_damaged_picture_are_shown_as_such(synthetic: ModuleType, tmp_path: Path) -> None:
    results = tmp_path / "results"
    synthetic.write_results(results, ["dcgan"], seeds=(0, 1))
    grids = sorted((results / "toy" / "dcgan").glob("0-*-grid-*.png"))
    grids[0].unlink()
    grids[1].write_bytes(b"broken")
    html = report.files(results, tmp_path)[tmp_path / "toy.html"].decode()
    assert html.count("missing: the file is not there") == 1
    assert html.count("damaged: the file does not match the digest") == 1


@pytest.mark.slow
def test_pictures_that_would_make_the_page_too_large_are_left_out(synthetic: ModuleType, tmp_path: Path) -> None:
    import numpy as np

    def noise(rng: np.random.Generator, rows: int, columns: int, quality: float) -> np.ndarray:
        return rng.integers(0, 256, (rows * 64, columns * 64, 3), dtype=np.uint8)

    results = tmp_path / "results"
    synthetic.write_results(results, ["dcgan", "sngan", "gan"], seeds=(0,), paint=noise)
    made = report.files(results, tmp_path)
    assert max(len(content) for content in made.values()) < 10_000_000
    html = made[tmp_path / "toy.html"].decode()
    assert "left out: the page would grow too large" in html
    assert len(re.findall(r'<image id="pic-grid-\d-0-4" href="data:image/', html)) == 3, "every member's last grid"


@pytest.mark.slow
def test_a_page_of_thirty_members_and_five_seeds_is_small(synthetic: ModuleType, tmp_path: Path, parse: Parse) -> None:
    results = tmp_path / "results"
    members = [f"member-{place:02d}" for place in range(30)]
    synthetic.write_results(results, [*members, "real-train"], range(5))
    name, content = next(iter(report.made(results, tmp_path)))
    assert name.name == "toy.html"
    page = parse(content.decode())
    assert len(page.elements) <= 12_000
    assert len(content) <= 4_000_000
    for place in (0, 1):  # of the leading rows nothing is left out
        assert not [part for part in page.text if "left out" in part and f"member-{place:02d}" in part]
    films = re.findall(r'<figure class="film" data-member="([01])">(.*?)</figure>', content.decode(), re.S)
    assert len(films) >= 14
    assert not [film for _, film in films if "left out" in film]


@pytest.mark.parametrize("status", ["ok", "diverged", "failed", "out-of-memory"])
def test_bare_records_make_a_page(make_record: Make, tmp_path: Path, status: str) -> None:
    """No curve, no picture, one seed, perhaps no score at all."""
    record.write(make_record("dcgan", 0, status=status), tmp_path)
    html = report.files(tmp_path, tmp_path)[tmp_path / "digits.html"].decode()
    assert "<h1" in html
    assert status in html


def test_records_of_another_protocol_count_as_stale(make_record: Make, tmp_path: Path) -> None:
    old = {"track": "fixed", "data": {"name": "digits"}, "training": {"images": 1}, "evaluation": {"samples": 1000}}
    record.write(make_record("dcgan", 0), tmp_path)
    record.write(make_record("dcgan", 0, protocol=old, version="0.9.0"), tmp_path)
    html = report.files(tmp_path, tmp_path)[tmp_path / "digits.html"].decode()
    assert re.search(r'class="bad"><dt>stale</dt><dd>1</dd>', html)


def test_published_rows_stand_apart_with_their_source(make_record: Make, tmp_path: Path, parse: Parse) -> None:
    protocol = {
        "track": "fixed",
        "data": {"name": "cifar10", "resolution": 32},
        "training": {"images": 10},
        "evaluation": {"samples": 1000, "metrics": ["fid@cifar10-cnn"]},
    }
    record.write(
        make_record("sngan", 0, {"fid@cifar10-cnn": 9.0}, protocol=protocol, ranking="fid@cifar10-cnn"), tmp_path
    )
    page = parse(report.files(tmp_path, tmp_path)[tmp_path / "digits.html"].decode())
    assert any("Published by others, never ranked with ours" in part for part in page.text)
    assert any(part == "16.77" or "fid 16.77" in part for part in page.text)
    links = [a["href"] for tag, a in page.elements if tag == "a" and (a.get("href") or "").startswith("https://")]
    assert any("mimicry" in link for link in links)


def test_the_index_compares_suites(make_record: Make, tmp_path: Path) -> None:
    for suite, values in (("one", (10.0, 20.0)), ("two", (9.0, 3.0))):
        for member, value in zip("ab", values, strict=True):
            for seed in (0, 1):
                record.write(make_record(member, seed, {"fid@digits-cnn": value + seed / 10}, suite=suite), tmp_path)
    html = report.files(tmp_path, tmp_path)[tmp_path / "index.html"].decode()
    assert 'href="one.html"' in html
    assert "Every member on every data set" in html
    only = report.files(tmp_path, tmp_path, "one")
    assert tmp_path / "two.html" not in only
    assert only[tmp_path / "index.html"].decode() == html


def test_a_comparison_has_its_page(results: Path, tmp_path: Path) -> None:
    found = compare.compare(board.build(record.read_all(results)), "dcgan", ["gan", "sngan"])
    path = report.compare(found, results, tmp_path)
    html = path.read_text()
    assert path.name == "toy.dcgan-against-gan-and-sngan.html"
    assert html.count("<svg role=") + html.count('role="img"') > 4
    assert "Against gan" in html
    assert found.pairs[0].overall.words in html


def test_the_summary_has_a_verdict_a_table_and_a_picture(made: dict[str, str]) -> None:
    text = made["toy.summary.md"]
    assert text.startswith("**")
    assert "| 1 | dcgan |" in text
    assert re.search(r"!\[Uncurated samples of dcgan, seed 0\]\(\S+/toy/dcgan/0-\w+-grid-200000.png\)", text)


def test_figures_for_papers_are_the_same_each_time(small: Path) -> None:
    records = record.read_all(small)
    starts = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}
    for format, start in starts.items():
        once, again = (_one_figure(records, format) for _ in "12")
        assert once.startswith(start)
        assert once == again


def _one_figure(records: list[Record], format: str) -> bytes:
    found = board.build(records)
    with house_style():
        drawing = dots.seeds(found, suite_page.member_looks(found), found.ranking)
        assert drawing
        return plots.encode(drawing, format)  # pyright: ignore[reportArgumentType]


def test_every_figure_becomes_a_file(small: Path, tmp_path: Path) -> None:
    written = report.plot(small, "toy", tmp_path, "svg")
    assert len(written) >= 20
    assert "toy-curve-fid-digits-cnn-held-out-images.svg" in {path.name for path in written}


def test_bad_input_is_named(tmp_path: Path, results: Path) -> None:
    with pytest.raises(UserError, match="no records"):
        report.build(tmp_path, tmp_path)
    with pytest.raises(UserError, match="Did you mean 'toy'"):
        report.build(results, tmp_path, "tow")
    with pytest.raises(UserError, match="unknown format"):
        report.plot(results, "toy", tmp_path, "bmp")  # pyright: ignore[reportArgumentType]
    assert list(tmp_path.iterdir()) == []


def test_raw_scores_that_would_make_a_page_heavy_are_the_file_beside_it(make_record, monkeypatch):
    built = board.build([make_record("dcgan", seed=seed) for seed in (0, 1)])
    assert csv_data.href(built).startswith("data:text/csv;base64,")
    monkeypatch.setattr(csv_data, "INSIDE", 10)
    assert csv_data.href(built) == "digits.csv"


def test_the_readme_holds_verdict_board_picture_and_links_of_every_suite(small: Path, tmp_path: Path) -> None:
    from bench.boards import headline

    out = tmp_path / "reports"
    readme = report.files(small, out)[out / "README.md"].decode()
    assert "## [toy 1.0.0](toy.html)" in readme
    assert headline.verdict(board.build(record.read_all(small))) in readme
    assert "| Rank | Member |" in readme
    picture = re.search(r"!\[[^]]*\]\(([^)]+)\)", readme)
    assert picture
    assert (out / picture[1]).resolve().is_file()
    assert "[csv](toy.csv)" in readme

"""`bench leaderboard`, `report` and `validate` on records alone."""

import json

import pytest


def test_leaderboard_report_and_validate_read_records_alone(after):
    code, markdown, _ = after("leaderboard")
    assert code == 0
    assert "toy" in markdown
    assert after("leaderboard")[1] == markdown
    assert json.loads(after("leaderboard", "--format", "json")[1])["suite"] == "tiny"
    assert "fid@digits-cnn" in after("leaderboard", "--format", "csv")[1]
    assert after("validate")[:2] == (0, "2 records, all sound\n")
    code, out, _ = after("report")
    assert code == 0
    pages = {path: (after.folder / path).read_bytes() for path in out.split()}
    assert any(path.endswith("tiny.html") for path in pages)
    assert after("leaderboard", "--check")[0] == 0
    after("report")
    assert {path: (after.folder / path).read_bytes() for path in out.split()} == pages
    (after.folder / "reports" / "tiny.md").write_text("typed by hand")
    assert after("leaderboard", "--check")[0] == 1


def test_leaderboard_across_suites_is_in_ratios_to_a_baseline(after, bench):
    code, markdown, _ = after("leaderboard", "--across", "toy")
    assert code == 0
    assert markdown.startswith("# Over tiny, against toy\n")
    assert json.loads(after("leaderboard", "--across", "toy", "--json")[1])["standings"][0]["ratio"] == pytest.approx(1)
    code, _, words = after("leaderboard", "--across", "toy", "--format", "csv")
    assert code == 2
    assert "gives md or json, not csv" in words
    code, _, words = after("leaderboard", "--across", "nobody")
    assert code == 2
    assert "baseline 'nobody' has no complete row. Complete: toy" in words


def test_records_that_are_not_sound_are_named(after, tmp_path, bench):
    text = after.record.read_text()
    folder = bench.folder / "results" / "tiny" / "toy"
    folder.mkdir(parents=True)
    for name, content, words in [
        ("0-a.json", text[: len(text) // 2], "truncated"),
        (
            "0-a.json",
            text.replace('"schema_version": 1', '"schema_version": 99'),
            "newer",
        ),
        ("0-a.json", text.replace('"seed": 0', '"seed": 5'), "edited by hand"),
    ]:
        (folder / name).write_text(content)
        assert words in bench.refuses("leaderboard")
        code, out, _ = bench("validate")
        assert code == 1
        assert words in out.replace("\n", " ")


def test_on_a_terminal_the_columns_that_fit_are_drawn(after, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    for columns in (60, 80, 300):
        monkeypatch.setenv("COLUMNS", str(columns))
        code, out, _ = after("leaderboard")
        assert code == 0
        row = next(line for line in out.splitlines() if " toy " in line and "[" in line)
        assert len(row) <= columns
        assert ("Not shown for want of width" in out) == (columns < 300)
    assert after("leaderboard", "--format", "md")[1].startswith("# tiny")

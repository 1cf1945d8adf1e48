"""The columns of a board are one list: what Markdown shows, HTML shows, and CSV and JSON hold."""

import csv
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

from bench.boards import board, columns, render
from bench.formats import escape
from bench.report import suite_page

FID, PRECISION, OTHER = "fid@digits-cnn", "precision@digits-cnn", "fid@cifar10-cnn:held-out"


class Heads(HTMLParser):
    """The columns in the leaderboard's head."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inside = False

    def handle_starttag(self, tag, attrs) -> None:
        if tag == "th" and "data-column" in dict(attrs):
            self.inside = True
            self.found.append("")

    def handle_endtag(self, tag) -> None:
        self.inside = self.inside and tag != "th"

    def handle_data(self, data) -> None:
        if self.inside:
            self.found[-1] += data


def built(make_record):
    scores = {FID: (10.0, 10.2), PRECISION: 0.5, OTHER: 9.0}
    records = [make_record(name, seed, scores) for name in ("dcgan", "sngan") for seed in (0, 1)]
    found = board.build(records)
    rows = tuple(
        replace(row, cost=row.cost and replace(row.cost, flops_sample=10**6, samples_per_second=12.5))
        for row in found.rows
    )
    return records, replace(found, rows=rows)


def markdown_titles(text: str) -> list[str]:
    tables = re.findall(r"^\| (.*) \|\n\| :--", text, re.MULTILINE)
    return list(dict.fromkeys(title for table in tables for title in table.split(" | ")))


def test_html_and_markdown_show_the_same_columns(make_record, tmp_path: Path) -> None:
    records, found = built(make_record)
    heads = Heads()
    heads.feed(suite_page.build(found, records, (), tmp_path, tmp_path / "digits.html"))
    assert [escape(title) for title in heads.found] == markdown_titles(render.render(found, "md"))
    assert [title for title in heads.found] == [column.title for column in columns.columns(found)]
    for title in (
        "SD over training seeds",
        "SD over sample seeds",
        "FLOPs per sample",
        "Samples/s",
        "Precision (digits-cnn) ↑",
    ):
        assert title in heads.found


def test_csv_and_json_hold_what_the_columns_say(make_record) -> None:
    _, found = built(make_record)
    shown = columns.columns(found)
    lines = list(csv.DictReader(io.StringIO(render.render(found, "csv"))))
    rows = json.loads(render.render(found, "json"))["rows"]
    for column in shown:
        for row, content in zip(found.rows, rows, strict=True):
            for name, value in column.facts(row).items():
                assert content[name] == value
                if column.score is None:
                    mine = [line[name] for line in lines if line["member"] == row.member]
                    assert set(mine) == {"" if value is None else str(value)}
    assert {"rank_best", "rank_worst"} <= lines[0].keys() & rows[0].keys()


def test_every_row_has_the_same_facts(make_record) -> None:
    _, found = built(make_record)
    empty = replace(found.rows[0], cells={}, cost=None, ranks=None)
    shown = columns.columns(found)
    assert columns.facts(shown, empty).keys() == columns.facts(shown, found.rows[0]).keys()
    assert {column.text(empty) for column in shown if column.key.startswith(("score", "sd_", "rank", "images"))} == {
        "—"
    }

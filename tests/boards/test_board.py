"""Boards from synthetic records."""

import csv
import io
import json
import os
import random
import subprocess
import sys

import pytest

from bench import formats
from bench.boards import board, columns, render
from bench.errors import UserError
from bench.records import record
from bench.suites.suite import parse

FID, PRECISION = "fid@digits-cnn", "precision@digits-cnn"
SUITE = """
name = "digits"
version = "1.0.0"
members = ["dcgan", "sngan", "mypackage.mine:my_gan"]
seeds = [0, 1, 2]
ranking = "fid@digits-cnn"
data = { name = "digits" }
training = { images = 64000, batch_size = 64 }
[evaluation]
metrics = ["fid@digits-cnn"]
samples = 1000
every = 8000
curve_samples = 500
selection = "fid@digits-cnn:held-out"
"""


@pytest.fixture
def member(make_record):
    """``member("dcgan", [10, 11])``: one record per seed."""
    return lambda name, fids, **kwargs: [
        make_record(name, seed, {FID: fid}, **kwargs)
        if fid is not None
        else make_record(name, seed, status="diverged", **kwargs)
        for seed, fid in enumerate(fids)
    ]


def ranks(built):
    return [(str(row.ranks), row.member) for row in built.rows if row.kind == "ranked"]


def test_a_rank_is_the_interval_that_the_evidence_allows(member):
    built = board.build(
        member("dcgan", [10, 10.4, 9.8, 10.1, 9.9])
        + member("wgan", [10.3, 10.1, 9.9, 10.5, 10.0])
        + member("sngan", [5, 5.1, 4.9, 5.2, 5])
    )
    assert ranks(built) == [("1", "sngan"), ("2–3", "dcgan"), ("2–3", "wgan")]


def test_no_rank_is_claimed_from_one_seed(member):
    built = board.build(member("dcgan", [10]) + member("sngan", [5]))
    assert ranks(built) == [("1–2", "sngan"), ("1–2", "dcgan")]
    assert any("One seed" in note for note in built.notes)


def test_higher_is_better_where_the_metric_says_so(make_record):
    records = [
        make_record(name, seed, {PRECISION: value + seed / 100}, ranking=PRECISION)
        for name, value in [("low", 0.2), ("high", 0.7)]
        for seed in range(4)
    ]
    assert ranks(board.build(records)) == [("1", "high"), ("2", "low")]


def test_a_diverged_run_counts_as_the_worst_and_shows_in_the_success_rate(member):
    built = board.build(
        member("steady", [10, 10.1, 10.2]) + member("shaky", [8, None, 8.1]) + member("bad", [50, 51, 52])
    )
    assert [name for _, name in ranks(built)] == ["steady", "shaky", "bad"]
    shaky = built.rows[1]
    assert shaky.success == pytest.approx(2 / 3)
    assert shaky.cells[FID, "last"].summary.mean == pytest.approx(8.05)  # the mean is of the runs that finished
    assert any("diverged counts as the worst score on this board (52.00)" in note for note in built.notes)


def test_a_member_that_always_diverges_is_last_and_shown(member):
    built = board.build(member("dcgan", [10, 11]) + member("boom", [None, None]))
    assert [name for _, name in ranks(built)] == ["dcgan", "boom"]
    assert "0/2: 2 diverged" in render.render(built, "md")


def test_all_seeds_of_all_members_diverged(member):
    text = render.render(board.build(member("boom", [None, None])), "md")
    assert "which no run reports" in text
    assert "0/2: 2 diverged" in text


def test_incomplete_rows_stand_below_the_line(member, make_record):
    records = (
        member("dcgan", [10, 11, 12])
        + member("sngan", [1, 2])
        + [make_record("gan", seed, status="failed") for seed in range(3)]
    )
    built = board.build(records)
    assert ranks(built) == [("1", "dcgan")]
    assert [(row.member, row.gaps) for row in built.of("incomplete")] == [
        ("gan", ("3/3 failed",)),
        ("sngan", ("1/3 missing",)),
    ]


def test_a_metric_that_some_seeds_lack_makes_the_row_incomplete(make_record):
    records = [make_record("dcgan", 0, {FID: 10.0, PRECISION: 0.5}), make_record("dcgan", 1, {FID: 11.0})]
    assert board.build(records).rows[0].gaps == (f"{PRECISION} (last): 1/2 seeds", f"{PRECISION} (best): 1/2 seeds")


def test_the_suite_says_what_is_missing(member):
    built = board.build(member("dcgan", [10, 11]), expected=parse(SUITE, "test"))
    assert ranks(built) == []
    assert {row.member: row.gaps for row in built.rows} == {
        "dcgan": ("1/3 missing",),
        "sngan": ("3/3 missing",),
        "mypackage.mine:my_gan": ("3/3 missing",),
    }
    done = board.build(member("my-gan", [10, 11, 12]), expected=parse(SUITE, "test"))
    assert [row.member for row in done.of("incomplete")] == ["dcgan", "sngan"]


def test_calibration_rows_are_never_ranked(member):
    built = board.build(
        member("dcgan", [10, 11])
        + member("held-out", [1], role="calibration")
        + member("noise", [90], role="calibration")
    )
    assert ranks(built) == [("1", "dcgan")]
    assert [row.member for row in built.of("calibration")] == ["held-out", "noise"]


def test_who_rebuilds_images_is_no_rival_of_who_makes_them(member):
    rebuilt = [
        made.model_copy(update={"member": made.member.model_copy(update={"task": "reconstruction"})}).sealed()
        for made in member("vqgan", [1, 1.1])
    ]
    built = board.build(member("dcgan", [10, 11]) + rebuilt)
    assert ranks(built) == [("1", "dcgan")]
    assert [row.member for row in built.of("calibration")] == ["vqgan"]
    assert "vqgan rebuilds real images: it is shown and not ranked." in built.notes
    assert ranks(board.build(rebuilt)) == [("1", "vqgan")]


def test_the_latest_source_is_current(member):
    old = member("dcgan", [5, 5], source="old", finished="2025-01-01T00:00:00Z")
    built = board.build(member("dcgan", [10, 11], source="new") + old)
    assert [(row.kind, row.source) for row in built.rows] == [("ranked", "new"), ("superseded", "old")]


def test_other_protocols_are_never_ranked_together(member, make_record):
    newer = {**make_record().protocol, "track": "paper"}
    records = member("dcgan", [10, 11]) + member("sngan", [1, 2], protocol=newer, version="1.10.0")
    built = board.build(records)
    assert built.suite_version == "1.10.0"  # by number: 1.10 is after 1.9
    assert [row.member for row in built.rows] == ["sngan"]
    assert [note for note in built.notes if "2 records" in note and "suite 1.0.0" in note]
    older = board.build(records, protocol=make_record().protocol_digest[:8])
    assert [row.member for row in older.rows] == ["dcgan"]
    with pytest.raises(UserError, match=r"no record has a protocol 'zzz'. There are: "):
        board.build(records, protocol="zzz")


def test_a_second_attempt_counts_and_is_named(make_record):
    failed = make_record("dcgan", 0, status="failed", finished="2026-02-01T00:00:00Z")
    again = make_record("dcgan", 0, {FID: 10.0})
    built = board.build([again, failed, again])
    assert built.rows[0].statuses == {"ok": 1}
    assert "dcgan, seed 0: 2 records; the latest result counts." in built.notes


def test_no_records_and_mixed_suites_are_the_users_to_mend(make_record, tmp_path):
    with pytest.raises(UserError, match="no records"):
        board.build([])
    with pytest.raises(UserError, match="several suites \\(digits, mnist\\)"):
        board.build([make_record(), make_record(suite="mnist")])
    with pytest.raises(UserError, match="no such folder"):
        board.load(tmp_path / "nowhere")


def test_a_record_that_breaks_an_invariant_is_refused(make_record):
    wrong = make_record(scores={PRECISION: 1.5})
    with pytest.raises(UserError, match=r"outside \[0, 1\]"):
        board.build([wrong])


def test_a_record_edited_by_hand_is_refused(make_record, tmp_path):
    path = record.write(make_record(), tmp_path)
    path.write_text(path.read_text().replace('"value": 10.0', '"value": 9.0'))
    with pytest.raises(UserError, match="edited by hand"):
        board.build(board.load(tmp_path))


@pytest.mark.parametrize("broken", ["symlink", "folder", "truncated", "nan", "list"])
def test_a_broken_file_is_named(make_record, tmp_path, broken):
    path = record.write(make_record(), tmp_path)
    bad = path.with_name("1-bad.json")
    match broken:
        case "symlink":
            bad.symlink_to(tmp_path / "gone.json")
        case "folder":
            bad.mkdir()
        case "truncated":
            bad.write_text(path.read_text()[:500])
        case "nan":
            bad.write_text(path.read_text().replace("10.0", "NaN"))
        case _:
            bad.write_text("[1]")
    with pytest.raises(UserError, match=r"1-bad\.json"):
        board.build(board.load(tmp_path))


def test_a_folder_that_is_a_broken_link_is_named(make_record, tmp_path):
    path = record.write(make_record(), tmp_path)
    (path.parent.parent / "sngan").symlink_to(tmp_path / "gone")
    with pytest.raises(UserError, match="sngan: cannot be read"):
        board.build(board.load(tmp_path))


def some_records(make_record):
    rng = random.Random(0)
    records = [
        make_record(
            name,
            seed,
            {FID: (level * rng.lognormvariate(0, 0.1), level), PRECISION: rng.random()},
            source=source,
            finished=finished,
        )
        for name, level in [("dcgan", 10.0), ("gan", 20.0), ("sngan", 7.0), ("été", 7.1)]
        for source, finished in [("a", "2026-01-01T00:00:00Z"), ("b", "2026-01-02T00:00:00Z")]
        for seed in range(3)
    ]
    return [*records, make_record("dcgan", 3, status="diverged", source="b", finished="2026-01-02T00:00:00Z")]


@pytest.mark.parametrize("format", render.FORMATS)
def test_order_of_records_does_not_change_a_byte(make_record, format):
    records = some_records(make_record)
    expected = render.render(board.build(records), format)
    for shuffle in range(10):
        random.Random(shuffle).shuffle(records)
        assert render.render(board.build(iter(records)), format) == expected


@pytest.mark.slow
def test_time_zone_and_locale_do_not_change_a_byte(make_record, tmp_path):
    for item in some_records(make_record):
        record.write(item, tmp_path)
    program = (
        "import locale, sys; from pathlib import Path; from bench.boards import board, render; locale.setlocale(locale.LC_ALL, '')\n"
        "built = board.build(board.load(Path(sys.argv[1])))\n"
        "sys.stdout.buffer.write(''.join(render.render(built, format) for format in render.FORMATS).encode())"
    )
    outputs = set()
    for zone, language, seed in [("UTC", "C", "1"), ("Asia/Tokyo", "C.UTF-8", "2"), ("America/New_York", "POSIX", "3")]:
        env = {**os.environ, "TZ": zone, "LC_ALL": language, "LANG": language, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-W", "ignore", "-c", program, str(tmp_path)]
        outputs.add(subprocess.run(command, env=env, check=True, capture_output=True).stdout)
    assert len(outputs) == 1


def test_csv_holds_every_seed_and_json_everything(make_record):
    built = board.build(some_records(make_record))
    lines = list(csv.DictReader(io.StringIO(render.render(built, "csv"))))
    assert len(lines) == len(columns.frame(built)) == sum(len(row.seeds) * 4 for row in built.rows)
    first = json.loads(render.render(built, "json"))["rows"][0]
    cell = next(cell for cell in first["cells"] if cell["metric"] == FID and cell["checkpoint"] == "last")
    values = [
        float(line["value"])
        for line in lines
        if line["member"] == first["member"]
        and line["source"] == first["source"]
        and line["metric"] == FID
        and line["checkpoint"] == "last"
        and line["value"]
    ]
    assert len(values) == 3
    assert cell["mean"] == pytest.approx(sum(values) / 3, rel=1e-5)
    assert cell["low"] < cell["mean"] < cell["high"]
    assert cell["sample_seed_sd"] > 0


def test_markdown_cannot_be_broken_by_a_name(make_record):
    text = render.render(board.build([make_record("a|b<script>`x`")]), "md")
    assert "| a&#124;b&lt;script&gt;&#96;x&#96; |" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12.3456, "12.35"),
        (0.5, "0.5000"),
        (0.0, "0"),
        (9.99999, "10.00"),
        (123456.0, "123456"),
        (1.5e-7, "1.500e-07"),
        (None, "—"),
        (float("inf"), "∞"),
        (-0.25, "-0.2500"),
        (2.5e9, "2.500e+09"),
    ],
)
def test_numbers_for_people(value, text):
    assert formats.number(value) == text


def test_durations_and_counts():
    assert [formats.duration(seconds) for seconds in (3.21, 90, 130, 8000, None)] == [
        "3.2 s",
        "90 s",
        "2.2 min",
        "2.2 h",
        "—",
    ]
    assert [formats.count(value) for value in (64_000, 3_572_161)] == ["64,000", "3.57 M"]

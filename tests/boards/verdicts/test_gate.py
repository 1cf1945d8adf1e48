"""The gate: verdicts, exit codes, operating characteristics by simulation, and everything that can be wrong with its input."""

import json
import random
import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import scipy.stats
from numpy.random import default_rng

from bench.boards import board, render
from bench.boards import statistics as st
from bench.boards.rows import Column
from bench.boards.scales import scale_of
from bench.boards.speed_columns import attach
from bench.boards.verdicts import baseline, cells, gate_text, margins
from bench.boards.verdicts.gate import Exit, gate
from bench.errors import UserError
from bench.records import record

stats: Any = scipy.stats  # its results have no useful types

FID, PRECISION = "fid@digits-cnn", "precision@digits-cnn"
COLUMN = Column(FID, 1, "lower", scale_of(FID))
SHARE = Column(PRECISION, 1, "higher", scale_of(PRECISION, 1000))
COLUMNS = {FID: COLUMN, PRECISION: SHARE}


@pytest.fixture
def records_of(make_record):
    """``records_of(dcgan=[10, 11])``: None diverges."""

    def build(**members):
        kwargs = members.pop("also", {})
        return [
            make_record(name, seed, {FID: value} if value else None, status="ok" if value else "diverged", **kwargs)
            for name, values in members.items()
            for seed, value in enumerate(values)
        ]

    return build


@pytest.fixture
def board_of(records_of):
    return lambda **members: board.build(records_of(**members))


GOOD = [10.0, 10.1, 9.9, 10.05, 9.95]


def cell(found, quantity=FID):
    return next(item for item in found.cells if item.quantity == quantity)


def test_identical_passes_even_with_one_seed(board_of):
    assert gate(board_of(dcgan=GOOD), board_of(dcgan=GOOD)).exit == Exit.PASS
    found = gate(board_of(dcgan=[10.0]), board_of(dcgan=[10.0]))
    assert found.exit == Exit.PASS
    assert cell(found).words == "identical in 1 seed"


def test_worse_by_more_than_the_margin_regresses(board_of):
    found = gate(board_of(dcgan=[value * 1.1 for value in GOOD]), board_of(dcgan=GOOD))
    assert found.exit == Exit.REGRESSED
    assert cell(found).worse_by == pytest.approx(10.0, rel=1e-6)
    assert cell(found).words.startswith("worse by 10 %, at most 11 % worse, 5 seeds")


def test_a_certain_change_inside_the_margin_passes(board_of):
    found = gate(board_of(dcgan=[value * 1.02 for value in GOOD]), board_of(dcgan=GOOD))
    assert cell(found).p < 0.05
    assert found.exit == Exit.PASS
    tight = gate(
        board_of(dcgan=[value * 1.02 for value in GOOD]), board_of(dcgan=GOOD), margins.parse(["fid=1%"], COLUMNS)
    )
    assert tight.exit == Exit.REGRESSED


def test_two_noisy_seeds_are_inconclusive_and_say_what_would_settle_it(board_of):
    noisy, base = board_of(dcgan=[10.3, 9.8]), board_of(dcgan=[9.7, 10.2])
    found = gate(noisy, base)
    assert cell(found).verdict == "inconclusive"
    assert cell(found).needed is not None
    assert cell(found).needed > 2
    assert f"about {cell(found).needed} seeds each would settle it" in cell(found).words
    assert found.exit == Exit.PASS
    assert gate(noisy, base, fail_inconclusive=True).exit == Exit.INCONCLUSIVE


def test_one_seed_is_inconclusive(board_of):
    found = gate(board_of(dcgan=[20.0]), board_of(dcgan=[10.0]))
    assert cell(found).verdict == "inconclusive"
    assert "one seed has no spread" in cell(found).words


def test_no_baseline_is_incomplete_never_a_pass(board_of):
    found = gate(board_of(dcgan=GOOD), None, source="nowhere")
    assert found.exit == Exit.INCOMPLETE
    assert found.incomplete == ("no baseline: nowhere holds no record of suite digits",)
    assert gate(board_of(dcgan=GOOD), None, fail_incomplete=False).exit == Exit.INCOMPLETE


def test_nothing_in_common_is_incomplete_never_a_pass(board_of):
    found = gate(board_of(sngan=GOOD), board_of(gan=[9.0, 9.1]), fail_incomplete=False)
    assert found.cells == ()
    assert found.exit == Exit.INCOMPLETE


def test_a_renamed_member_is_reported(board_of, records_of):
    renamed = gate(board_of(dcgan2=GOOD, sngan=GOOD), board_of(dcgan=GOOD, sngan=GOOD))
    assert renamed.exit == Exit.INCOMPLETE
    assert renamed.incomplete == (
        "dcgan is in the baseline and not among the candidates; was it renamed to dcgan2 (same source)?",
    )
    assert renamed.notes == ("dcgan2 is new: nothing to compare it with", "both sides ran the same source of sngan")
    edited = board.build(records_of(dcgan2=GOOD, also={"source": "s2"}))
    assert "same parameters" in gate(edited, board_of(dcgan=GOOD)).incomplete[0]
    other = board.build(records_of(dcgan2=GOOD, also={"source": "s2", "parameters": {"g": 1}}))
    assert "new here: dcgan2" in gate(other, board_of(dcgan=GOOD)).incomplete[0]
    assert gate(board_of(sngan=GOOD), board_of(dcgan=GOOD, sngan=GOOD), fail_incomplete=False).exit == Exit.PASS


def test_failed_and_missing_runs_are_incomplete(make_record, board_of):
    failed = [
        make_record("dcgan", 4, status="failed"),
        *(make_record("dcgan", seed, {FID: GOOD[seed]}) for seed in range(4)),
    ]
    found = gate(board.build(failed), board_of(dcgan=GOOD))
    assert found.exit == Exit.INCOMPLETE
    assert found.incomplete == ("dcgan: 1 runs ended as failed",)


def test_divergence_counts(board_of):
    base = board_of(dcgan=GOOD)
    one, two, all_ = (
        gate(board_of(dcgan=values), base) for values in ([*GOOD[:4], None], [*GOOD[:3], None, None], [None] * 5)
    )
    assert cell(one, cells.FINISHED).verdict == "inconclusive"
    assert (two.exit, all_.exit) == (Exit.REGRESSED, Exit.REGRESSED)
    assert cell(all_, cells.FINISHED).words == "5 of 5 diverged against 0 of 5"
    assert cell(gate(board_of(dcgan=GOOD), board_of(dcgan=[*GOOD[:4], None])), cells.FINISHED).verdict == "pass"
    shaky = board_of(dcgan=[10.0, None, 10.1, None, 10.2])
    assert cell(gate(shaky, shaky), cells.FINISHED).verdict == "pass"


@pytest.mark.parametrize(
    ("bad", "ran", "base_bad", "base_ran"), [(2, 5, 0, 5), (4, 5, 0, 5), (3, 8, 1, 10), (0, 5, 2, 5)]
)
def test_fisher_agrees_with_scipy(bad, ran, base_bad, base_ran):
    table = [[bad, ran - bad], [base_bad, base_ran - base_bad]]
    assert cells.fisher_more(bad, ran, base_bad, base_ran) == pytest.approx(stats.fisher_exact(table, "greater").pvalue)


def test_parameters_gate_exactly(board_of, records_of):
    larger = board.build(records_of(dcgan=GOOD, also={"parameters": {"generator": 1_001, "discriminator": 900}}))
    found = gate(larger, board_of(dcgan=GOOD))
    assert cell(found, "parameters").verdict == "regressed"
    assert cell(found, "parameters").words == "1,901 against 1,900 (+1)"
    assert gate(larger, board_of(dcgan=GOOD), margins.parse(["parameters=1%"], COLUMNS)).exit == Exit.PASS
    assert cell(gate(board_of(dcgan=GOOD), larger), "parameters").verdict == "pass"


def test_another_protocol_is_not_comparable_and_explained(make_record, board_of):
    rules = make_record().protocol
    longer = {**rules, "training": {**rules["training"], "images": 128_000}}
    candidate = board.build(
        [make_record("dcgan", seed, {FID: value}, protocol=longer, version="2.0.0") for seed, value in enumerate(GOOD)]
    )
    found = gate(candidate, board_of(dcgan=GOOD))
    assert found.exit == Exit.NOT_COMPARABLE
    assert "(suite 2.0.0) against" in found.incomparable[0]
    assert found.incomparable[1].startswith("training.images: 128000 against 64000: ")
    other = board.build([make_record("dcgan", 0, {FID: 10.0}, suite="mnist")])
    assert gate(other, board_of(dcgan=GOOD)).incomparable == (
        "the candidate is of suite mnist, the baseline of digits",
    )


def test_a_new_minor_version_of_the_suite_is_noted(records_of, board_of):
    newer = board.build(records_of(dcgan=GOOD, also={"version": "1.1.0"}))
    found = gate(newer, board_of(dcgan=GOOD))
    assert found.exit == Exit.PASS
    assert found.notes[0] == "the baseline is of suite version 1.0.0, the candidate of 1.1.0; the protocol is the same"


def test_more_metrics_gate_when_they_have_a_margin_and_holm_counts_them(make_record):
    def build(share):
        return board.build(
            make_record("dcgan", seed, {FID: value, PRECISION: share + seed / 200}) for seed, value in enumerate(GOOD)
        )

    alone, both = gate(build(0.6), build(0.7)), gate(build(0.6), build(0.7), margins.parse(["precision=0.02"], COLUMNS))
    assert [item.quantity for item in alone.cells] == [FID, "finished runs", "parameters"]
    assert alone.exit == Exit.PASS
    assert both.exit == Exit.REGRESSED
    assert cell(both, PRECISION).words.startswith("worse by 10 points")


def test_holm_corrects_over_the_cells(board_of):
    base = {f"m{index}": [10.0, 10.6, 9.5, 10.2, 9.8] for index in range(10)}
    worse = {**base, "m0": [10.8, 11.5, 10.1, 11.0, 10.6]}
    one = gate(board_of(m0=worse["m0"]), board_of(m0=base["m0"]))
    ten = gate(board_of(**worse), board_of(**base))
    assert cell(one).verdict == "regressed"
    assert cell(ten).member == "m0"
    alone = cell(one).p
    assert alone is not None
    assert cell(ten).p == pytest.approx(10 * alone, rel=1e-9)
    assert cell(ten).verdict == "inconclusive"


def test_members_can_be_chosen(board_of):
    base = board_of(dcgan=GOOD, sngan=GOOD)
    found = gate(board_of(dcgan=GOOD), base, members=["dcgan"])
    assert found.exit == Exit.PASS
    with pytest.raises(UserError, match="Did you mean 'dcgan'"):
        gate(base, base, members=["dcgam"])


def outcomes(cv, n, change, trials=1500, seed=0):
    """Verdicts on a single cell with log-normal noise, through the gate's own decision."""
    rng = default_rng(seed)
    old, new = 10 * rng.lognormal(0, cv, (trials, n)), 10 * (1 + change) * rng.lognormal(0, cv, (trials, n))
    counts: dict[str, float] = Counter()  # pyright: ignore[reportAssignmentType]  # of shares
    for before, after in zip(old.tolist(), new.tolist(), strict=True):
        losses = [[COLUMN.loss(value) for value in values] for values in (before, after)]
        draft = cells.Draft("m", COLUMN, margins.DEFAULT, tuple(after), tuple(before), st.welch(*losses).p_above())
        counts[cells.judged([draft])[0].verdict] += 1 / trials
    return counts


@pytest.mark.parametrize("n", [3, 5, 10])
@pytest.mark.parametrize("cv", [0.02, 0.05, 0.1])
def test_equal_members_rarely_raise_an_alarm(cv, n):
    assert outcomes(cv, n, 0.0)["regressed"] <= 0.05 + 0.011  # two standard errors of 1,500 trials


def test_ten_percent_at_cv_five_percent_is_caught_with_five_seeds():
    assert outcomes(0.05, 5, 0.10)["regressed"] >= 0.80


def test_a_board_of_equal_members_rarely_raises_an_alarm():
    rng = default_rng(1)
    alarms = 0
    for _ in range(300):
        old, new = 10 * rng.lognormal(0, 0.05, (12, 5)), 10 * rng.lognormal(0, 0.05, (12, 5))
        drafts = []
        for before, after in zip(old.tolist(), new.tolist(), strict=True):
            losses = [[COLUMN.loss(value) for value in values] for values in (before, after)]
            drafts.append(
                cells.Draft("m", COLUMN, margins.DEFAULT, tuple(after), tuple(before), st.welch(*losses).p_above())
            )
        alarms += any(item.verdict == "regressed" for item in cells.judged(drafts))
    assert alarms / 300 <= 0.05 + 0.025


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.1])
def test_members_that_diverge_equally_often_rarely_raise_an_alarm(rate):
    rng = random.Random(0)
    alarms = 0
    for _ in range(2000):
        bad, base_bad = (sum(rng.random() < rate for _ in range(5)) for _ in range(2))
        alarms += cells.diverges_more(bad, 5, base_bad, 5) == "regressed"
    assert alarms / 2000 <= 0.06


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fid", "is not METRIC=AMOUNT"),
        ("fid=", "is not METRIC=AMOUNT"),
        ("=5%", "is not METRIC=AMOUNT"),
        ("fid=5%%", "is not METRIC=AMOUNT"),
        ("fid=five", "is not an amount"),
        ("fid=-5%", "is not an amount"),
        ("fid=nan", "is not an amount"),
        ("fid=inf%", "is not an amount"),
        ("fdi=5%", "Did you mean 'fid'"),
        ("precision=100%", "may not fall by 100 %"),
        ("fid=1e9%", "next to nothing could fail"),
        ("fid=1e9", "next to nothing could fail"),
        ("parameters=101%", "next to nothing could fail"),
        ("precision=5", "Did you mean 5%"),
        ("train_seconds=10%", "bench perf"),
    ],
)
def test_a_margin_that_makes_no_sense_is_refused(text, message):
    with pytest.raises(UserError, match=message):
        margins.parse([text], COLUMNS)


def test_margins_are_read():
    found = margins.parse(["fid=5%", f"{PRECISION}=0.02", "parameters=0"], COLUMNS)
    assert {metric: str(margin) for metric, margin in found.items()} == {
        FID: "5 %",
        PRECISION: "0.02",
        "parameters": "0",
    }
    assert found[FID].worst(10.0, COLUMN) == pytest.approx(10.5)
    assert found[PRECISION].worst(0.7, SHARE) == pytest.approx(0.68)
    with pytest.raises(UserError, match="has a margin already"):
        margins.parse(["fid=5%", f"{FID}=6%"], COLUMNS)


def test_baseline_from_a_folder_a_file_and_nowhere(records_of, tmp_path):
    for item in records_of(dcgan=GOOD):
        record.write(item, tmp_path / "results")
    built = attach(board.build(board.load(tmp_path / "results")), tmp_path / "results")
    (tmp_path / "digits.json").write_text(render.render(built, "json"))
    for place in ("results", "digits.json"):
        found = baseline.find(str(tmp_path / place), "digits").board
        assert found is not None
        assert render.render(found, "json") == render.render(built, "json")
        assert gate(built, found).exit == Exit.PASS
    assert baseline.find(str(tmp_path / "results"), "mnist").board is None
    assert baseline.find(str(tmp_path / "gone"), "digits").board is None
    for content in ("{", "[]", '{"suite": 1}', "12"):
        (tmp_path / "bad.json").write_text(content)
        with pytest.raises(UserError, match=r"bad\.json: (truncated or not JSON|holds no JSON object|is not a board)"):
            baseline.find(str(tmp_path / "bad.json"), "digits")


def test_baseline_from_git(records_of, tmp_path, tmp_path_factory, monkeypatch):
    def git(*arguments):
        subprocess.run(
            ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b", *arguments],
            check=True,
            capture_output=True,
        )

    results = tmp_path / "results"
    git("init", "-q", "-b", "main")
    git("commit", "-q", "--allow-empty", "-m", "empty")
    git("tag", "empty")
    for item in records_of(dcgan=GOOD):
        record.write(item, results)
    git("add", ".")
    git("commit", "-q", "-m", "results")
    found = baseline.find("git:HEAD", "digits", results)
    assert found.board is not None
    assert [row.member for row in found.board.rows] == ["dcgan"]
    assert baseline.find("git:empty", "digits", results).board is None
    for revision in ("nonsense", "", "--output=x"):
        with pytest.raises(UserError, match="baseline git:"):
            baseline.find(f"git:{revision}", "digits", results)
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    for place in (Path("../results"), tmp_path / "sub" / ".." / "results", tmp_path.resolve() / "results"):
        assert baseline.find("git:HEAD", "digits", place).board is not None
    assert baseline.find("git:HEAD:results", "digits", tmp_path / "elsewhere").board is not None
    assert baseline.find("git:HEAD:none", "digits", tmp_path / "elsewhere").board is None
    outside = tmp_path_factory.mktemp("outside")
    with pytest.raises(UserError, match=r"is in no git repository\. Write git:REV:DIR"):
        baseline.find("git:HEAD", "digits", outside / "results")


def test_renderings_agree(board_of):
    found = gate(
        board_of(**{"a<b>|c": [value * 1.2 for value in GOOD], "gan": [1.0, 2.0]}),
        board_of(**{"a<b>|c": GOOD, "gan": [1.5, 1.6], "sngan": GOOD}),
        source="main",
    )
    assert found.exit == Exit.REGRESSED
    content = json.loads(gate_text.render_json(found))
    assert (content["exit"], content["verdict"], content["compared"]) == (1, "regressed", 6)
    suite = ElementTree.fromstring(gate_text.render_junit(found)).find("testsuite")
    assert suite is not None
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": str(6 + len(found.incomplete)),
        "failures": "1",
        "errors": str(len(found.incomplete)),
        "skipped": "1",
    }
    assert "a&lt;b&gt;&#124;c" in gate_text.render_markdown(found)
    text = gate_text.render_text(found)
    assert text.startswith(
        "gate digits: REGRESSED (exit 1): 6 cells compared: 4 passed, 1 regressed, 1 not decided\nbaseline: main\n"
    )
    assert "sngan is in the baseline" in text


def test_junit_of_nothing_is_an_error(board_of):
    found = gate(board_of(dcgan=GOOD), None)
    suite = ElementTree.fromstring(gate_text.render_junit(found)).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("errors")) == ("1", "1")


def test_control_characters_do_not_break_the_xml(board_of):
    found = gate(board_of(dcgan=GOOD), board_of(dcgan=GOOD))
    found = replace(found, cells=tuple(replace(cell, member="dc\x00gan") for cell in found.cells))
    assert "dc�gan" in gate_text.render_junit(found)
    ElementTree.fromstring(gate_text.render_junit(found))


MEMORISED = "memorised: 100% of fakes are nearer to a training image than 99% of held-out images are"


def flagged(item, flag=MEMORISED):
    scores = tuple(score.model_copy(update={"flags": (flag,)}) for score in item.scores)
    return item.model_copy(update={"scores": scores}).sealed()


def test_a_memoriser_is_no_pass_and_is_said_first(records_of, board_of):
    thief = board.build([flagged(item) for item in records_of(dcgan=[value / 10 for value in GOOD])])
    found = gate(thief, board_of(dcgan=GOOD))
    assert found.exit == Exit.REGRESSED
    assert "dcgan is memorised in 5 of 5 runs (100% of fakes" in gate_text.headline(found)
    both = gate(thief, thief)
    assert both.exit == Exit.PASS
    assert gate_text.headline(both).startswith("gate digits: not decided (exit 0): dcgan is memorised")
    assert "✅" not in gate_text.render_markdown(both).splitlines()[0]
    cured = gate(board_of(dcgan=GOOD), thief)
    assert [cell.verdict for cell in cured.cells if cell.quantity == "trust"] == ["pass"]


def test_other_flags_are_noted(records_of, board_of):
    few = board.build([flagged(item, "10 fake samples for 64 feature dimensions") for item in records_of(dcgan=GOOD)])
    notes = gate(few, board_of(dcgan=GOOD)).notes
    assert f"dcgan: {FID}: 10 fake samples for 64 feature dimensions" in notes


def at(commit, records, **more):
    where = {"commit": commit, **more}
    return board.build(
        [
            item.model_copy(update={"environment": item.environment.model_copy(update=where)}).sealed()
            for item in records
        ]
    )


def test_the_same_source_at_two_revisions_is_no_pass(records_of):
    before, after = at("a" * 40, records_of(dcgan=GOOD)), at("b" * 40, records_of(dcgan=GOOD))
    found = gate(after, before)
    assert found.exit == Exit.INCOMPLETE
    assert (
        "both sides ran the same source of dcgan although their revisions differ (bbbbbbbbbb against aaaaaaaaaa)"
        in (gate_text.render_text(found))
    )
    assert 'errors="1"' in gate_text.render_junit(found)
    assert gate(after, before, fail_same_source=False).exit == Exit.PASS
    assert gate(after, after).exit == Exit.PASS
    other = at("b" * 40, records_of(dcgan=GOOD, also={"source": "s2"}))
    assert gate(other, before).exit == Exit.PASS


def test_an_undecided_gate_has_no_tick(board_of):
    found = gate(board_of(dcgan=[10.0, 12.0]), board_of(dcgan=[10.1, 11.0]))
    assert found.exit == Exit.PASS
    assert gate_text.headline(found).startswith("gate digits: not decided (exit 0)")
    first, *_ = gate_text.render_markdown(found).splitlines()
    assert first.startswith("### ❔")
    assert "would settle it" in gate_text.render_text(found)
    assert json.loads(gate_text.render_json(found))["verdict"] == "inconclusive"


@pytest.mark.parametrize("text", ["fid=1e9%", "fid=1001%", "precision=5000%", "fid=1e9"])
def test_a_margin_that_nothing_exceeds_is_refused(text):
    with pytest.raises(UserError, match=r"next to nothing could fail|100 % or more"):
        margins.parse([text], COLUMNS)

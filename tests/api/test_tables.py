"""Tables and figures from Python say what the records say."""

import pytest

import bench
from bench.records import record as records


@pytest.fixture
def results(make_record, tmp_path):
    for seed in range(5):
        records.write(make_record("good", seed, {"fid@digits-cnn": (10.0 + seed / 10, 10.2 + seed / 10)}), tmp_path)
        records.write(make_record("poor", seed, {"fid@digits-cnn": (20.0 + seed / 10, 20.2 + seed / 10)}), tmp_path)
    records.write(make_record("broken", 0, status="failed"), tmp_path)
    return tmp_path


def test_records_have_a_row_per_score_and_failures_are_not_lost(results):
    frame = bench.load_records(results)
    assert len(frame.query("member == 'good' and checkpoint == 'last'")) == 10
    assert frame.query("member == 'good' and seed == 3 and checkpoint == 'last'")["value"].tolist() == [10.3, 10.5]
    (lost,) = frame.query("member == 'broken'").to_dict("records")
    assert lost["status"] == "failed"
    assert lost["metric"] is None or lost["metric"] != lost["metric"]  # None, or not a number


def test_the_board_is_in_order_and_says_its_verdict(results):
    board = bench.leaderboard(results)
    assert board["member"].tolist()[:2] == ["good", "poor"]
    assert board["score_last"].tolist()[:2] == pytest.approx([10.3, 20.3])
    assert board.attrs["suite"] == "digits"
    assert board.attrs["verdict"] == bench.verdict(results)
    assert "good" in board.attrs["verdict"]


def test_a_comparison_has_the_sign_and_the_interval(results):
    effect = bench.compare("good", "poor", results=results).iloc[0]
    assert (effect["metric"], effect["verdict"], effect["unit"]) == ("fid@digits-cnn", "better", "%")
    assert effect["low"] < 100 * (1 - 10.3 / 20.3) < effect["high"]
    assert bench.compare("poor", ["good"], results=results).iloc[0]["verdict"] == "worse"


def test_figures_can_be_changed_and_saved(results, tmp_path):
    figures = bench.figures(results)
    figures["cells"].savefig(tmp_path / "cells.svg")
    assert (tmp_path / "cells.svg").stat().st_size > 1_000


@pytest.mark.parametrize("call", [bench.leaderboard, bench.verdict, bench.figures, bench.load_records, bench.curves])
def test_a_folder_that_is_not_there_is_said(call, tmp_path):
    with pytest.raises(bench.UserError, match="no such folder"):
        call(tmp_path / "nothing")


def test_what_is_not_on_the_board_is_said(results, make_record):
    with pytest.raises(bench.UserError, match="poor"):
        bench.compare("pour", "good", results=results)
    with pytest.raises(bench.UserError, match="digits"):
        bench.leaderboard(results, "digit")
    records.write(make_record("good", 0, suite="other"), results)
    with pytest.raises(bench.UserError, match="Name one: digits, other"):
        bench.leaderboard(results)

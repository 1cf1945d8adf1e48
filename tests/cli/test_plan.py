"""`bench plan`."""

import json

import pytest


def test_plan_knows_what_is_done_and_what_it_would_cost(after, toys):
    code, out, _ = after("plan", "--suite", "tiny.toml", "--seed", 0, "--seed", 7, "--device", "cpu", "--json")
    assert code == 0
    rows = json.loads(out)
    assert [(row["seed"], row["state"]) for row in rows] == [(0, "done"), (7, "to do")]
    assert rows[0]["seconds"] is None
    assert rows[1]["seconds"] > 0
    assert rows[1]["low"] <= rows[1]["seconds"] <= rows[1]["high"]
    assert rows[1]["seconds"] == pytest.approx(rows[1]["train"] + rows[1]["evaluate"], abs=0.11)
    assert rows[1]["evaluate"] >= 0  # rounded to a tenth of a second


def test_plan_says_how_sure_it_is(after, toys):
    _, out, _ = after("plan", "--suite", "tiny.toml", "--seed", 7, "--device", "cpu")
    assert "1 of 1 jobs to do: about " in out
    assert "by the spread of the timed rounds" in out
    assert "of it evaluation" in out

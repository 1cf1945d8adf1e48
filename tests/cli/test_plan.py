"""`bench plan`."""

import json


def test_plan_knows_what_is_done_and_what_it_would_cost(after, toys):
    code, out, _ = after("plan", "--suite", "tiny.toml", "--seed", 0, "--seed", 7, "--device", "cpu", "--json")
    assert code == 0
    rows = json.loads(out)
    assert [(row["seed"], row["state"]) for row in rows] == [(0, "done"), (7, "to do")]
    assert rows[0]["seconds"] is None
    assert rows[1]["seconds"] > 0

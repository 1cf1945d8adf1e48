"""The comparison with the committed ratios, on made-up runs."""

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def ratios():
    spec = importlib.util.spec_from_file_location("ratios", Path(__file__).parent / "ratios.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def entry(name, group, median, **extra):
    return {"name": name, "group": group, "stats": {"median": median}, "extra_info": extra}


def test_ratios_are_over_the_first_of_a_group(ratios):
    loop = entry("test_loop", "loop", 9.0, ratios={"ours": {"wall": 1.2, "cpu": 1.1}}, threads=2)
    found = ratios.ratios(
        {"benchmarks": [entry("test_ours", "fid", 2.0), entry("test_theirs", "fid", 5.0), loop, entry("x", None, 1.0)]}
    )
    assert found == {
        "fid, time: theirs / ours": 2.5,
        "loop, speed, 2 threads, cpu: ours": 1.1,
        "loop, speed, 2 threads, wall: ours": 1.2,
    }


def test_changes_are_marked_and_nothing_is_left_out(ratios):
    lines = ratios.compared({"a": 2.0, "b": 1.0, "new": 3.0}, {"a": 1.0, "b": 1.01, "gone": 4.0})
    assert lines[0].startswith("*")
    assert "+100.0%" in lines[0]
    assert lines[1].startswith(" ")
    assert "not run" in lines[2]
    assert "new ->" in lines[3]

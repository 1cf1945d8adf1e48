"""A grid of parameters: its jobs run, go on after an interruption, and are compared and reported like any others."""

import json
from dataclasses import replace

import pytest
from torch import Tensor

from bench.gan import GAN, ImageSpec, Update
from bench.records import record as records
from bench.runs.trained_model import load

pytestmark = pytest.mark.slow

SUITE = """
name = "grid"
version = "1.0.0"
seeds = [0, 1]
ranking = "fid@random-cnn"
[[members]]
name = "toys:tunable"
width = [8, 16, 32]
lr = [1e-4, 1e-3]
[data]
name = "digits"
resolution = 16
[training]
images = 128
batch_size = 16
[evaluation]
metrics = ["fid@random-cnn"]
samples = 50
every = 64
curve_samples = 20
selection = "fid@random-cnn:held-out"
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def run(bench, monkeypatch, toys, home):
    """Calls a verb in a folder that holds the suite, and gives all that it printed."""
    monkeypatch.setenv("BENCH_HOME", str(home))
    (bench.folder / "grid.toml").write_text(SUITE)

    def call(*arguments: str, code: int = 0) -> str:
        ended, out, err = bench(*arguments)
        assert ended == code, out + err
        return out + err

    return call


def test_twelve_cells_run_resume_compare_and_report_like_any_others(run, tmp_path):
    run("run", "--suite", "grid.toml", "--member", "toys:tunable(width=8,lr=1e-4)")
    run("run", "--suite", "grid.toml")
    found = records.read_all(tmp_path / "results", "grid")
    assert len(found) == 12
    names = {record.member.name for record in found}
    assert names == {
        "tunable", "tunable(lr=0.0001)", "tunable(lr=0.0001,width=16)",
        "tunable(lr=0.0001,width=8)", "tunable(width=16)", "tunable(width=8)",
    }  # fmt: skip
    narrow = next(record for record in found if record.member.name == "tunable(lr=0.0001,width=8)")
    assert narrow.member.parameters == {"width": 8, "lr": 1e-4}
    assert narrow.parameters["critic"] == 256 * 8 + 8 + 8 + 1
    assert narrow.command.endswith("--member 'toys:tunable(lr=0.0001,width=8)' --seed 0")
    trained = load(tmp_path / "results" / narrow.file_name)
    assert trained.nets["critic"].get_submodule("1").weight.shape == (8, 256)

    board = run("leaderboard", "--suite", "grid")
    assert all(f"| {name} |" in board for name in names)
    compared = json.loads(
        run("compare", "toys:tunable(width=8)", "--against", "toys:tunable", "--suite", "grid.toml", "--format", "json")
    )
    assert compared["pairs"][0]["differs"] == ["width 8, not 32"]
    assert "differs in: width 8, not 32" in run(
        "compare", "toys:tunable(width=8)", "--against", "toys:tunable", "--suite", "grid.toml", "--format", "text"
    )
    first, second = (str(tmp_path / "results" / record.file_name) for record in (found[0], narrow))
    assert "parameter width" in run("explain", first, second)
    run("report", "--suite", "grid")
    assert "tunable(lr=0.0001,width=8)" in (tmp_path / "reports" / "grid.html").read_text()


def test_parameters_are_set_of_every_member_chosen(run, tmp_path):
    run("run", "--suite", "grid.toml", "--member", "toys:tunable", "--set", "width=24", "--seed", "0")
    (record,) = records.read_all(tmp_path / "results", "grid")
    assert record.member.name == "tunable(width=24)"
    said = run("run", "--suite", "grid.toml", "--member", "toys:toy", "--set", "width=24", code=2)
    assert "member toy: has no parameters" in said
    said = run("run", "--suite", "grid.toml", "--member", "toys:tunable(width=3)", "--set", "width=24", code=2)
    assert "width of toys:tunable(width=3) is set there too" in said


def test_a_suite_may_scale_every_width(run, tmp_path):
    (tmp_path / "grid.toml").write_text(
        SUITE.replace("images = 128", "images = 128\nwidth = 0.5").replace(
            "width = [8, 16, 32]\nlr = [1e-4, 1e-3]\n", ""
        )
    )
    said = run("run", "--suite", "grid.toml", "--member", "toys:tunable", "--member", "toys:toy", "--seed", "0")
    assert "width 0.5 is not for toy: no such parameter" in said
    assert {record.member.name for record in records.read_all(tmp_path / "results", "grid")} == {
        "toy",
        "tunable(width=16)",
    }
    board = run("leaderboard", "--suite", "grid")
    assert "| tunable(width=16) |" in board
    compared = run("compare", "toys:tunable", "--against", "toys:toy", "--suite", "grid.toml", "--no-run")
    assert "tunable(width=16) against toy" in compared


def test_a_comparison_whose_jobs_failed_says_so_with_its_exit_code(run, toys, monkeypatch):
    def broken(spec: ImageSpec) -> GAN:
        def explode(turn: object) -> Tensor:
            raise RuntimeError("no loss today")

        gan = toys.tunable(spec)
        return replace(
            gan, schedule=[replace(stage, updates=[Update("critic", {"x": explode})]) for stage in gan.schedule]
        )

    monkeypatch.setattr(toys, "broken", broken, raising=False)
    run("run", "--suite", "grid.toml", "--member", "toys:tunable")
    said = run("compare", "toys:broken", "--against", "toys:tunable", "--suite", "grid.toml", code=1)
    assert "2 of 2 jobs failed" in said

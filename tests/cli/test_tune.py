"""`bench tune` from its arguments to a board that says what the search cost."""

import json

import pytest

from bench.records.record import read_all

SPACE = "[lr]\nlow = 1e-5\nhigh = 1.0\nlog = true\n\n[width]\nchoices = [8, 16]\n"
TUNE = ("tune", "toys:tunable", "--suite", "tiny.toml", "--space", "space.toml", "--device", "cpu")


@pytest.fixture
def tuning(bench, toys, monkeypatch):
    monkeypatch.setenv("BENCH_HOME", str(bench.folder / "home"))
    (bench.folder / "space.toml").write_text(SPACE)
    return bench


@pytest.mark.slow
def test_a_search_ends_with_rows_that_say_what_it_cost(tuning):
    code, out, err = tuning(*TUNE, "--trials", 3)
    assert code == 0, err
    assert "best of 3 trials: toys:tunable(" in out
    assert "tuned images: 2,880" in out
    records = read_all(tuning.folder / "results")
    assert sorted(record.seed for record in records) == [0, 1]
    for record in records:
        assert record.tuning is not None
        assert (record.tuning.trials, record.tuning.failed, record.tuning.images) == (3, 0, 2_880)
        assert record.tuning.space == {"lr": "1e-05 to 1, log", "width": "8 | 16"}
        assert record.tuning.metric == "fid@digits-cnn:held-out"
    code, board, _ = tuning("leaderboard", "--suite", "tiny", "--format", "json")
    (row,) = [row for row in json.loads(board)["rows"] if row["kind"] == "ranked"]
    assert row["tuned_images"] == row["cost"]["tuned_images"] == 2_880
    assert "Tuned images" in tuning("leaderboard", "--suite", "tiny")[1]
    assert tuning("validate", "results")[0] == 0
    before = {path: path.read_bytes() for path in tuning.folder.glob("results/*/*/*.json")}
    code, again, err = tuning(*TUNE, "--trials", 3)
    assert (code, err) == (0, "")
    assert again.splitlines()[0] in out
    assert {path: path.read_bytes() for path in tuning.folder.glob("results/*/*/*.json")} == before


@pytest.mark.slow
def test_records_from_before_the_search_are_named(tuning):
    for seed in (0, 1):
        assert tuning.run("--member", "toys:tunable(width=8)", "--seed", seed)[0] == 0
    (tuning.folder / "space.toml").write_text("[width]\nchoices = [8, 9]\n")
    tuning(*TUNE, "--trials", 1, "--search-only")
    (study,) = (json.loads(path.read_text()) for path in tuning.folder.glob("tuning/*/*/*/study.json"))
    for seed in (0, 1):
        tuning.run("--member", study["best"], "--seed", seed)
    code, _, err = tuning(*TUNE, "--trials", 1)
    assert code == 0
    assert "2 of 2 records are from before this search" in err


@pytest.mark.slow
def test_processes_share_the_trials(process, tmp_path):
    (tmp_path / "space.toml").write_text(SPACE)
    with process(*TUNE, "--trials", 4, "--on", "local:2", "--sampler", "random") as started:
        out, err = started.communicate(timeout=300)
    assert started.returncode == 0, out + err
    assert out.count("best of 4 trials") == 1
    assert "expected best of n random trials" in out


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ("", "names no parameter"),
        ("[lr]\nlow = 1\nhigh = 0.1\n", "is not below"),
        ("[lrr]\nlow = 0.1\nhigh = 1\n", "Did you mean 'lr'"),
        ("[lr]\nlow = 0\nhigh = 1\nlog = true\n", "above 0"),
        ("[lr\n", "not valid TOML"),
    ],
)
def test_a_space_that_cannot_be_searched_is_refused(tuning, space, said):
    (tuning.folder / "space.toml").write_text(space)
    assert said in tuning.refuses(*TUNE, "--trials", 2)
    assert not (tuning.folder / "tuning").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--trials", 0), "--trials"),
        (("--trials", 2, "--share", "nan"), "--share"),
        (("--trials", 2, "--share", "1.5"), "--share"),
        (("--trials", 2, "--share", "0.001"), "less than a batch"),
        (("--trials", 2, "--sampler", "grid"), "--sampler"),
        (("--trials", 2, "--on", "cluster"), "local"),
        (("--trials", 2, "--tuning-dir", "space.toml"), "space.toml"),
    ],
)
def test_options_that_mean_nothing_are_refused(tuning, arguments, said):
    assert said in tuning.refuses(*TUNE, *arguments)


def test_more_trials_than_configurations_are_refused(tuning):
    (tuning.folder / "space.toml").write_text("[width]\nchoices = [8, 16]\n")
    assert "has 2 configurations" in tuning.refuses(*TUNE, "--trials", 3)

"""Mistakes that a user can fix: one line on stderr, exit code 2, nothing written."""

import pytest

TINY = ("run", "--suite", "tiny.toml")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rnu"], "No such command 'rnu'. Did you mean 'run'? See `bench --help`."),
        (["run", "--sweet", "x"], "run: No such option: --sweet"),
        (["run", "--suite", "dmeo"], "unknown suite 'dmeo'. Did you mean 'demo'"),
        (["run"], "give either --suite NAME, or --dataset SET"),
        (["run", "--suite", "demo", "--images", 5], "--images: belongs to --dataset"),
        ([*TINY, "--member", "dcgn"], "unknown member 'dcgn'. Did you mean 'dcgan', 'cgan' or 'ddgan'?"),
        ([*TINY, "--device", "cuda:99"], "--device cuda:99"),
        ([*TINY, "--device", "quantum"], "--device quantum"),
        ([*TINY, "--parts", 0], "parts"),
        (["show", "dcgn"], "Did you mean 'dcgan'"),
        (["leaderboard"], "there are no records in results"),
        (["validate", "nowhere"], "no such folder"),
        (["sample", "nowhere.pt", "--out", "x.npz"], "there is no such file"),
        (["check"], "no member given"),
    ],
)
def test_a_mistake_is_answered_in_one_line(bench, arguments, words):
    assert words in bench.refuses(*arguments)
    assert list(bench.folder.rglob("*.json")) == []

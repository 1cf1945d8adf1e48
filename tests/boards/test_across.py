"""Aggregates over data sets, against scipy and by hand."""

import numpy as np
import pytest
from numpy.random import default_rng
from scipy import stats

from bench.boards import across, board
from bench.errors import UserError

FID, PRECISION = "fid@digits-cnn", "precision@digits-cnn"


def test_interquartile_mean_is_the_trimmed_mean():
    values = default_rng(0).normal(size=23).tolist()
    assert across.interquartile_mean(values) == pytest.approx(stats.trim_mean(values, 0.25), rel=1e-12)


def test_profile_by_hand_counts_data_sets_alike():
    assert across.performance_profile([[1.0, 3.0], [1.0, 1.0, 1.0, 2.0]], [0.5, 1.0, 2.0, 3.0]) == [
        0.0,
        0.625,
        0.75,
        1.0,
    ]


def test_bootstrap_of_one_data_set_agrees_with_scipy():
    values = default_rng(1).lognormal(2, 0.3, 40)
    ours = across.bootstrap([values.tolist()], [lambda runs: float(np.mean(runs[0]))], default_rng(2), resamples=5000)[
        0
    ]
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=5000, method="percentile", rng=default_rng(3)
    ).confidence_interval
    assert ours == pytest.approx(tuple(theirs), rel=0.01)


def test_hierarchical_bootstrap_is_wider_where_data_sets_disagree():
    agree = [[0.0, 0.1, -0.1]] * 6
    disagree = [[level, level + 0.1, level - 0.1] for level in (-1.0, -0.5, 0.0, 0.0, 0.5, 1.0)]
    widths = []
    for runs in (agree, disagree):
        [(low, high)] = across.bootstrap(runs, [across._geometric], default_rng(0), resamples=1000)
        widths.append(high - low)
    assert widths[1] > 5 * widths[0]


def test_hierarchical_bootstrap_covers_over_many_data_sets():
    rng = default_rng(5)
    hits = 0
    for trial in range(100):
        runs = (rng.normal(0, 0.2, (12, 1)) + rng.normal(0, 0.05, (12, 5))).tolist()
        [(low, high)] = across.bootstrap(runs, [across._geometric], default_rng(trial), resamples=200)
        hits += low <= 0 <= high
    assert 0.86 <= hits / 100 <= 0.99


@pytest.fixture
def boards(make_record):
    def build(suite, level, **ratios):
        return board.build(
            make_record(
                name, seed, {FID: level * ratio * (1 + seed / 100)}, suite=suite, status="ok" if ratio else "diverged"
            )
            for name, ratio in ratios.items()
            for seed in range(3)
        )

    return build


def test_ratios_average_geometrically_and_nobody_over_fewer_cells(boards):
    found = across.across(
        [
            boards("mnist", 5, dcgan=1, sngan=0.5, wgan=1.2),
            boards("cifar10", 50, dcgan=1, sngan=0.8, wgan=1.1),
            boards("celeba64", 20, dcgan=1, sngan=0.6),
        ],
        "dcgan",
    )
    assert [standing.member for standing in found.standings] == ["sngan", "dcgan"]
    assert found.left_out == ("wgan",)
    best = found.standings[0]
    assert best.ratio == pytest.approx((0.5 * 0.8 * 0.6) ** (1 / 3))
    assert best.ratio_interval[0] < best.ratio < best.ratio_interval[1]
    assert best.probability == 1.0
    assert found.standings[1].probability == 0.5
    assert best.profile[across.THRESHOLDS.index(1.0)] == 1.0
    text = across.render_markdown(found)
    assert "Not complete on every data set, so not averaged: wgan." in text
    assert text == across.render_markdown(
        across.across(
            [
                boards("mnist", 5, dcgan=1, sngan=0.5, wgan=1.2),
                boards("cifar10", 50, dcgan=1, sngan=0.8, wgan=1.1),
                boards("celeba64", 20, dcgan=1, sngan=0.6),
            ],
            "dcgan",
        )
    )


def test_what_has_no_ratio_is_not_averaged(boards, make_record):
    with pytest.raises(UserError, match="baseline 'gan' has no complete row"):
        across.across([boards("mnist", 5, dcgan=1)], "gan")
    shares = board.build([make_record("dcgan", 0, {PRECISION: 0.5}, ranking=PRECISION)])
    with pytest.raises(UserError, match="no meaningful ratio"):
        across.across([shares], "dcgan")

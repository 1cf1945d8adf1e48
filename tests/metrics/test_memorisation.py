"""Copies are found and flagged; held-out images, and fresh samples of the same distribution, are not."""

import pytest
import torch
from scipy.stats import mannwhitneyu

from bench.features.features import Features
from bench.metrics.fid import fid
from bench.metrics.memorisation import auth_pct, c_t, copies, mann_whitney_z, nearest_train

METRICS = (nearest_train, copies, auth_pct, c_t)


def normal(n: int, seed: int, d: int = 32) -> Features:
    return Features(torch.randn(n, d, generator=torch.Generator().manual_seed(seed)))


@pytest.fixture(scope="module")
def splits():
    return normal(2000, 0), normal(1000, 1)


def noisy(train: Features, scale: float) -> Features:
    return Features(train.features + scale * normal(len(train), 7).features)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("noise", [0, 1e-3])
def test_copies_are_flagged(splits, metric, noise):
    found = metric(*splits, noisy(splits[0], noise))
    assert found.flags == ("memorised: 100% of fakes are nearer to a training image than 99% of held-out images are",)


@pytest.mark.parametrize("metric", METRICS)
def test_held_out_and_fresh_images_are_not_flagged(splits, metric):
    for fake in (splits[1], normal(1500, 2)):
        assert metric(*splits, fake).flags == ()


def test_a_tenth_of_copies_is_enough(splits):
    train, held_out = splits
    mixed = Features(torch.cat([train.features[:150], normal(1350, 2).features]))
    assert copies(train, held_out, mixed).flags


def test_copied_figures(splits):
    train, held_out = splits
    fake = noisy(train, 0)
    assert nearest_train(train, held_out, fake).value == 0
    assert copies(train, held_out, fake).value == 1
    assert auth_pct(train, held_out, fake).value == 0
    assert c_t(train, held_out, fake).value < -20
    assert fid(train, fake) < 1e-9 < 0.1 < fid(held_out, fake)


def test_fresh_images_get_the_figures_of_the_held_out(splits):
    train, held_out = splits
    fake = normal(1500, 2)
    assert nearest_train(train, held_out, fake).value == pytest.approx(
        nearest_train(train, held_out, fake).baseline, rel=0.02
    )
    authentic = auth_pct(train, held_out, fake)
    assert authentic.baseline is not None
    assert 70 < authentic.value < 90  # not 50: a new point need not have its neighbour's distance
    assert abs(authentic.value - authentic.baseline) < 5
    copying = c_t(train, held_out, fake)
    assert copying.baseline is not None
    assert abs(copying.value) < 3
    assert abs(copying.baseline) < 3
    assert copies(train, held_out, fake).value < 0.03


def test_garbage_is_authentic(splits):
    """What AuthPct and C_T cannot tell from novelty."""
    garbage = Features(3 * normal(1000, 3).features)
    train, held_out = splits
    assert auth_pct(train, held_out, garbage).value == 100
    assert c_t(train, held_out, garbage).value > 20


def test_mann_whitney_against_scipy():
    q, p = normal(40, 0, 1).features[:, 0], normal(60, 1, 1).features[:, 0] + 0.3
    u = mannwhitneyu(q.numpy(), p.numpy()).statistic
    assert mann_whitney_z(q, p) == pytest.approx((u - 1200) / (40 * 60 * 101 / 12) ** 0.5, rel=1e-9)
    assert mann_whitney_z(torch.ones(5), torch.ones(7)) == 0

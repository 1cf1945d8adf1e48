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


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("share", [0.01, 0.3, 1.0])
def test_training_images_in_the_held_out_split_are_said_and_switch_no_flag_off(splits, metric, share):
    train, held_out = splits
    leaked = int(share * len(held_out))
    leaky = Features(torch.cat([train.features[:leaked], held_out.features[leaked:]]))
    found = metric(train, leaky, noisy(train, 0))
    assert found.flags[0].startswith("memorised: 100% of fakes")
    assert found.flags[1] == f"{leaked} of 1000 held-out images are training images"
    honest = metric(train, leaky, normal(1500, 2)).flags
    assert honest == (f"{leaked} of 1000 held-out images are training images",)


def test_copies_are_counted_although_held_out_images_are_training_images(splits):
    train, held_out = splits
    leaky = Features(torch.cat([train.features[:30], held_out.features[30:]]))
    assert copies(train, leaky, noisy(train, 0)).value == 1
    assert copies(train, leaky, normal(1500, 2)).value == pytest.approx(
        copies(train, held_out, normal(1500, 2)).value, abs=5e-3
    )


def test_near_duplicates_in_the_held_out_split_switch_no_flag_off(splits):
    """A twentieth of the held-out images are training images saved again: then so are fakes that are memorised."""
    train, held_out = splits
    again = train.features[:50] + 1e-3 * normal(50, 8).features
    similar = Features(torch.cat([again, held_out.features[50:]]))
    assert copies(train, similar, noisy(train, 2e-3)).flags[0].startswith("memorised")
    assert copies(train, similar, normal(1500, 2)).flags == ()


def test_few_images_raise_no_flag_by_chance():
    """One of twenty fakes nearer than all of twenty held-out images: that is so in half of all draws."""
    raised = 0
    for seed in range(200):
        train, held_out, fake = (normal(count, 3 * seed + part, 8) for part, count in enumerate((100, 20, 20)))
        raised += bool(nearest_train(train, held_out, fake).flags)
    assert raised <= 1


def test_rounding_does_not_hide_a_copy(splits):
    train, held_out = splits
    rounded = Features(train.features * (1 + 1e-7))
    leaky = Features(torch.cat([rounded.features[:500], held_out.features[500:]]))
    assert "500 of 1000 held-out images are training images" in copies(train, leaky, rounded).flags

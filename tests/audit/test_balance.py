"""Shares against hand-worked cases, known confusion and simulated samplers."""

import numpy as np
import pytest

from bench.audit.balance import Balance, balance, kl_divergence, to_simplex
from bench.errors import UserError

CONFUSION = np.array([[0.9, 0.1, 0.0], [0.05, 0.9, 0.05], [0.0, 0.2, 0.8]])
REAL = np.array([500.0, 300.0, 200.0])


def found(shares: np.ndarray, generator: np.random.Generator, samples: int = 500, held_out: int = 200) -> Balance:
    """An audit of a sampler with these shares by a classifier with that confusion."""
    confusion = np.stack([generator.multinomial(held_out, row) for row in CONFUSION])
    called = generator.multinomial(samples, CONFUSION.T @ shares)
    return balance("class", ["a", "b", "c"], REAL, confusion, called, int(generator.integers(1 << 30)))


def test_the_confusion_is_undone():
    true = np.array([0.2, 0.3, 0.5])
    huge = 10**8
    audit = balance("class", ["a", "b", "c"], REAL, CONFUSION * huge, CONFUSION.T @ true * huge)
    assert [share.share for share in audit.shares] == pytest.approx(true, abs=1e-6)
    assert [share.called for share in audit.shares] == pytest.approx([0.195, 0.39, 0.415])
    assert audit.to_real == pytest.approx(np.linalg.norm(true - REAL / 1000), abs=1e-5)
    assert audit.to_uniform == pytest.approx(np.linalg.norm(true - 1 / 3), abs=1e-5)
    assert [share.verdict for share in audit.shares] == ["under", "", "over"]


def test_the_nearest_shares():
    assert to_simplex(np.array([0.5, 0.6, -0.1])) == pytest.approx([0.45, 0.55, 0.0])
    assert to_simplex(np.array([0.2, 0.8])) == pytest.approx([0.2, 0.8])


def test_kl_by_hand():
    shares = np.array([[0.75, 0.25]])
    p, r = np.array([3.5, 1.5]) / 5, np.array([5.5, 5.5]) / 11
    assert kl_divergence(shares, np.array([5.0, 5.0]), 4)[0] == pytest.approx((p * np.log(p / r)).sum())


def test_kl_of_a_balanced_sampler_is_about_its_degrees_of_freedom():
    """E KL is (K - 1) / 2n for a classifier that never errs."""
    audit = balance("class", list("abcde"), np.full(5, 1e6), np.eye(5) * 1e9, np.full(5, 1000.0))
    assert audit.kl_null == pytest.approx(4 / (2 * 5000), rel=0.1)


def test_interval_of_a_perfect_classifier_is_the_binomial_one():
    """Two classes move together: one normal interval."""
    audit = balance("class", ["a", "b"], np.array([1.0, 1.0]), np.eye(2) * 1e9, np.array([600.0, 400.0]))
    half = 1.96 * (0.6 * 0.4 / 1000) ** 0.5
    assert (audit.shares[0].low, audit.shares[0].high) == pytest.approx((0.6 - half, 0.6 + half), abs=0.003)


@pytest.mark.slow
def test_level_coverage_and_power_over_200_samplers():
    generator = np.random.default_rng(0)
    real, without = REAL / REAL.sum(), np.array([0.625, 0.375, 0.0])
    fair = [found(real, generator) for _ in range(200)]
    # at a level of 5 %, more than 18 flags of 200 have a chance below 0.6 %
    assert sum(audit.flagged for audit in fair) <= 18
    held = [all(s.low <= r <= s.high for s, r in zip(audit.shares, real, strict=True)) for audit in fair]
    assert sum(held) >= 182
    missing = [found(without, generator) for _ in range(200)]
    assert all(audit.shares[2].verdict == "under" for audit in missing)


def test_attributes_share_the_level():
    counts = np.eye(2) * 1000, np.array([540.0, 460.0])
    alone, among = (balance("a", ["x", "y"], np.array([1.0, 1.0]), *counts, attributes=n) for n in (1, 4))
    assert among.shares[0].p == pytest.approx(min(1, 4 * alone.shares[0].p))
    assert among.shares[0].low < alone.shares[0].low


@pytest.mark.parametrize(
    ("values", "real", "confusion", "called", "message"),
    [
        (["a"], [1], [[1]], [1], "1 classes"),
        (["a", "b"], [1, 1, 1], np.eye(2), [1, 1], "must know the classes"),
        (["a", "b"], [1, 1], np.eye(3), [1, 1], "must know the classes"),
        (["a", "b"], [1, 0], np.eye(2), [1, 1], "'b' has no images of the data"),
        (["a", "b"], [1, 1], [[5, 0], [0, 0]], [1, 1], "'b' has no held-out images"),
        (["a", "b"], [1, 1], np.eye(2), [0, 0], "no samples"),
        (["a", "b"], [1, 1], [[500, 500], [500, 500]], [1, 1], "cannot tell the classes apart"),
    ],
)
def test_bad_counts_are_refused(values, real, confusion, called, message):
    with pytest.raises(UserError, match=message):
        balance("class", values, np.array(real, float), np.array(confusion, float), np.array(called, float))

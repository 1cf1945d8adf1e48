"""Bins: the test and the divergence by hand and against scipy, and what equal distributions give."""

from math import log

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon

from bench.features.features import Features
from bench.metrics.bins import counts, different, expected_divergence, jensen_shannon, ndb, ndb_js

KINDS = 100 * torch.eye(100, dtype=torch.float64)  # a hundred kinds of images far apart: k-means finds them


def kinds(share: torch.Tensor, count: int, seed: int) -> Features:
    random = torch.Generator().manual_seed(seed)
    rows = torch.multinomial(share, count, replacement=True, generator=random)
    return Features(KINDS[rows] + 0.1 * torch.randn(count, 100, generator=random, dtype=torch.float64))


EVEN = torch.ones(100) / 100


def test_the_test_by_hand():
    """Of 100 and 100, 50 against 64: pooled 0.57, error 0.0700, z = 2.0; 50 against 63: z = 1.85. 1.96 decides."""
    assert different(np.array([50.0, 50]), np.array([64.0, 36])).all()
    assert not different(np.array([50.0, 50]), np.array([63.0, 37])).any()
    assert not different(np.array([0.0, 100]), np.array([0.0, 100])).any()


def test_it_is_pearsons_test_of_two_by_two_tables():
    """The square of z is chi-squared without correction."""
    from scipy.stats import chi2_contingency

    random = np.random.default_rng(0)
    p, q = random.integers(5, 60, 30).astype(float), random.integers(5, 60, 30).astype(float)
    tables = [[[a, p.sum() - a], [b, q.sum() - b]] for a, b in zip(p, q, strict=True)]
    found: list[float] = [chi2_contingency(table, correction=False)[1] for table in tables]  # pyright: ignore[reportAssignmentType]
    truth = [value < 0.05 for value in found]
    assert different(p, q).tolist() == truth
    assert 0 < sum(truth) < 30


def test_the_divergence_against_scipy_and_at_its_ends():
    random = np.random.default_rng(1)
    p, q = (x / x.sum() for x in random.random((2, 20)))
    assert jensen_shannon(p, q) == pytest.approx(jensenshannon(p, q) ** 2, rel=1e-9)
    assert jensen_shannon(p, p) == pytest.approx(0, abs=1e-15)
    assert jensen_shannon(np.array([1.0, 0]), np.array([0.0, 1])) == pytest.approx(log(2), rel=1e-12)


def test_cells_are_the_kinds_that_there_are():
    real = Features(KINDS.repeat(12, 1))
    few = Features(KINDS[:50].repeat(20, 1))
    p, q = counts(real, few)
    assert sorted(p) == [12.0] * 100
    assert sorted(q) == [0.0] * 50 + [20.0] * 50
    # 12 of 1200 against 0 of 1000: z = 3.2; against 20 of 1000: z = 1.9
    assert ndb(real, few).value == pytest.approx(0.5, rel=1e-12)
    assert ndb_js(real, few).value == pytest.approx(0.75 * log(4 / 3), rel=1e-9)


def test_equal_distributions_give_the_baselines():
    found = [(kinds(EVEN, 4000, 2 * s), kinds(EVEN, 2000, 2 * s + 1)) for s in range(5)]
    shares = torch.tensor([ndb(*pair).value for pair in found])
    assert abs(float(shares.mean()) - 0.05) < 0.03  # 500 cells: the standard error is 0.01
    assert ndb_js(*found[0]).baseline == pytest.approx(99 * (1 / 4000 + 1 / 2000) / 8, rel=1e-12)
    assert ndb_js(*found[0]).value == pytest.approx(expected_divergence(4000, 2000), rel=0.4)  # its deviation is 0.14


def test_the_expected_divergence_of_histograms():
    random = np.random.default_rng(0)
    drawn = [random.multinomial([20_000, 10_000], [0.01] * 100) for _ in range(300)]
    found = np.mean([jensen_shannon(p / 20_000, q / 10_000) for p, q in drawn])
    assert found == pytest.approx(expected_divergence(20_000, 10_000), rel=0.03)


def test_a_lost_kind_is_seen():
    lost = EVEN.clone()
    lost[:30] = 0
    assert ndb(kinds(EVEN, 3000, 0), kinds(lost, 3000, 1)).value > 0.29


def test_fewer_real_images_than_cells():
    real = Features(torch.tensor([[0.0], [1.0]]).repeat(60, 1))
    assert ndb_js(real, Features(torch.zeros(50, 1))).value == pytest.approx(
        float(jensenshannon([0.5, 0.5], [1, 0])) ** 2, rel=1e-9
    )

"""The permutation test against brute force, its level and its power."""

import numpy as np
import pytest
import torch

from bench.audit import drift as module
from bench.audit.drift import drift, gaussian_kernel, permutation_test, squared_mmd_of
from bench.errors import UserError
from bench.features.features import Features
from bench.metrics.gaussian_mmd import squared_mmd


def normal(seed: int, count: int, shift: float = 0.0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(shift, 1, (count, 8)))


def test_mmd_is_that_of_the_metric():
    x, y = normal(0, 12), normal(1, 9)
    pool = torch.cat([x, y])
    chosen = (torch.arange(21) < 12).double()[None]
    expected = squared_mmd(x, y, float(torch.pdist(pool).median()))
    assert float(squared_mmd_of(gaussian_kernel(pool), chosen)[0]) == pytest.approx(expected)


def test_p_is_that_of_all_choices():
    """4 + 4 images have 70 choices: the permutations sample them."""
    from itertools import combinations

    pool = torch.cat([normal(0, 4, 0.7), normal(1, 4)])
    kernel = gaussian_kernel(pool)
    every = torch.zeros(70, 8, dtype=torch.float64)
    for row, places in enumerate(combinations(range(8), 4)):
        every[row, list(places)] = 1
    values = squared_mmd_of(kernel, every)
    exact = float((values >= values[0] - 1e-12).double().mean())
    _, p = permutation_test(kernel, 4, np.random.default_rng(0))
    assert p == pytest.approx(exact, abs=0.05)


@pytest.mark.slow
def test_the_permutation_test_keeps_its_level_over_200_seeds(monkeypatch):
    monkeypatch.setattr(module, "PERMUTATIONS", 199)
    found = [
        permutation_test(gaussian_kernel(normal(seed, 60)), 25, np.random.default_rng(seed))[1] for seed in range(200)
    ]
    assert 2 <= sum(p <= 0.05 for p in found) <= 19  # 10 are expected; further off: 0.6 %


@pytest.mark.slow
def test_both_tests_together_keep_the_level_and_see_a_shift(monkeypatch):
    monkeypatch.setattr(module, "PERMUTATIONS", 199)
    monkeypatch.setattr(module, "SHUFFLES", 1)
    sides = [(Features(normal(2 * k, 40)), Features(normal(2 * k + 1, 40))) for k in range(200)]
    assert sum(drift(x, y).flagged for x, y in sides) <= 19
    assert drift(Features(normal(0, 100, 0.5)), Features(normal(1, 100))).flagged


def test_fid_without_drift_is_shown():
    found = drift(Features(normal(0, 200)), Features(normal(1, 200)))
    assert found.fid == pytest.approx(found.fid_null, rel=0.5)
    far = drift(Features(normal(0, 200, 1.0)), Features(normal(1, 200)))
    assert far.fid > 10 * far.fid_null
    assert far.mmd_p == pytest.approx(1 / 1001)


def test_few_or_equal_images_are_refused():
    with pytest.raises(UserError, match="the folder has 3 images"):
        drift(Features(normal(0, 3)), Features(normal(1, 20)))
    with pytest.raises(UserError, match="equal features"):
        drift(Features(torch.ones(20, 4)), Features(torch.ones(20, 4)))

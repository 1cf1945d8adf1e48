"""The extrapolation: exact on a straight line, and less biased than FID where the truth is known."""

import numpy as np
import pytest
import torch

from bench.features.features import Features
from bench.features.statistics import statistics
from bench.metrics.fid import fid
from bench.metrics.fid_infinity import fid_infinity, fit, smallest


def normal(n: int, d: int, seed: int) -> Features:
    return Features(torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64))


def test_a_straight_line_is_recovered_without_error():
    inverse = 1 / np.linspace(500, 5000, 15)
    found = fit(inverse, 3.5 + 120 * inverse)
    assert found.value == pytest.approx(3.5, rel=1e-9)
    assert found.error == pytest.approx(0, abs=1e-9)


def test_the_standard_error_is_that_of_least_squares():
    """Four points by hand: x = 0, 1, 2, 3 and y = 0, 2, 1, 3 give intercept 0.3, residual variance 0.9, s.e. 0.7937."""
    found = fit(np.array([0.0, 1, 2, 3]), np.array([0.0, 2, 1, 3]))
    assert found.value == pytest.approx(0.3)
    assert found.error == pytest.approx((0.9 * 0.7) ** 0.5)


def test_the_bias_of_small_samples_goes():
    """Equal distributions: the truth is 0, but for the real side's own bias."""
    real, fake = normal(20000, 32, 0), normal(3000, 32, 1)
    plain, limit = fid(real, fake), fid_infinity(statistics(real), fake)
    assert plain > 0.08
    assert abs(limit.value) < plain / 2
    assert limit.error is not None
    assert 0 < limit.error < plain / 4


def test_sizes():
    assert smallest(50_000) == 5000
    assert smallest(10_000) == 1000
    assert smallest(50) == 5

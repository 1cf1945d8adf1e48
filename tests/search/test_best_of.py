"""The expected best of n: against every subset, and against the closed form of uniform values."""

from itertools import combinations
from statistics import fmean

import numpy as np
import pytest

from bench.search.best_of import expected_best

VALUES = [3.0, -1.5, 8.25, 0.0, 4.5, 2.0, 2.0, 7.0]


def test_it_is_the_mean_over_all_subsets():
    found = expected_best(VALUES)
    assert len(found) == 4
    for n, value in enumerate(found, 1):
        assert value == pytest.approx(fmean(min(subset) for subset in combinations(VALUES, n)), rel=1e-12, abs=1e-12)


def test_of_uniform_values_it_is_one_over_n_plus_one():
    rng = np.random.default_rng(0)
    found = np.mean([expected_best(rng.random(20).tolist()) for _ in range(4_000)], axis=0)
    assert found == pytest.approx([1 / (n + 1) for n in range(1, 11)], abs=0.005)


def test_a_single_value_is_too_few():
    assert expected_best([1.0]) == ()
    assert expected_best([]) == ()

"""FID against closed forms, against other libraries, and where those are wrong against float64 truth."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import UserError
from bench.features.features import Features
from bench.features.statistics import Statistics, statistics, statistics_of
from bench.metrics.fid import fid, frechet_distance


def gaussian(mean, covariance) -> Statistics:
    return Statistics(torch.tensor(mean, dtype=torch.float64), 0, torch.tensor(covariance, dtype=torch.float64))


def normal(n: int, d: int, seed: int, dtype=torch.float64) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def test_one_dimension():
    assert frechet_distance(gaussian([1.0], [[4.0]]), gaussian([3.5], [[0.25]])) == pytest.approx(
        2.5**2 + 1.5**2, rel=1e-12
    )


def test_equal_covariance_leaves_the_means():
    eye = torch.eye(2048, dtype=torch.float64)
    a = Statistics(torch.zeros(2048, dtype=torch.float64), 0, eye)
    b = Statistics(torch.ones(2048, dtype=torch.float64), 0, eye)
    assert frechet_distance(a, b) == pytest.approx(2048.0, rel=1e-12)


def test_commuting_covariances():
    rotation = torch.linalg.qr(normal(6, 6, 0)).Q
    a, b = torch.arange(1.0, 7, dtype=torch.float64), torch.tensor([9.0, 0.5, 4, 1, 2, 7], dtype=torch.float64)
    left, right = ((rotation * spectrum) @ rotation.T for spectrum in (a, b))
    zero = torch.zeros(6, dtype=torch.float64)
    expected = float((a.sqrt() - b.sqrt()).square().sum())
    assert frechet_distance(Statistics(zero, 0, left), Statistics(zero, 0, right)) == pytest.approx(expected, rel=1e-9)


def test_non_commuting_covariances():
    found = frechet_distance(gaussian([0.0, 0], [[2.0, 1], [1, 2]]), gaussian([0.0, 0], [[1.0, 0], [0, 3]]))
    assert found == pytest.approx(8 - 2 * math.sqrt(14), rel=1e-9)


def test_the_value_three_libraries_agree_on():
    real = np.random.RandomState(0).randn(500, 16)
    fake = 1.2 * np.random.RandomState(1).randn(500, 16) + 0.3
    metric_fid = pytest.importorskip("torch_fidelity.metric_fid")
    theirs = metric_fid.fid_statistics_to_metric(
        *(metric_fid.fid_features_to_statistics(torch.from_numpy(x)) for x in (real, fake)), verbose=False
    )["frechet_inception_distance"]
    ours = fid(Features(torch.from_numpy(real)), Features(torch.from_numpy(fake)))
    assert ours == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize(("n", "d"), [(2, 2), (4, 2), (64, 16), (512, 64), (2048, 256)])
def test_agrees_with_torch_fidelity_on_a_grid_of_shapes(n, d):
    metric_fid = pytest.importorskip("torch_fidelity.metric_fid")
    x, y = normal(n, d, 2023), normal(n, d, 2024) * 1.3 + 0.1
    theirs = metric_fid.fid_statistics_to_metric(
        metric_fid.fid_features_to_statistics(x), metric_fid.fid_features_to_statistics(y), False
    )["frechet_inception_distance"]
    # In rank-deficient cases (n <= d) eigvals of the product is the weaker of the two (see the next test).
    assert fid(Features(x), Features(y)) == pytest.approx(theirs, rel=1e-9 if n > d else 1e-6)


def test_fewer_samples_than_dimensions():
    """The low-rank route, against the same covariances written out and a root taken in float64."""
    x, y = normal(40, 100, 0), 1.5 * normal(60, 100, 1) + 0.2
    a, b = statistics_of(x), statistics_of(y)
    assert a.factor is not None
    assert b.factor is not None
    truth = float(
        (a.mean - b.mean).square().sum()
        + torch.cov(x.T).trace() + torch.cov(y.T).trace()
        - 2 * torch.linalg.svdvals(a.factor @ b.factor.T).sum()
    )  # fmt: skip
    full_a, full_b = (Statistics(s.mean, s.count, torch.cov(z.T)) for s, z in ((a, x), (b, y)))
    assert frechet_distance(a, b) == pytest.approx(truth, rel=1e-12)
    assert frechet_distance(a, full_b) == pytest.approx(truth, rel=1e-9)
    # A singular covariance written out has lost its rank: the roots of its zero eigenvalues are rounding noise.
    assert frechet_distance(full_a, b) == pytest.approx(truth, rel=1e-6)
    assert frechet_distance(full_a, full_b) == pytest.approx(truth, rel=1e-6)


def test_dimensions_without_spread_are_harmless():
    x, y = normal(300, 8, 0), normal(300, 8, 1) * 2
    padded_x = torch.cat([x, torch.zeros(300, 4, dtype=torch.float64)], 1)
    padded_y = torch.cat([y, torch.zeros(300, 2, dtype=torch.float64), normal(300, 2, 3)], 1)
    extra = float(torch.var(padded_y[:, -2:], 0).sum() + padded_y[:, -2:].mean(0).square().sum())
    # The variance of the added dimensions of y counts, and their correlation with the others cannot be transported.
    assert fid(Features(padded_x), Features(padded_y)) == pytest.approx(fid(Features(x), Features(y)) + extra, rel=1e-9)


def test_a_large_common_offset_does_not_hurt():
    """torch-fidelity keeps the mean in float32: 2.534 instead of 2.548 here."""
    x, y = normal(500, 16, 0, torch.float32), 1.2 * normal(500, 16, 1, torch.float32) + 0.3
    far_x, far_y = x + 1e4, y + 1e4
    truth = fid(Features(far_x.double()), Features(far_y.double()))
    assert fid(Features(far_x), Features(far_y)) == pytest.approx(truth, rel=1e-12)


def test_copies_of_the_training_set_have_distance_zero():
    x = normal(2000, 32, 0)
    assert fid(Features(x), Features(x.clone())) == pytest.approx(0, abs=1e-9)


def test_order_of_samples_does_not_matter():
    x = normal(5000, 24, 0, torch.float32)
    order = torch.randperm(5000, generator=torch.Generator().manual_seed(1))
    a, b = statistics_of(x), statistics_of(x[order])
    assert a.covariance is not None
    assert b.covariance is not None
    torch.testing.assert_close(a.mean, b.mean, rtol=0, atol=1e-12)
    torch.testing.assert_close(a.covariance, b.covariance, rtol=1e-12, atol=1e-12)


def test_statistics_are_computed_once_per_sample():
    sample = Features(normal(20, 3, 0))
    assert statistics(sample) is statistics(sample)
    assert statistics(sample) is not statistics(Features(sample.features))


def test_bias_of_small_samples():
    """FID falls with N although nothing changes but N: the reason why sample sizes stand in every record."""
    real = Features(normal(20000, 64, 0))
    small, large = fid(real, Features(normal(1000, 64, 1))), fid(real, Features(normal(10000, 64, 2)))
    assert 1.0 < small < 1.4
    assert large < 0.25


def test_other_width_is_refused():
    with pytest.raises(UserError, match="4 dimensions, the fake ones 5"):
        fid(Features(normal(10, 4, 0)), Features(normal(10, 5, 0)))


def test_one_sample_is_refused():
    with pytest.raises(UserError, match="at least 2"):
        statistics_of(normal(1, 4, 0))


@settings(max_examples=40, deadline=None)
@given(n=st.integers(2, 40), m=st.integers(2, 40), d=st.integers(1, 12), seed=st.integers(0, 10**6))
def test_is_a_distance(n, m, d, seed):
    x, y = normal(n, d, seed), 2 * normal(m, d, seed + 1) - 0.5
    there, back = fid(Features(x), Features(y)), fid(Features(y), Features(x))
    rotation = torch.linalg.qr(normal(d, d, seed + 2)).Q
    assert there >= 0
    assert there == pytest.approx(back, rel=1e-6, abs=1e-6)
    assert fid(Features(x), Features(x.clone())) == pytest.approx(0, abs=1e-6)
    assert fid(Features(x @ rotation), Features(y @ rotation)) == pytest.approx(there, rel=1e-6, abs=1e-6)

"""KID against a hand-worked case, against torch-fidelity and torchmetrics, and on shifted features."""

import pytest
import torch

from bench.features.features import Features
from bench.metrics.kid import kid, kid_full, squared_mmd, subset_distances


def normal(n: int, d: int, seed: int, dtype=torch.float64) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def plainly(x: torch.Tensor, y: torch.Tensor) -> float:
    """The estimator written out in float64."""
    x, y = x.double(), y.double()
    xx, yy, xy = (((a @ b.T) / x.shape[1] + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    n, m = len(x), len(y)
    within = (xx.sum() - xx.trace()) / (n * (n - 1)) + (yy.sum() - yy.trace()) / (m * (m - 1))
    return float(within - 2 * xy.mean())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_by_hand(dtype):
    """Kernels 1, 1 and a mean of (1 + 1 + 1 + 27) / 4: 1 + 1 - 15."""
    x, y = torch.tensor([[0], [1]], dtype=dtype), torch.tensor([[0], [2]], dtype=dtype)
    assert squared_mmd(x, y) == pytest.approx(-13.0, rel=1e-9)


def test_more_than_one_block():
    x, y = normal(2500, 8, 0), normal(1100, 8, 1) + 0.1
    assert squared_mmd(x, y) == pytest.approx(plainly(x, y), rel=1e-9)


def test_subsets_are_those_of_torch_fidelity():
    metric_kid = pytest.importorskip("torch_fidelity.metric_kid")
    x, y = normal(700, 32, 0), 1.1 * normal(600, 32, 1)
    theirs = metric_kid.kid_features_to_metric(y, x, kid_subsets=7, kid_subset_size=200, verbose=False)
    ours = subset_distances(x, y, subsets=7, size=200, seed=2020)
    assert ours.mean() == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-9)
    assert ours.std() == pytest.approx(theirs["kernel_inception_distance_std"], rel=1e-9)


@pytest.mark.slow
def test_the_metric_is_a_hundred_subsets_of_a_thousand():
    metric_kid = pytest.importorskip("torch_fidelity.metric_kid")
    x, y = normal(1200, 4, 0), 1.1 * normal(1100, 4, 1)
    theirs = metric_kid.kid_features_to_metric(y, x, verbose=False)
    ours = kid(Features(x), Features(y))
    assert ours.value == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-9)
    assert ours.error == pytest.approx(theirs["kernel_inception_distance_std"], rel=1e-9)
    assert ours.flags == ()


def test_small_samples_are_flagged():
    assert kid(Features(normal(50, 4, 0)), Features(normal(60, 4, 1))).flags == ("KID subsets of 50 instead of 1000",)


def test_single_precision_loses_nothing_that_matters_even_far_from_the_origin():
    x, y = normal(400, 64, 0, torch.float32) + 30, 1.2 * normal(400, 64, 1, torch.float32) + 30
    assert squared_mmd(x, y) == pytest.approx(plainly(x, y), rel=1e-6)


def test_equal_distributions_scatter_around_zero():
    values = [kid_full(Features(normal(200, 16, 2 * s)), Features(normal(200, 16, 2 * s + 1))) for s in range(40)]
    mean, spread = torch.tensor(values).mean(), torch.tensor(values).std()
    assert min(values) < 0
    assert abs(mean) < 3 * spread / 40**0.5


def test_order_does_not_matter():
    x, y = normal(1500, 8, 0), normal(1500, 8, 1) * 2
    order = torch.randperm(1500, generator=torch.Generator().manual_seed(1))
    assert squared_mmd(x[order], y) == pytest.approx(squared_mmd(x, y), rel=1e-12)

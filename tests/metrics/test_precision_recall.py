"""Precision, recall, density, coverage: by hand, against prdc and torch-fidelity, on ties, copies and offsets."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import UserError
from bench.features.features import Features
from bench.metrics import nearest as nearest_module
from bench.metrics.nearest import nearest, nearest_to
from bench.metrics.precision_recall import (
    Ball,
    Overlap,
    coverage,
    density,
    expected_coverage,
    overlap,
    precision,
    recall,
)


def normal(n: int, d: int, seed: int, dtype=torch.float64) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def plainly(real: torch.Tensor, fake: torch.Tensor, k: int, closed: bool) -> Overlap:
    """The definitions written out, pair by pair, in float64."""
    real, fake = real.double(), fake.double()

    def distances(x, y):
        return (x[:, None] - y[None]).square().sum(-1)

    def radii(x):
        return distances(x, x).sort(1).values[:, k]

    between = distances(real, fake)
    compare = torch.le if closed else torch.lt
    in_real, in_fake = compare(between, radii(real)[:, None]), compare(between, radii(fake)[None])
    share = [in_real.any(0), in_fake.any(1), in_real.sum(0).double() / k, in_real.any(1)]
    return Overlap(*(float(part.double().mean()) for part in share))


HAND_REAL, HAND_FAKE = torch.tensor([[0.0], [1], [2], [3], [4]]), torch.tensor([[0.5], [2], [5], [9], [1]])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_by_hand(dtype):
    real, fake = HAND_REAL.to(dtype), HAND_FAKE.to(dtype)
    assert overlap(real, fake, Ball(1, closed=False)) == Overlap(0.6, 0.8, 0.8, 0.6)
    closed = overlap(real, fake, Ball(1, closed=True))
    assert (closed.precision, closed.recall) == (0.8, 1.0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("k", [3, 5])
def test_agrees_with_prdc(k, dtype):
    prdc = pytest.importorskip("prdc")
    real, fake = normal(500, 16, 0, dtype), 1.1 * normal(400, 16, 1, dtype) + 0.1
    theirs = prdc.compute_prdc(real.double().numpy(), fake.double().numpy(), k)
    ours = overlap(real, fake, Ball(k, closed=False))
    for name, value in theirs.items():
        assert getattr(ours, name) == pytest.approx(value, rel=1e-12), name


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_agrees_with_torch_fidelity(dtype):
    metric_prc = pytest.importorskip("torch_fidelity.metric_prc")
    real, fake = Features(normal(500, 16, 0, dtype)), Features(1.1 * normal(400, 16, 1, dtype))
    theirs = metric_prc.prc_features_to_metric(fake.features, real.features, verbose=False)
    assert precision(real, fake) == pytest.approx(theirs["precision"], rel=1e-6)  # theirs is a float32 mean
    assert recall(real, fake) == pytest.approx(theirs["recall"], rel=1e-6)


def test_conventions_of_the_metrics():
    real, fake = Features(normal(60, 3, 0)), Features(normal(50, 3, 1) * 1.3)
    kynkaanniemi = plainly(real.features, fake.features, 3, closed=True)
    naeem = plainly(real.features, fake.features, 5, closed=False)
    assert precision(real, fake) == kynkaanniemi.precision
    assert recall(real, fake) == kynkaanniemi.recall
    assert density(real, fake) == pytest.approx(naeem.density, rel=1e-12)
    assert coverage(real, fake).value == naeem.coverage


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("closed", [False, True])
def test_all_fakes_are_one_real_point(closed, dtype):
    """A lonely point, so that it lies in no other ball: density 1/k, coverage 1/N, and recall is the convention's."""
    n = 3000
    real = normal(n, 8, 0, dtype)
    real[0] += 100
    found = overlap(real, real[:1].expand(n, -1).clone(), Ball(3, closed))
    expected = Overlap(precision=1, recall=1 / n if closed else 0, density=1 / 3, coverage=1 / n)
    assert vars(found) == pytest.approx(vars(expected))


@pytest.mark.parametrize(("closed", "expected"), [(False, Overlap(0, 0, 0, 0)), (True, Overlap(1, 1, 50 / 3, 1))])
def test_constant_real_and_fake(closed, expected):
    constant = torch.full((50, 4), 2.5)
    assert overlap(constant, constant.clone(), Ball(3, closed)) == expected


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_copies_tie_exactly(dtype):
    """A copy of the real set: every point has itself and k - 1 neighbours strictly inside, rounding or not."""
    real = normal(1500, 64, 0, dtype)
    found = overlap(real, real.clone(), Ball(5, closed=False))
    assert found == Overlap(1, 1, 1, 1)


def test_a_common_offset_does_not_drown_the_differences():
    """torch-fidelity in float32 reports about 1 for both here: its distances are rounding noise."""
    generator = torch.Generator().manual_seed(0)
    real, fake = (50 + 0.1 * torch.rand(2000, 512, generator=generator) for _ in range(2))
    single, double = (overlap(real.to(d), fake.to(d), Ball(3, closed=True)) for d in (torch.float32, torch.float64))
    assert single == double
    assert 0.6 < single.precision < 0.8
    metric_prc = pytest.importorskip("torch_fidelity.metric_prc")
    theirs = metric_prc.prc_features_to_metric(fake, real, verbose=False)
    assert min(theirs["precision"], theirs["recall"]) > 0.9


def test_expectation_for_equal_distributions():
    """Coverage is expected to be 1 - prod (N - i) / (2N - i), i = 1..k (Naeem et al. 2020); density 1."""
    n, k = 1000, 5
    expected = 1 - np.prod([(n - i) / (2 * n - i) for i in range(1, k + 1)])
    assert expected == pytest.approx(0.96898, abs=1e-5)
    found = [overlap(normal(n, 8, 2 * s), normal(n, 8, 2 * s + 1), Ball(k, False)) for s in range(6)]
    assert np.mean([o.coverage for o in found]) == pytest.approx(expected, abs=0.01)
    assert np.mean([o.density for o in found]) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("block", [7, 64, 5000])
def test_block_size_does_not_matter(block, monkeypatch):
    real, fake = normal(300, 12, 0, torch.float32), normal(250, 12, 1, torch.float32)
    expected = overlap(real, fake, Ball(3, True))
    monkeypatch.setattr(nearest_module, "BLOCK", block)
    assert overlap(real, fake, Ball(3, True)) == expected


def test_nearest_is_exact_in_single_precision():
    points = normal(700, 40, 0, torch.float32)
    truth = torch.cdist(points.double(), points.double(), compute_mode="donot_use_mm_for_euclid_dist").sort(1).values
    torch.testing.assert_close(nearest(points, 5).sqrt(), truth[:, 1:6], rtol=1e-12, atol=0)


def test_nearest_to_finds_copies():
    points = normal(500, 30, 0, torch.float32)
    distance, index = nearest_to(points[[7, 99]], points, 2)
    assert index[:, 0].tolist() == [7, 99]
    assert distance[:, 0].tolist() == [0, 0]
    assert (distance[:, 1] > 0).all()


def test_too_few_samples():
    with pytest.raises(UserError, match="at least 6 samples, got 5"):
        coverage(Features(normal(5, 2, 0)), Features(normal(9, 2, 0)))


@settings(max_examples=40, deadline=None)
@given(n=st.integers(4, 25), m=st.integers(4, 25), d=st.integers(1, 4), grid=st.booleans(), seed=st.integers(0, 10**6))
def test_any_sample_against_the_definition(n, m, d, grid, seed):
    """On a grid most distances tie; the sets swapped swap precision and recall."""
    real, fake = normal(n, d, seed), normal(m, d, seed + 1)
    if grid:
        real, fake = real.round(), fake.round()
    for closed in (False, True):
        found = overlap(real.float(), fake.float(), Ball(3, closed))
        expected = plainly(real.float(), fake.float(), 3, closed)
        assert found.precision == expected.precision
        assert found.recall == expected.recall
        assert found.density == pytest.approx(expected.density, rel=1e-12)
        assert found.coverage == expected.coverage
        assert 0 <= found.coverage <= 1
        swapped = overlap(fake.float(), real.float(), Ball(3, closed))
        assert (swapped.precision, swapped.recall) == (found.recall, found.precision)


@pytest.mark.parametrize(("real", "fake"), [(60, 60), (200, 40), (50, 150)])
def test_expected_coverage_is_that_of_fresh_samples(real, fake):
    """Distribution free: simulated in one dimension and in five."""
    for width in (1, 5):
        found = [
            coverage(Features(normal(real, width, seed)), Features(normal(fake, width, seed + 10_000))).value
            for seed in range(60)
        ]
        assert sum(found) / len(found) == pytest.approx(expected_coverage(real, fake, 5), abs=0.02)


def test_coverage_stands_beside_what_equal_distributions_get():
    found = coverage(Features(normal(100, 4, 0)), Features(normal(20, 4, 1)))
    assert found.baseline == pytest.approx(1 - 99 * 98 * 97 * 96 * 95 / (119 * 118 * 117 * 116 * 115))

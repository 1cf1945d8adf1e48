"""Vendi score: its extremes, both routes, rotations."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.features.features import Features
from bench.metrics.vendi import vendi


def normal(n: int, d: int, seed: int) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_all_alike_is_one_and_all_orthogonal_is_the_count():
    assert vendi(Features(torch.ones(20, 5))) == pytest.approx(1, rel=1e-6)
    assert vendi(Features(torch.eye(8, dtype=torch.float64))) == pytest.approx(8, rel=1e-9)
    assert vendi(Features(torch.eye(8, 30, dtype=torch.float64))) == pytest.approx(8, rel=1e-9)


def test_equal_groups_are_counted():
    assert vendi(Features(torch.eye(3, dtype=torch.float64).repeat(10, 1))) == pytest.approx(3, rel=1e-9)


def test_against_the_definition():
    x = torch.nn.functional.normalize(normal(30, 6, 0), dim=1)
    values = torch.linalg.eigvalsh(x @ x.T / 30).clamp(min=1e-300)
    assert vendi(Features(x)) == pytest.approx(float((-(values * values.log()).sum()).exp()), rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(n=st.integers(2, 30), d=st.integers(1, 20), seed=st.integers(0, 10**6))
def test_range_order_and_rotation(n, d, seed):
    x = normal(n, d, seed)
    found = vendi(Features(x))
    assert 1 - 1e-9 <= found <= min(n, d) * (1 + 1e-9)
    assert vendi(Features(x.flip(0) @ torch.linalg.qr(normal(d, d, seed + 1)).Q)) == pytest.approx(found, rel=1e-9)

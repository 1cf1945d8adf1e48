"""Inception Score: its two extremes, and torch-fidelity's number on the same logits."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import UserError
from bench.features.features import Features
from bench.metrics.inception_score import inception_score, split_scores


def sample(logits: torch.Tensor) -> Features:
    return Features(torch.zeros(len(logits), 1), logits)


def test_uniform_logits_score_one():
    assert inception_score(sample(torch.zeros(100, 7))).value == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("height", [100.0, 2000.0])
def test_certain_and_balanced_scores_the_number_of_classes(height):
    logits = torch.full((1000, 10), -height).scatter_(1, torch.arange(1000)[:, None] % 10, height)
    assert split_scores(logits, 10).tolist() == pytest.approx([10.0] * 10, rel=1e-9)


def test_agrees_with_torch_fidelity():
    metric_isc = pytest.importorskip("torch_fidelity.metric_isc")
    logits = 3 * torch.randn(1003, 12, generator=torch.Generator().manual_seed(0))
    theirs = metric_isc.isc_features_to_metric(logits)
    ours = inception_score(sample(logits))
    assert ours.value == pytest.approx(theirs["inception_score_mean"], rel=1e-9)
    assert ours.error == pytest.approx(theirs["inception_score_std"], rel=1e-9)


def test_samples_in_class_order_do_not_hurt():
    logits = torch.full((1000, 10), -50.0).scatter_(1, torch.arange(1000)[:, None] // 100, 50.0)
    assert inception_score(sample(logits)).value > 9


def test_without_logits():
    with pytest.raises(UserError, match="class logits"):
        inception_score(Features(torch.zeros(20, 1)))


@settings(max_examples=40, deadline=None)
@given(n=st.integers(10, 60), k=st.integers(1, 9), scale=st.floats(0, 50), seed=st.integers(0, 10**6))
def test_between_one_and_the_number_of_classes(n, k, scale, seed):
    logits = scale * torch.randn(n, k, generator=torch.Generator().manual_seed(seed))
    assert 1 - 1e-9 <= inception_score(sample(logits)).value <= k * (1 + 1e-9)


def test_few_fakes_in_a_split_are_flagged():
    logits = 8 * torch.nn.functional.one_hot(torch.arange(400) % 10, 10).float()
    assert inception_score(Features(logits, logits)).flags == ()
    few = inception_score(Features(logits[:390], logits[:390]))
    assert few.flags == ("39 fakes in each of 10 splits for 10 classes: too low",)

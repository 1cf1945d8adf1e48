"""Mode coverage by hand, for plain and stacked classes."""

import math

import pytest
import torch

from bench.features.features import Features
from bench.metrics.modes import divergence, mode_kl, modes, stacked_mode_kl, stacked_modes


def classified(classes: list[int], count: int = 10) -> Features:
    logits = torch.eye(count)[torch.tensor(classes)]
    return Features(logits, logits, labels=torch.tensor(classes))


def test_modes_hit():
    assert modes(classified([3, 3, 7, 1])).value == 3
    assert modes(classified(list(range(10)) * 5)).value == 10


def test_divergence_by_hand():
    """p = (3/4, 1/4), q = (1/2, 1/2)."""
    expected = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert divergence(torch.tensor([0, 0, 0, 1]), torch.tensor([0, 1])).value == pytest.approx(expected, rel=1e-12)


def test_equal_frequencies_have_no_divergence():
    assert mode_kl(classified([0, 1, 2]), classified([2, 0, 1] * 4)).value == pytest.approx(0, abs=1e-15)


def test_collapse_to_one_of_ten():
    assert mode_kl(classified(list(range(10))), classified([4] * 50)).value == pytest.approx(math.log(10), rel=1e-12)


def test_a_class_that_is_not_real_is_flagged():
    found = divergence(torch.tensor([0, 5, 0, 0]), torch.tensor([0, 1]))
    assert found.flags[0] == "25.0% of fakes are in classes that no real image has"
    assert found.value == pytest.approx(0.75 * math.log(1.5), rel=1e-12)


def test_stacked_modes_are_read_in_the_order_of_the_channels():
    channels = classified([1, 2, 3, 3, 2, 1, 1, 2, 3])
    assert stacked_modes(channels).value == 2
    real = torch.tensor([123, 123, 321])
    assert stacked_mode_kl(real, channels).value == pytest.approx(0, abs=1e-15)


def test_all_thousand():
    digits = torch.cartesian_prod(*[torch.arange(10)] * 3).flatten().tolist()
    assert stacked_modes(classified(digits)).value == 1000
    assert stacked_mode_kl(torch.arange(1000), classified(digits)).value == pytest.approx(0, abs=1e-12)


def test_few_draws_miss_modes_by_chance_and_are_flagged():
    """K (1 - 1/K)^N: 20 draws of ten equal modes miss 1.2 of them, 100 miss none."""
    (flag,) = modes(classified(list(range(10)) * 2)).flags
    assert flag == "20 draws of 10 equal modes miss 1.2 by chance"
    assert modes(classified(list(range(10)) * 10)).flags == ()


def test_a_divergence_of_few_fakes_is_too_high_by_what_is_said():
    real = torch.arange(10).repeat(1000)
    draws = [torch.randint(10, (50,), generator=torch.Generator().manual_seed(seed)) for seed in range(300)]
    mean = sum(divergence(draw, real).value for draw in draws) / len(draws)
    assert mean == pytest.approx(9 / 100, rel=0.15)
    assert divergence(draws[0], real).flags == ("50 fakes for 10 classes: about 0.09 nats too high",)
    assert divergence(real, real).flags == ()

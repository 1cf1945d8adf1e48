"""The realism score on cases worked by hand."""

import pytest
import torch

from bench.errors import UserError
from bench.features.features import Features
from bench.metrics.precision_recall import precision
from bench.metrics.realism import realism


def column(*values: float) -> torch.Tensor:
    return torch.tensor(values)[:, None]


def test_the_largest_radius_over_distance_among_the_smaller_half_of_the_balls() -> None:
    # Radii to the first neighbour: 1, 1, 2, 7 for 0, 1, 3, 10; their median is 1.5, so the balls of 0 and 1 remain.
    real = column(0.0, 1.0, 3.0, 10.0)
    found = realism(real, column(2.0, 0.5, 10.0, -4.0), k=1)
    assert found.tolist() == pytest.approx([1.0, 2.0, 1 / 9, 1 / 4])


def test_the_reach_is_the_third_neighbour_by_default() -> None:
    # Radii: 3, 2, 2, 3, and 97 for 100; the median is 3, so the first four remain. From 5: 3/5, 2/4, 2/3, 3/2.
    found = realism(column(0.0, 1.0, 2.0, 3.0, 100.0), column(5.0))
    assert found.tolist() == pytest.approx([1.5])


def test_a_copy_is_infinitely_real() -> None:
    assert realism(column(0.0, 1.0, 3.0, 10.0), column(1.0), k=1).tolist() == [float("inf")]
    assert realism(column(0.0, 0.0, 3.0, 10.0), column(0.0), k=1).tolist() == [float("inf")]


def test_what_is_realistic_counts_for_precision() -> None:
    """R >= 1 means inside a ball, so at least that share of the fakes is precise."""
    random = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(count, 8, generator=random) * scale for count, scale in ((400, 1.0), (600, 1.5)))
    found = realism(real, fake)
    inside = float((found >= 1).double().mean())
    assert 0 < inside <= precision(Features(real), Features(fake))


def test_order_and_block_of_the_fakes_do_not_matter() -> None:
    random = torch.Generator().manual_seed(1)
    real, fake = (torch.randn(count, 5, generator=random) for count in (50, 300))
    order = torch.randperm(300, generator=random)
    assert torch.equal(realism(real, fake)[order], realism(real, fake[order]))


def test_too_few_real_images() -> None:
    with pytest.raises(UserError, match="more than 3 real images, got 3"):
        realism(column(0.0, 1.0, 2.0), column(0.0))

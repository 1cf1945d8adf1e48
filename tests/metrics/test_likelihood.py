"""Feature likelihood: densities against scipy, gradients against autograd, the fit against the authors' procedure."""

import numpy as np
import pytest
import torch
from scipy.stats import norm

from bench.errors import UserError
from bench.features.features import Features
from bench.metrics.likelihood import fitted, fld, fld_gap, gradients, log_density


def normal(n: int, d: int, seed: int) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_density_is_a_mean_of_gaussians():
    points, centres, logs = normal(7, 3, 0), normal(4, 3, 1), normal(4, 1, 2)[:, 0]
    each = [
        norm.pdf(points, c, float(v) ** 0.5).prod(1)  # independent along the axes
        for c, v in zip(centres, logs.exp(), strict=True)
    ]
    assert log_density(points, centres, logs).tolist() == pytest.approx(
        np.log(np.mean(each, axis=0)).tolist(), rel=1e-9
    )


def by_autograd(distances, around, logs, wide, width):
    """The loss that is minimised, written out."""
    near = -distances / (2 * logs.exp()) - width / 2 * (logs + np.log(2 * np.pi)) - np.log(len(logs))
    far = -around / (2 * wide.exp()) - width / 2 * (wide + np.log(2 * np.pi))
    return -torch.cat([near, far], 1).logsumexp(1).mean() / width


def test_the_gradient_is_that_of_the_loss():
    distances, around = normal(30, 8, 0).square() * 5, normal(30, 1, 1).square() * 5
    logs, wide = (normal(n, 1, 2 + n)[:, 0].requires_grad_() for n in (8, 1))
    by_autograd(distances, around, logs, wide, 5).backward()
    with torch.no_grad():
        of_logs, of_wide = gradients(distances, around, logs, wide, 5)
    assert logs.grad is not None
    assert wide.grad is not None
    assert of_logs.tolist() == pytest.approx(logs.grad.tolist(), rel=1e-9)
    assert of_wide.tolist() == pytest.approx(wide.grad.tolist(), rel=1e-9)


def test_the_fit_is_that_of_the_authors():
    """Fifty steps of Adam from the nearest distances, by autograd."""
    centres, points = normal(40, 5, 0), normal(60, 5, 1)
    distances = torch.cdist(points, centres).square()
    around = 0.81 * (points - points.mean(0)).square().sum(1, keepdim=True)
    logs = ((distances.amin(0) + 1e-3) / 5).log().requires_grad_()
    wide = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([logs, wide], lr=0.5)
    for _ in range(50):
        optimiser.zero_grad()
        by_autograd(distances, around, logs, wide, 5).backward()
        optimiser.step()
    assert fitted(centres, points).tolist() == pytest.approx(logs.tolist(), abs=0.02)


TRAIN, HELD_OUT = Features(normal(600, 8, 0)), Features(normal(300, 8, 1))


def test_fresh_fakes_are_as_good_as_training_images():
    found = [fld(TRAIN, HELD_OUT, Features(normal(300, 8, 10 + s))).value for s in range(5)]
    assert abs(float(np.mean(found))) < 3
    assert float(np.std(found)) < 5


def two_kinds(n: int, seed: int) -> torch.Tensor:
    return normal(n, 8, seed) + torch.where(torch.arange(n) % 2 == 0, 5.0, -5.0)[:, None]


def test_a_lost_kind_and_a_shift_make_unseen_images_unlikely():
    train, held_out = Features(two_kinds(600, 0)), Features(two_kinds(300, 1))
    both = two_kinds(300, 2)
    usual, one, shifted = (fld(train, held_out, Features(fakes)).value for fakes in (both, both[::2], both + 3))
    assert abs(usual) < 5
    assert one > usual + 10
    assert shifted > usual + 10


def test_it_cannot_see_that_fakes_of_one_gaussian_are_all_alike():
    """Around its mean, Gaussians as wide as the data are the data's own density."""
    fresh = normal(300, 8, 10)
    assert fld(TRAIN, HELD_OUT, Features(0.01 * fresh)).value < fld(TRAIN, HELD_OUT, Features(fresh)).value


def test_copies_are_unlikely_to_give_unseen_images_and_flagged():
    copies = Features(TRAIN.features.clone())
    fresh = fld_gap(TRAIN, HELD_OUT, Features(normal(300, 8, 10)))
    assert abs(fresh.value) < 20
    assert fresh.flags == ()
    found = fld_gap(TRAIN, HELD_OUT, copies)
    assert found.value < -1000
    assert found.flags[0].startswith("memorised: training images are far likelier")
    assert fld(TRAIN, HELD_OUT, copies).value > 100


def test_scale_and_shift_of_a_feature_do_not_matter():
    scale, shift = torch.tensor([1.0, 3, 0.1, 2, 5, 1, 1, 9]), 100.0
    sides = [Features(side * scale + shift) for side in (TRAIN.features, HELD_OUT.features, normal(200, 8, 10))]
    assert fld(*sides).value == pytest.approx(fld(TRAIN, HELD_OUT, Features(normal(200, 8, 10))).value, abs=0.01)


def test_a_feature_without_variation_changes_nothing_but_the_dimension():
    def wider(side: torch.Tensor) -> Features:
        return Features(torch.nn.functional.pad(side, (0, 1), value=7.0))

    found = fld(wider(TRAIN.features), wider(HELD_OUT.features), wider(normal(200, 8, 10)))
    assert np.isfinite(found.value)


def test_too_few_training_images_are_refused():
    with pytest.raises(UserError, match="at least 4 training images, got 3"):
        fld(Features(normal(3, 2, 0)), Features(normal(9, 2, 1)), Features(normal(9, 2, 2)))

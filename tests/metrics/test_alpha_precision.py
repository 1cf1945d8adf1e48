"""Alpha-precision and beta-recall: areas in closed form, cases by hand, the authors' formula on a grid, equal distributions."""

import numpy as np
import pytest
import torch

from bench.errors import UserError
from bench.features.features import Features
from bench.metrics.alpha_precision import agreement, alpha_precision, beta_recall


def normal(n: int, d: int, seed: int) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def line(*points: float) -> Features:
    return Features(torch.tensor(points, dtype=torch.float64)[:, None])


def levels(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_areas_in_closed_form():
    """All at c: |F - x| is two triangles, c^2 / 2 + (1 - c)^2 / 2."""
    assert agreement(levels(0, 0)) == 0
    assert agreement(levels(1, float("inf"))) == 0
    assert agreement(levels(0.25, 0.25, 0.25)) == pytest.approx(1 - 0.25**2 - 0.75**2, rel=1e-12)
    # half at 0: F = 1/2, two triangles of sides 1/2
    assert agreement(levels(0, 1)) == pytest.approx(0.5, rel=1e-12)
    # evenly spread over N steps: N triangles of side 1/N
    assert agreement(torch.arange(50, dtype=torch.float64) / 50) == pytest.approx(1 - 1 / 50, rel=1e-12)


def test_precision_by_hand():
    """Real -4, -3, -1, 1, 3, 4, mean 0: radii 1, 1, 3, 3, 4, 4. Fakes at 0, 2, 3.5, 9: levels 0, 1/3, 2/3, 1.

    F is 1/4, 1/2, 3/4 on the thirds; the area is 3 times that of two triangles, sides 1/4 and 1/12, 1/6 and 1/6.
    """
    area = (0.25**2 + (1 / 12) ** 2) / 2 * 2 + (1 / 6) ** 2
    found = alpha_precision(line(-4, -3, -1, 1, 3, 4), line(0, 2, 3.5, 9))
    assert found.value == pytest.approx(1 - 2 * area, rel=1e-12)


def test_too_typical_and_far_away_are_nothing():
    real = Features(normal(200, 3, 0))
    mean = real.features.mean(0, keepdim=True)
    assert alpha_precision(real, Features(mean.repeat(50, 1))).value == pytest.approx(0, abs=1e-9)
    assert alpha_precision(real, Features(normal(50, 3, 1) + 100)).value == 0
    assert beta_recall(real, Features(normal(50, 3, 1) + 100)).value == 0


def test_copies_cover_everything():
    """Radii of N different images, each its own nearest: levels (j - 1) / N."""
    x = normal(200, 3, 0)
    assert beta_recall(Features(x), Features(x.clone())).value == pytest.approx(1 - 1 / 200, rel=1e-9)
    assert alpha_precision(Features(x), Features(x.clone())).value == pytest.approx(1 - 1 / 200, rel=1e-9)


def on_a_grid(real: np.ndarray, fake: np.ndarray, steps: int) -> tuple[float, float]:
    """The authors' sums over quantiles, with the fifth neighbour's radius."""
    grid = np.linspace(0, 1, steps)
    centre, fake_centre = real.mean(0), fake.mean(0)
    radii = np.linalg.norm(real - centre, axis=1)
    out = np.linalg.norm(fake - centre, axis=1)
    across = np.linalg.norm(real[:, None] - fake[None], axis=2)
    own = np.sort(np.linalg.norm(real[:, None] - real[None], axis=2), axis=1)[:, 5]
    near = np.linalg.norm(fake[across.argmin(1)] - fake_centre, axis=1)
    p = np.array([(out <= np.quantile(radii, a)).mean() for a in grid])
    r = np.array([((across.min(1) <= own) & (near <= np.quantile(near, a))).mean() for a in grid])
    first, second = (float(1 - 2 * np.trapezoid(np.abs(curve - grid), grid)) for curve in (p, r))
    return first, second


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (0.7, 0.0), (1.3, 0.5)])
def test_the_sums_of_the_authors_come_near_on_a_fine_grid(scale, shift):
    real, fake = normal(250, 4, 0), scale * normal(300, 4, 1) + shift
    precision, recall = on_a_grid(real.numpy(), fake.numpy(), 2001)
    assert alpha_precision(Features(real), Features(fake)).value == pytest.approx(precision, abs=0.005)
    assert beta_recall(Features(real), Features(fake)).value == pytest.approx(recall, abs=0.005)


@pytest.mark.parametrize("width", [2, 32])
def test_equal_distributions_give_the_baselines(width):
    """Within 0.015: the mean is fitted to the real images, so that fakes lie a little farther from it in many dimensions."""
    pairs = [(Features(normal(400, width, 2 * s)), Features(normal(300, width, 2 * s + 1))) for s in range(20)]
    for metric, loss in ((alpha_precision, 0.015), (beta_recall, 0.02)):
        found = [metric(*pair) for pair in pairs]
        mean = sum(item.value for item in found) / len(found)
        assert mean == pytest.approx(found[0].baseline, abs=loss)


def test_narrow_fakes_are_too_typical_and_cover_less():
    real, narrow = Features(normal(500, 4, 0)), Features(0.3 * normal(500, 4, 1))
    assert alpha_precision(real, narrow).value < 0.4
    assert beta_recall(real, narrow).value < 0.7


def test_too_few_are_refused():
    with pytest.raises(UserError, match="at least 6 samples, got 3"):
        beta_recall(line(0, 1, 2), line(3, 4, 5))

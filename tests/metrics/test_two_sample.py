"""Two-sample tests against cases worked by hand, scikit-learn's classifier and what equal distributions give."""

from math import comb

import numpy as np
import pytest
import torch
from scipy.stats import fisher_exact
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors

from bench.errors import UserError
from bench.features.features import Features
from bench.metrics.two_sample import Verdict, c2st, c2st_p, nn_accuracy, p_value


def normal(n: int, d: int, seed: int) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def line(*points: float) -> Features:
    return Features(torch.tensor(points, dtype=torch.float64)[:, None])


def test_neighbours_by_hand():
    """Real 0, 1, 2, 10, 20, 21; fake 0.4, 1.1, 4, 12, 30, 31. Nearest other image of each:

    0 -> 0.4 wrong, 1 -> 1.1 wrong, 2 -> 1.1 wrong, 10 -> 12 wrong, 20 -> 21 right, 21 -> 20 right; 0.4 -> 0 wrong,
    1.1 -> 1 wrong, 4 -> 2 wrong, 12 -> 10 wrong, 30 -> 31 right, 31 -> 30 right: 4 of 12.
    """
    found = nn_accuracy(line(0, 1, 2, 10, 20, 21), line(0.4, 1.1, 4, 12, 30, 31))
    assert found.value == pytest.approx(4 / 12, rel=1e-12)
    assert found.baseline == pytest.approx(5 / 11, rel=1e-12)


def test_a_tie_counts_half():
    """Every image has one of its own kind and one of the other at distance 1."""
    real, fake = line(0, 1, 100, 101, 200, 201), line(1, 2, 101, 102, 201, 202)
    # 0 -> 1 (both kinds at the same place): half; 1 -> fake 1: wrong; fake 1 -> real 1: wrong; 2 -> fake 1, real 1: half
    assert nn_accuracy(real, fake).value == pytest.approx(0.25, rel=1e-12)


def test_apart_is_one_and_copies_are_none_and_flagged():
    x = normal(500, 8, 0)
    assert nn_accuracy(Features(x), Features(x + 100)).value == 1
    found = nn_accuracy(Features(x), Features(x.clone()))
    assert found.value == 0
    assert found.flags == ("nearer to real images than unseen ones are: accuracy 0% below 50%",)


def test_as_scikit_learn_leaves_one_out():
    x, y = normal(300, 5, 0), 1.1 * normal(300, 5, 1) + 0.2
    pool, kind = torch.cat([x, y]).numpy(), np.repeat([0, 1], 300)
    second = NearestNeighbors(n_neighbors=2).fit(pool).kneighbors(pool, return_distance=False)[:, 1]
    assert nn_accuracy(Features(x), Features(y)).value == pytest.approx((kind[second] == kind).mean(), rel=1e-12)


def test_equal_distributions_lie_around_the_baseline():
    found = [nn_accuracy(Features(normal(200, 6, 2 * s)), Features(normal(200, 6, 2 * s + 1))) for s in range(30)]
    values = torch.tensor([item.value for item in found])
    assert abs(float(values.mean()) - 199 / 399) < 3 * float(values.std()) / 30**0.5
    assert not any(item.flags for item in found)


def test_the_larger_side_is_cut_to_the_smaller():
    found = nn_accuracy(Features(normal(900, 4, 0)), Features(normal(100, 4, 1)))
    assert found.baseline == pytest.approx(99 / 199, rel=1e-12)
    assert abs(found.value - 99 / 199) < 0.15
    assert found == nn_accuracy(Features(normal(900, 4, 0)), Features(normal(100, 4, 1)))


def test_order_does_not_matter():
    x, y = normal(400, 4, 0), normal(400, 4, 1)
    order = torch.randperm(400, generator=torch.Generator().manual_seed(2))
    assert nn_accuracy(Features(x[order]), Features(y)).value == nn_accuracy(Features(x), Features(y)).value


def test_too_few_are_refused():
    with pytest.raises(UserError, match="at least 6 samples, got 3"):
        nn_accuracy(line(0, 1, 2), line(3, 4, 5))


def test_the_classifier_by_hand():
    """Two clouds far apart: all 50 tested of either side are right, and 1 in C(100, 50) that by chance."""
    real, fake = Features(normal(100, 3, 0)), Features(normal(100, 3, 1) + 50)
    assert c2st(real, fake).value == 1
    assert c2st(real, fake).error == pytest.approx(0.05, rel=1e-12)
    assert c2st_p(real, fake) == pytest.approx(1 / comb(100, 50), rel=1e-9)


def test_the_p_value_is_fishers():
    seen = Verdict(each=20, called_fake=18, fakes_found=13)
    assert seen.right == 13 + 15
    table = [[13, 7], [5, 15]]  # fakes and real images by what they were called
    assert p_value(seen) == pytest.approx(fisher_exact(table, alternative="greater")[1], rel=1e-9)


def test_calling_everything_fake_proves_nothing():
    assert p_value(Verdict(each=10, called_fake=20, fakes_found=10)) == pytest.approx(1, rel=1e-9)


def test_p_values_of_equal_distributions_are_spread_evenly():
    """Of 60, 3 are expected below 0.05 and 30 below 1/2; discrete, so never more by right."""
    pairs = [(Features(normal(80, 4, 2 * s)), Features(normal(80, 4, 2 * s + 1))) for s in range(60)]
    found = torch.tensor([c2st_p(*pair) for pair in pairs])
    assert int((found < 0.05).sum()) <= 8  # P = 0.4 %
    assert 15 <= int((found < 0.5).sum()) <= 42
    mean = sum(c2st(*pair).value for pair in pairs) / 60
    assert abs(mean - 0.5) < 3 * 0.5 / (80 * 60) ** 0.5


def test_the_classifier_finds_a_shift_as_scikit_learn_does():
    x, y = normal(400, 5, 0), normal(400, 5, 1) + 0.7
    found = c2st(Features(x), Features(y)).value
    pool, kind = torch.cat([x, y]).numpy(), np.repeat([0, 1], 400)
    even = np.arange(800) % 2 == 0
    theirs = LogisticRegression().fit(pool[even], kind[even]).score(pool[~even], kind[~even])
    assert found == pytest.approx(theirs, abs=0.06)  # other halves
    assert c2st_p(Features(x), Features(y)) < 1e-6


def test_a_classifier_of_one_image_is_refused():
    with pytest.raises(UserError, match="needs 2 on each side, got 1"):
        c2st(line(0), line(1))

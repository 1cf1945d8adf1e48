"""MMD with a Gaussian kernel: by hand, in closed form, against torch-fidelity."""

from math import exp

import pytest
import torch

from bench.errors import UserError
from bench.features.features import Features
from bench.features.sample import Sample
from bench.metric_facts import MetricId
from bench.metrics import preconditions
from bench.metrics.gaussian_mmd import cmmd, median_distance, mmd, squared_mmd
from bench.metrics.inputs import EvaluationInputs


def normal(n: int, d: int, seed: int, dtype=torch.float64) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def column(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)[:, None]


def test_by_hand():
    """Real 0 and 1, fake 0 and 2, s = 1: kernels of distances 1 and 2 are exp(-1/2) and exp(-2)."""
    near, far = exp(-0.5), exp(-2)
    unbiased = near + far - 2 * (1 + far + near + near) / 4
    biased = (2 + 2 * near) / 4 + (2 + 2 * far) / 4 - 2 * (1 + far + near + near) / 4
    assert squared_mmd(column(0, 1), column(0, 2), 1.0) == pytest.approx(unbiased, rel=1e-12)
    assert squared_mmd(column(0, 1), column(0, 2), 1.0, biased=True) == pytest.approx(biased, rel=1e-12)


def test_cmmd_by_hand():
    """Unit vectors (1, 0) and (0, 1): |x - y|^2 = 2, so 1000 (1 + 1 - 2 exp(-2 / 200)); lengths do not count."""
    real, fake = (Features(torch.tensor([row] * 3, dtype=torch.float64)) for row in ([5.0, 0.0], [0.0, 0.1]))
    assert cmmd(real, fake) == pytest.approx(2000 * (1 - exp(-0.01)), rel=1e-9)
    assert cmmd(real, real) == pytest.approx(0, abs=1e-9)


def test_two_gaussians_in_closed_form():
    """N(0, 1) and N(m, 1) in D dimensions: E k = (s^2 / (s^2 + 2))^(D/2) exp(-|m|^2 / (2 s^2 + 4))."""
    s, d, m = 3.0, 4, 1.0
    factor = (s**2 / (s**2 + 2)) ** (d / 2)
    truth = 2 * factor * (1 - exp(-(m**2) * d / (2 * s**2 + 4)))
    values = torch.tensor([squared_mmd(normal(400, d, 2 * i), normal(400, d, 2 * i + 1) + m, s) for i in range(20)])
    assert abs(float(values.mean()) - truth) < 3 * float(values.std()) / 20**0.5


def test_as_torch_fidelity_has_it():
    metric_kid = pytest.importorskip("torch_fidelity.metric_kid")
    x, y = normal(300, 16, 0), 1.1 * normal(300, 16, 1)
    theirs = metric_kid.kid_features_to_metric(
        y, x, kid_subsets=1, kid_subset_size=300, kid_kernel="rbf", kid_kernel_rbf_sigma=4.0, verbose=False
    )
    assert squared_mmd(x, y, 4.0) == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-9)


def test_more_than_one_block():
    x, y = normal(2100, 3, 0), normal(1100, 3, 1) + 0.1
    kernel = [torch.exp(-torch.cdist(a, b).square() / 8) for a, b in ((x, x), (y, y), (x, y))]
    truth = (kernel[0].sum() - 2100) / (2100 * 2099) + (kernel[1].sum() - 1100) / (1100 * 1099) - 2 * kernel[2].mean()
    assert squared_mmd(x, y, 2.0) == pytest.approx(float(truth), rel=1e-9)


def test_the_ruler_is_the_median_distance_of_real_images():
    real = Features(column(0, 1, 3))  # distances 1, 2, 3
    assert median_distance(real) == pytest.approx(2, rel=1e-12)
    fake = Features(column(0, 1, 100))
    assert mmd(real, fake) == pytest.approx(squared_mmd(real.features, fake.features, 2.0), rel=1e-12)


def test_no_scale_or_shift_of_the_features_matters_to_the_median_rule():
    x, y = normal(200, 8, 0), normal(200, 8, 1) + 0.5
    found = mmd(Features(x), Features(y))
    assert mmd(Features(7 * x + 1000), Features(7 * y + 1000)) == pytest.approx(found, rel=1e-9)
    assert mmd(Features((x + 30).float()), Features((y + 30).float())) == pytest.approx(found, rel=1e-4)


def test_equal_distributions_scatter_around_zero():
    values = torch.tensor(
        [mmd(Features(normal(150, 8, 2 * s)), Features(normal(150, 8, 2 * s + 1))) for s in range(40)]
    )
    assert float(values.min()) < 0
    assert abs(float(values.mean())) < 3 * float(values.std()) / 40**0.5


def test_real_images_that_are_mostly_equal_are_refused():
    with pytest.raises(UserError, match="most real images have equal features"):
        mmd(Features(torch.ones(9, 2)), Features(normal(9, 2, 0)))


def test_cmmd_is_for_clip_alone():
    images = torch.zeros(4, 3, 16, 16, dtype=torch.uint8)
    side = Sample(images, None, name="images")
    subject = EvaluationInputs(side, side, side)
    said = str(preconditions.problem(MetricId("cmmd", "digits-cnn"), subject))
    assert "is defined on clip-vit-l-14-336, clip-vit-b-32, not on digits-cnn" in said
    assert preconditions.problem(MetricId("cmmd", "clip-vit-l-14-336"), subject) is None

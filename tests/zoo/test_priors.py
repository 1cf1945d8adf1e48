import torch
from scipy.stats import truncnorm

from zoo.training.priors import spherical, truncated


def test_spherical_latents_have_length_root_width_and_no_direction():
    latents = spherical(100)(4000, torch.Generator().manual_seed(0))
    torch.testing.assert_close(latents.norm(dim=1), torch.full((4000,), 10.0))
    assert latents.mean(0).abs().max() < 0.07
    assert (latents.T.cov() - torch.eye(100)).abs().max() < 0.1


def test_truncation_scales_a_normal_that_is_cut_off_at_two():
    latents = torch.randn(20_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    half = truncated(latents, 0.5)
    assert half.abs().max() <= 1
    quantiles = torch.tensor([0.05, 0.25, 0.5, 0.75, 0.95], dtype=torch.float64)
    expected = torch.as_tensor(0.5 * truncnorm(-2, 2).ppf(quantiles.numpy()))
    torch.testing.assert_close(half.quantile(quantiles), expected, atol=0.02, rtol=0)
    assert torch.equal(half.argsort(), latents.argsort())


def test_truncation_of_one_changes_nothing_and_extremes_stay_finite():
    latents = torch.tensor([-9.0, 0.0, 9.0])
    assert truncated(latents, 1.0) is latents
    torch.testing.assert_close(truncated(latents, 0.1), torch.tensor([-0.2, 0.0, 0.2]), atol=1e-4, rtol=0)

"""Path length on generators whose answer is known, and the pitfall of quantised images."""

import pytest
import torch

from bench.metrics.path_length import LatentPath, between, path_length, ppl_z_end, slerp
from bench.training.sampling import quantise

D = 8
WEIGHT = torch.randn(D, 48, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def normal(n: int, random: torch.Generator) -> torch.Tensor:
    return torch.randn(n, D, generator=random, dtype=torch.float64)


def squared(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a.double() - b.double()).flatten(1).square().sum(1)


def linear(count: int) -> LatentPath:
    return LatentPath(normal, lambda z, _: (z @ WEIGHT).view(-1, 3, 4, 4), "linear", count)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("epsilon", [1e-4, 1e-2, 0.1])
def test_a_linear_generator(epsilon, full):
    """E |W(b - a)|^2 = 2 |W|_F^2, whatever epsilon and t are."""
    found = path_length(linear(20_000), squared, full=full, epsilon=epsilon, discard=0)
    expected = 2 * float(WEIGHT.square().sum())
    assert found.error is not None
    assert found.value == pytest.approx(expected, abs=4 * found.error)
    assert found.error < expected / 100


def test_epsilon_cancels_exactly():
    fine, coarse = (path_length(linear(500), squared, full=True, epsilon=e).value for e in (1e-4, 1e-1))
    assert fine == pytest.approx(coarse, rel=1e-6)


def test_quantised_images_measure_the_quantisation():
    """The reason for the float path: through uint8 the same generator scores a hundred times higher."""
    smooth = LatentPath(normal, lambda z, _: (0.3 * z @ WEIGHT).tanh().view(-1, 3, 4, 4), "linear", 2000)
    rough = LatentPath(normal, lambda z, _: quantise(smooth.render(z, None)).double() / 127.5, "linear", 2000)
    truth, wrong = (path_length(path, squared, full=False).value for path in (smooth, rough))
    assert wrong > 30 * truth
    assert path_length(smooth, squared, full=False, epsilon=1e-2).value == pytest.approx(truth, rel=0.02)


def test_extremes_are_discarded():
    def render(z, _):
        return torch.where(z[:, :1] > 2.6, 1e6 * z, z)[:, :, None, None].expand(-1, D, 1, 1)

    outlying = LatentPath(normal, render, "linear", 2000)
    assert path_length(outlying, squared, full=False).value < 100
    assert path_length(outlying, squared, full=False, discard=0).value > 1e6


def test_slerp_keeps_to_the_sphere():
    random = torch.Generator().manual_seed(1)
    a, b = (torch.nn.functional.normalize(normal(100, random), dim=1) for _ in range(2))
    half = slerp(a, b, torch.full((100, 1), 0.5, dtype=torch.float64))
    torch.testing.assert_close(half.norm(dim=1), torch.ones(100, dtype=torch.float64))
    torch.testing.assert_close((half * a).sum(1), (half * b).sum(1))
    for t, end in ((0.0, a), (1.0, b)):
        torch.testing.assert_close(slerp(a, b, torch.full((100, 1), t, dtype=torch.float64)), end)


def test_slerp_keeps_the_length_of_latents():
    random = torch.Generator().manual_seed(1)
    a, b = normal(50, random), normal(50, random)
    middle = between(a, b, torch.full((50, 1), 0.5, dtype=torch.float64), LatentPath(normal, lambda z, _: z))
    torch.testing.assert_close(middle.norm(dim=1), (a.norm(dim=1) + b.norm(dim=1)) / 2)


def test_the_metric_uses_float_images():
    dtypes = []

    class Recorder:
        name = "lpips-vgg"

        def of_float(self, images):
            dtypes.append(images.dtype)
            return images.flatten(1), None

    found = ppl_z_end(linear(300), Recorder())
    assert set(dtypes) == {torch.float64}
    assert found.value == pytest.approx(path_length(linear(300), squared, full=False).value, rel=1e-9)

"""Denoising diffusion GAN: the diffusion in closed form, its posterior by Bayes' rule, sampling with an oracle."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench.gan import Batch, Context, Draw, ImageSpec, Now, Prompt
from zoo.ddgan import LATENT, Critic, Diffusion, Generator, StepTurn, denoise
from zoo.training.denoising import noise_size

SPEC = ImageSpec(1, 8)


def steps(count: int) -> Tensor:
    return torch.arange(count + 1, dtype=torch.float64)


def test_all_is_kept_at_first_and_almost_nothing_at_the_end():
    """a_0 = 1, a_T = exp(-0.1 - 19.9 / 2), and half way exp(-0.05 - 19.9 / 8)."""
    kept = Diffusion(4).kept(steps(4))
    expected = torch.tensor([0.0, -0.05 - 19.9 / 8, -0.1 - 19.9 / 2]).double().exp()
    torch.testing.assert_close(kept[[0, 2, 4]], expected)


def test_the_posterior_is_that_of_bayes():
    """x_{t-1} ~ N(sqrt(a) x0, 1 - a) and x_t = sqrt(s) x_{t-1} + sqrt(1 - s) e: precisions add up."""
    diffusion = Diffusion(4)
    for t in steps(4)[2:]:
        before = diffusion.kept(t - 1)
        step = diffusion.kept(t) / before
        prior, seen = 1 / (1 - before), step / (1 - step)
        x0, later = torch.tensor(0.3).double(), torch.tensor(-0.8).double()
        mean = (prior * before.sqrt() * x0 + seen * later / step.sqrt()) / (prior + seen)
        zero, one = torch.zeros(()).double(), torch.ones(()).double()
        torch.testing.assert_close(diffusion.posterior(x0, later, t, zero), mean)
        torch.testing.assert_close(diffusion.posterior(x0, later, t, one) - mean, (prior + seen) ** -0.5)


def test_a_pair_has_the_moments_of_the_diffusion_and_the_last_step_is_the_image():
    diffusion, random = Diffusion(4), torch.Generator().manual_seed(0)
    images = torch.full((200_000,), 0.5)
    noises = tuple(torch.randn(images.shape, generator=random) for _ in range(2))
    for t in (1.0, 3.0):
        step = torch.tensor(t)
        for value, place in zip(diffusion.pair(images, step, noises), (step - 1, step), strict=True):
            kept = diffusion.kept(place)
            assert value.mean().item() == pytest.approx(0.5 * kept.sqrt().item(), abs=0.01)
            assert value.var().item() == pytest.approx(1 - kept.item(), abs=0.01)
    earlier, later = diffusion.pair(images, torch.tensor(1.0), noises)
    assert (earlier == 0.5).all()
    torch.testing.assert_close(diffusion.posterior(images, later, torch.tensor(1.0), noises[0]), images)


class Oracle(nn.Module):
    """Knows that all images are 0.25, counts how often it is asked and when."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float] = []

    def forward(self, noisy: Tensor, times: Tensor, latents: Tensor) -> Tensor:
        assert latents.shape == (noisy.shape[0], LATENT)
        self.asked.append(times[0].item())
        return torch.full_like(noisy, 0.25)


def test_an_oracle_gives_the_image_after_as_many_passes_as_steps():
    random, oracle = torch.Generator().manual_seed(0), Oracle()
    prompt = Prompt(3, random, torch.randn(3, noise_size(SPEC), generator=random))
    images = denoise({"generator": oracle}, prompt, spec=SPEC, diffusion=Diffusion(4))
    torch.testing.assert_close(images, torch.full((3, 1, 8, 8), 0.25))
    assert oracle.asked == [1.0, 0.75, 0.5, 0.25]


def test_an_oracle_s_fakes_are_distributed_as_the_real_ones_and_judged_beside_the_same_x_t():
    judged: list[tuple[Tensor, Tensor, Tensor]] = []

    class Judge(nn.Module):
        def forward(self, earlier: Tensor, later: Tensor, times: Tensor) -> Tensor:
            judged.append((earlier, later, times))
            return earlier.mean((1, 2, 3))

    nets: dict[str, Any] = {"generator": Oracle(), "critic": Judge()}
    draw = Draw(Batch(torch.full((4000, 1, 8, 8), 0.25)))
    context = Context(nets, draw, "critic", Now(0, 1, 0), torch.Generator().manual_seed(0))
    turn = StepTurn(context, diffusion=Diffusion(4))
    assert turn.real_logits.shape == turn.fake_logits.shape == (4000,)
    (real, later, times), (fake, beside, _) = judged
    assert torch.equal(later, beside)
    for time in (0.25, 0.5, 0.75, 1.0):
        chosen = times == time
        assert chosen.float().mean().item() == pytest.approx(0.25, abs=0.03)
        assert fake[chosen].mean().item() == pytest.approx(real[chosen].mean().item(), abs=0.02)
        assert fake[chosen].std().item() == pytest.approx(real[chosen].std().item(), abs=0.02)
    first = times == 0.25
    assert torch.equal(real[first], torch.full_like(real[first], 0.25))


def test_networks_depend_on_time_and_on_the_latent():
    spec = ImageSpec(3, 16)
    generator, critic = Generator(spec, 16), Critic(spec, 16)
    for weight in generator.parameters():  # branches start at 0
        nn.init.normal_(weight, std=0.05)
    x, one, other = torch.randn(2, 3, 16, 16), torch.full((2,), 0.25), torch.ones(2)
    z = torch.randn(2, LATENT)
    assert generator(x, one, z).abs().max() <= 1
    assert not torch.equal(generator(x, one, z), generator(x, other, z))
    assert not torch.equal(generator(x, one, z), generator(x, one, -z))
    assert not torch.equal(critic(x, x, one), critic(x, x, other))
    assert not torch.equal(critic(x, 2 * x, one), critic(2 * x, x, one))

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from bench.gan import Batch, Context, Draw, ImageSpec, Now
from zoo.vae import AutoencoderTurn, from_prior, reconstruction, vae

SPEC = ImageSpec(1, 16)


@pytest.fixture
def turn() -> AutoencoderTurn:
    torch.manual_seed(0)
    nets = {"autoencoder": vae(SPEC).players["autoencoder"].net}
    draw = Draw(Batch(torch.rand(6, 1, 16, 16) * 2 - 1))
    return AutoencoderTurn(Context(nets, draw, "autoencoder", Now(0, 1, 0), torch.Generator().manual_seed(0)))


def test_divergence_is_that_of_normal_distributions(turn: AutoencoderTurn):
    _, means, log_variances = turn.coded
    exact = kl_divergence(Normal(means, (log_variances / 2).exp()), Normal(0.0, 1.0)).sum(1).mean()
    torch.testing.assert_close(from_prior(turn), exact)


def test_reconstruction_is_the_likelihood_at_the_best_variance(turn: AutoencoderTurn):
    error = (turn.coded[0] - turn.real).double()
    best = error.square().mean().sqrt()
    pixels = turn.real[0].numel()

    def per_image(sigma: torch.Tensor) -> float:
        return -Normal(0.0, sigma).log_prob(error).sum().item() / len(error)

    constant = pixels / 2 * (1 + math.log(2 * math.pi))
    assert reconstruction(turn).item() + constant == pytest.approx(per_image(best), rel=1e-5)
    assert per_image(best) < min(per_image(best * 1.1), per_image(best / 1.1))


def test_one_pass_serves_both_terms(turn: AutoencoderTurn):
    passes: list[int] = []
    turn.nets["autoencoder"].register_forward_hook(lambda *_: passes.append(1))
    (reconstruction(turn) + from_prior(turn)).backward()
    assert len(passes) == 1

"""Adversarial flow: what the generator pays for, and what it starts from."""

import pytest
import torch
from torch import Tensor, nn

from bench.gan import Batch, Context, Draw, ImageSpec, Now, Prompt
from zoo import adversarial_flow
from zoo.adversarial_flow import Distance, Transport, TransportTurn, centred
from zoo.training.denoising import noise_size

SPEC = ImageSpec(1, 8)


class Shift(nn.Module):
    """The noise plus 0.5, or 0.5 alone."""

    def __init__(self, keep: float):
        super().__init__()
        self.keep = keep

    def forward(self, noise: Tensor) -> Tensor:
        return self.keep * noise + 0.5


class Mean(nn.Module):
    """An image's logit is the mean of its numbers."""

    def forward(self, images: Tensor) -> Tensor:
        return images.mean((1, 2, 3))


def turn(keep: float, images: int = 0) -> TransportTurn:
    draw = Draw(Batch(torch.full((2000, 1, 8, 8), 0.25)))
    nets = {"generator": Shift(keep), "critic": Mean()}
    context = Context(nets, draw, "generator", Now(images, 100, 0), torch.Generator().manual_seed(0))
    return TransportTurn(context, latents=lambda count, random: torch.randn(count, 64, generator=random))


def test_the_distance_by_hand():
    """G(z) - z is 0.5, or 0.5 - z, whose mean square is 0.25 + 1."""
    assert Distance(2.0)(turn(1.0)).item() == pytest.approx(2 * 0.25)
    assert Distance(2.0)(turn(0.0)).item() == pytest.approx(2 * 1.25, rel=0.01)


def test_the_distance_s_weight_falls_to_a_hundredth():
    """Half a cosine: (1 + 0.01) / 2 of it half way."""
    full = Distance(1.0)(turn(1.0)).item()
    assert Distance(1.0)(turn(1.0, images=50)).item() == pytest.approx(full * 0.505)
    assert Distance(1.0)(turn(1.0, images=100)).item() == pytest.approx(full * 0.01)


def test_of_all_maps_to_the_same_distribution_the_transport_is_the_cheapest():
    """z -> s z + 0.5 and z -> -s z + 0.5 have one distribution; the first moves less: (1 - s)^2 against (1 + s)^2."""
    straight, mirrored = (Distance(1.0)(turn(sign * 0.3)).item() for sign in (1, -1))
    assert straight == pytest.approx(0.7**2 + 0.25, rel=0.01)
    assert mirrored == pytest.approx(1.3**2 + 0.25, rel=0.01)


def test_logits_that_drift_together_are_drawn_to_zero():
    """Real logits 0.25 and generated ones 0.5: the square of 0.75."""
    assert centred(turn(0.0)).item() == pytest.approx(0.75**2)


def test_sampling_is_one_pass_over_the_latents_as_pictures_and_bounded():
    latents = torch.randn(2, noise_size(SPEC))
    found = adversarial_flow.transport({"generator": Shift(1.0)}, Prompt(2, torch.Generator(), latents), spec=SPEC)
    torch.testing.assert_close(found, (latents.view(2, 1, 8, 8) + 0.5).clamp(-1, 1))
    assert Transport(SPEC, 16)(latents.view(2, 1, 8, 8)).shape == (2, 1, 8, 8)

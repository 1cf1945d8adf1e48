"""MeanFlow on Gaussian data, whose mean velocities are known in closed form."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from bench.gan import Batch, Context, Draw, ImageSpec, Now, Prompt
from zoo import meanflow
from zoo.training.denoising import DenoisingTurn, noise_size, starting_noise

SPEC = ImageSpec(1, 8)
SPREAD = 0.3


class Known(nn.Module):
    """A network whose answer is a formula of the images, the later times and the spans, (N, 1, 1, 1) each."""

    def __init__(self, answer: Callable[[Tensor, Tensor, Tensor], Tensor]):
        super().__init__()
        self.answer = answer

    def forward(self, images: Tensor, times: Tensor, spans: Tensor) -> Tensor:
        return self.answer(images, times[:, None, None, None], spans[:, None, None, None])


def spread(t: Tensor) -> Tensor:
    """Standard deviation of (1 - t) x + t e."""
    return ((1 - t) ** 2 * SPREAD**2 + t**2).sqrt()


def mean(z: Tensor, t: Tensor, span: Tensor) -> Tensor:
    """The flow scales z by the ratio of spreads: its mean velocity is z (1 - s(r) / s(t)) / (t - r), at r = t z s'(t) / s(t)."""
    now = (t - (1 - t) * SPREAD**2) / spread(t) ** 2 * z
    far = z * (1 - spread(t - span) / spread(t)) / span.clamp(min=1e-6)
    return torch.where(span > 1e-3, far, now)


def turn(net: nn.Module, images: Tensor) -> DenoisingTurn:
    random = torch.Generator().manual_seed(0)
    return DenoisingTurn(Context({"generator": net}, Draw(Batch(images)), "generator", Now(0, 1, 0), random))


@pytest.mark.parametrize("steps", [1, 3])
def test_the_known_mean_velocity_maps_noise_to_data_in_any_number_of_steps(steps: int):
    random = torch.Generator().manual_seed(1)
    prompt = Prompt(16, random, torch.randn(16, noise_size(SPEC), generator=random))
    found = meanflow.integrate({"generator": Known(mean)}, prompt, spec=SPEC, steps=steps)
    torch.testing.assert_close(found, (SPREAD * starting_noise(prompt, SPEC)).clamp(-1, 1), rtol=1e-3, atol=1e-4)


def test_the_identity_holds_for_the_known_mean_velocity():
    """u + (t - r) du/dt along the path is the velocity of the flow at t (equation 6)."""
    z, t, r = torch.randn(50, 1, 1, 1, dtype=torch.float64), torch.tensor(0.7).double(), torch.tensor(0.2).double()
    t, r = (time.expand(50, 1, 1, 1).clone() for time in (t, r))
    velocity = mean(z, t, torch.zeros_like(t))
    value, slope = torch.func.jvp(lambda z, t: mean(z, t, t - r), (z, t), (velocity, torch.ones_like(t)))[:2]
    torch.testing.assert_close(value + 0.5 * slope, velocity)


def test_one_image_alone_has_no_loss():
    """Data of one image a: u = (z - a) / t is the velocity e - a of every path, whatever the span."""
    net = Known(lambda z, t, span: (z - 0.25) / t)
    assert meanflow.mean_velocity(turn(net, torch.full((64, 1, 8, 8), 0.25))).item() == pytest.approx(0, abs=1e-4)


def test_errors_are_weighted_by_what_they_are():
    """An error of 1 everywhere, u = e - a + 1, has the loss 1 / (1 + c)."""
    net = Known(lambda z, t, span: (z - 0.25) / t + 1)
    found = meanflow.mean_velocity(turn(net, torch.full((64, 1, 8, 8), 0.25))).item()
    assert found == pytest.approx(1 / (1 + meanflow.EPSILON), rel=1e-4)


def test_times_are_ordered_logit_normals_of_which_a_quarter_differ():
    later, spans = meanflow.drawn_times(turn(nn.Identity(), torch.zeros(40_000, 1, 1, 1)))
    assert (spans >= 0).all()
    assert (later - spans > 0).all()
    assert (spans > 0).float().mean().item() == pytest.approx(0.25, abs=0.01)
    # The larger of two normals has the mean mu + sigma / sqrt pi.
    assert later.logit().mean().item() == pytest.approx(-0.4 + 1 / math.sqrt(math.pi), abs=0.02)


@pytest.mark.parametrize("resolution", [32, 128])
def test_losses_and_samples_have_their_shapes_at_larger_sizes(resolution: int):
    spec = ImageSpec(1, resolution)
    gan = meanflow.meanflow(spec, width=8)
    images, random = torch.zeros(2, 1, resolution, resolution), torch.Generator()
    nets = {name: player.net for name, player in gan.players.items()}
    turn = gan.schedule[0].turn(Context(nets, Draw(Batch(images)), "generator", Now(60, 100, 0, 0, 0.5), random))
    assert meanflow.mean_velocity(turn).shape == ()
    assert gan.latents is not None
    with torch.no_grad():
        assert gan.generate(nets, Prompt(2, random, gan.latents(2, random))).shape == images.shape

"""The mathematics of flows and diffusions, on data whose best network is known in closed form."""

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from bench.gan import Batch, Context, Draw, ImageSpec, Now, Prompt
from zoo import ddpm, edm, rectified_flow
from zoo.networks.unet import UNet, first_width
from zoo.training.denoising import DenoisingTurn, network, noise_size, starting_noise
from zoo.training.solvers import euler, heun

SPEC = ImageSpec(1, 8)
SPREAD = 0.3  # of data from N(0, SPREAD^2)


class Known(nn.Module):
    """A network whose answer is a formula of its input and the time, (N, 1, 1, 1)."""

    def __init__(self, answer: Callable[[Tensor, Tensor], Tensor]):
        super().__init__()
        self.answer = answer

    def forward(self, images: Tensor, times: Tensor) -> Tensor:
        return self.answer(images, times.double()[:, None, None, None]).to(images.dtype)


def turn(net: nn.Module, count: int = 20_000) -> DenoisingTurn:
    random = torch.Generator().manual_seed(0)
    images = SPREAD * torch.randn(count, 1, 8, 8, generator=random)
    return DenoisingTurn(Context({"generator": net}, Draw(Batch(images)), "generator", Now(0, 1, 0), random))


def asked(count: int = 64) -> Prompt:
    random = torch.Generator().manual_seed(1)
    return Prompt(count, random, torch.randn(count, noise_size(SPEC), generator=random))


def best_velocity(x: Tensor, t: Tensor) -> Tensor:
    """E[x_1 - z | x_t] of Gaussian data: the covariance of both with x_t over its variance."""
    return (t * SPREAD**2 - (1 - t)) / (t**2 * SPREAD**2 + (1 - t) ** 2) * x


def test_the_flow_loss_of_the_best_field_is_the_variance_that_no_field_can_explain():
    """The conditional variance is s^2 / (t^2 s^2 + (1 - t)^2), and its mean over t in [0, 1] is s pi / 2."""
    found = rectified_flow.velocity(turn(Known(best_velocity))).item()
    assert found == pytest.approx(SPREAD * math.pi / 2, rel=0.01)
    worse = rectified_flow.velocity(turn(Known(lambda x, t: 1.3 * best_velocity(x, t)))).item()
    assert worse > 1.02 * found


@pytest.mark.parametrize(("solver", "order"), [("euler", 1), ("heun", 2)])
def test_the_flow_of_the_best_field_maps_noise_to_data(solver: rectified_flow.Solver, order: int):
    """The flow between Gaussians is x_1 = s z; the error falls with the order of the solver."""
    nets, prompt = {"generator": Known(best_velocity)}, asked()
    exact = (SPREAD * starting_noise(prompt, SPEC)).clamp(-1, 1)
    errors = [
        (
            rectified_flow.integrate(nets, prompt, spec=SPEC, steps=steps, solver=solver, guidance=1.0) - exact
        ).abs().max().item()
        for steps in (40, 80)
    ]  # fmt: skip
    assert math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.35)
    assert errors[1] < 0.1


@pytest.mark.parametrize(("solve", "order"), [(euler, 1), (heun, 2)])
def test_solvers_have_their_order_on_a_linear_equation(solve: Callable[..., Tensor], order: int):
    """dx/dt = (cos t) x from 1 has the solution exp(sin t)."""
    start = torch.ones(1, 1, dtype=torch.float64)
    errors = [
        abs(
            solve(lambda x, t: t.double().cos()[:, None] * x, start, [2 * i / steps for i in range(steps + 1)]).item()
            - math.exp(math.sin(2))
        )
        for steps in (200, 400)
    ]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.05)


def test_a_singular_end_is_never_asked():
    times: list[float] = []
    heun(lambda x, t: times.append(t[0].item()) or x, torch.ones(1, 1), [2.0, 1.0, 0.0], singular_end=True)
    assert times == [2.0, 1.0, 1.0]


def test_edm_asks_for_a_target_and_gives_an_input_of_unit_variance():
    """Data of the standard deviation that EDM assumes; the target is (y - c_skip x) / c_out (equation 8 and appendix B.6)."""
    random = torch.Generator().manual_seed(0)
    for sigma in (0.01, 0.5, 3.0, 80.0):
        images = edm.SIGMA_DATA * torch.randn(4000, 1, 4, 4, generator=random, dtype=torch.float64)
        noisy = images + sigma * torch.randn(images.shape, generator=random, dtype=torch.float64)
        sigmas = torch.full((4000,), sigma, dtype=torch.float64)
        seen: list[Tensor] = []
        skipped = edm.Preconditioned(lambda x, t, seen=seen: seen.append(x) or torch.zeros_like(x))(noisy, sigmas)
        one = edm.Preconditioned(lambda x, t: torch.ones_like(x))(noisy, sigmas) - skipped
        assert seen[0].var().item() == pytest.approx(1, rel=0.03)
        assert ((images - skipped) / one).var().item() == pytest.approx(1, rel=0.03)
        assert (edm.weights(sigmas)[0] * one[0, 0, 0, 0] ** 2).item() == pytest.approx(1)


def test_edm_at_values_worked_by_hand():
    """sigma = 0.5: c_skip 1/2, c_out sqrt(1/8), c_in sqrt 2, c_noise ln(1/2) / 4, weight 8."""
    seen: list[tuple[float, float]] = []

    def spy(x: Tensor, t: Tensor) -> Tensor:
        seen.append((x.item(), t.item()))
        return torch.full_like(x, 2.0)

    found = edm.Preconditioned(spy)(torch.full((1, 1, 1, 1), 3.0), torch.tensor([0.5]))
    assert found.item() == pytest.approx(3 / 2 + 2 * math.sqrt(1 / 8))
    assert seen == [pytest.approx((3 * math.sqrt(2), math.log(0.5) / 4))]
    assert edm.weights(torch.tensor([0.5])).item() == pytest.approx(8)
    levels = edm.levels(18)
    assert levels[0] == pytest.approx(80)
    assert levels[-2] == pytest.approx(0.002)
    assert levels[1] == pytest.approx(57.586, abs=0.001)  # (80^(1/7) + (0.002^(1/7) - 80^(1/7)) / 17)^7
    assert levels[-1] == 0
    assert all(a > b for a, b in pairwise(levels))


def test_edm_with_the_best_network_maps_noise_to_data():
    """D = s^2 / (s^2 + sigma^2) x gives the flow x_0 = x s / sqrt(s^2 + sigma^2); its loss is known too."""

    def best(x: Tensor, t: Tensor) -> Tensor:
        sigma = (4 * t).exp()
        total = (sigma**2 + edm.SIGMA_DATA**2).sqrt()
        noisy = x * total
        wanted = SPREAD**2 / (SPREAD**2 + sigma**2) * noisy
        return (wanted - edm.SIGMA_DATA**2 / total**2 * noisy) / (sigma * edm.SIGMA_DATA / total)

    prompt = asked()
    exact = (80 * SPREAD / math.sqrt(SPREAD**2 + 80**2) * starting_noise(prompt, SPEC)).clamp(-1, 1)

    def error(steps: int) -> float:
        found = edm.integrate({"generator": Known(best)}, prompt, spec=SPEC, steps=steps, guidance=1.0)
        return (found - exact).abs().max().item()

    assert error(80) < 0.005
    assert error(40) / error(80) == pytest.approx(4, rel=0.2)  # of second order
    loss = edm.denoising(turn(Known(best))).item()
    sigmas = (-1.2 + 1.2 * torch.randn(1_000_000, dtype=torch.float64)).exp()
    least = (edm.weights(sigmas) * SPREAD**2 * sigmas**2 / (SPREAD**2 + sigmas**2)).mean().item()
    assert loss == pytest.approx(least, rel=0.02)


def test_the_schedule_of_ddpm():
    kept = ddpm.kept()
    assert len(kept) == 1001
    assert kept[:2] == (1.0, 1 - 1e-4)
    assert kept[1000] == pytest.approx(4.0358e-5, rel=1e-3)
    assert ddpm.spread(4) == [1000, 750, 500, 250, 0]


def best_noise(spread: float) -> Callable[[Tensor, Tensor], Tensor]:
    """E[e | x_t] of Gaussian data."""

    def answer(x: Tensor, t: Tensor) -> Tensor:
        a = torch.tensor(ddpm.kept(), dtype=torch.float64)[(t * ddpm.LAST).round().long()]
        return (1 - a).sqrt() / (a * spread**2 + 1 - a) * x

    return answer


def test_ddim_of_unit_gaussian_data_is_a_product_of_cosines():
    """With a = cos^2 v the step is x cos(v - v'): by the addition theorem, for data of variance 1."""
    start = torch.randn(16, 1, 4, 4, dtype=torch.float64)
    visits = ddpm.spread(7)
    random = torch.Generator().manual_seed(0)
    state = random.get_state()
    found = ddpm.reverse(Known(best_noise(1.0)), start, visits, 0.0, random, bound=math.inf)
    angles = [math.acos(math.sqrt(ddpm.kept()[visit])) for visit in visits]
    factor = math.prod(math.cos(now - then) for now, then in pairwise(angles))
    torch.testing.assert_close(found, factor * start)
    assert torch.equal(random.get_state(), state), "DDIM draws no noise"


def test_ddim_in_all_steps_and_ddpm_give_data_of_the_right_spread():
    """DDIM follows the flow x_0 = x s / sqrt(a s^2 + 1 - a); at eta 1 the samples are random with the same spread."""
    start = torch.randn(2000, 1, 2, 2, dtype=torch.float64)
    random = torch.Generator().manual_seed(0)
    net = Known(best_noise(SPREAD))
    a = ddpm.kept()[-1]
    flowed = ddpm.reverse(net, start, ddpm.spread(1000), 0.0, random, bound=math.inf)
    torch.testing.assert_close(flowed, SPREAD / math.sqrt(a * SPREAD**2 + 1 - a) * start, rtol=0.02, atol=1e-3)
    diffused = ddpm.reverse(net, start, ddpm.spread(1000), 1.0, random, bound=math.inf)
    assert diffused.std().item() == pytest.approx(SPREAD, rel=0.03)
    assert not torch.allclose(diffused, flowed, atol=0.1)


def test_ddpm_loss_of_the_best_network():
    """What is left of the noise's variance is a s^2 / (a s^2 + 1 - a), on average over the steps."""
    found = ddpm.noise_error(turn(Known(best_noise(SPREAD)))).item()
    left = [a * SPREAD**2 / (a * SPREAD**2 + 1 - a) for a in ddpm.kept()[1:]]
    assert found == pytest.approx(sum(left) / len(left), rel=0.03)


def test_classes_are_hidden_at_random_and_guidance_extrapolates():
    spec = ImageSpec(1, 8, classes=3)
    torch.manual_seed(0)
    net = rectified_flow.rectified_flow_conditional(spec).players["generator"].net
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.1)
    images, labels = torch.randn(400, 1, 8, 8), torch.arange(400) % 3
    context = Context({"generator": net}, Draw(Batch(images, labels)), "generator", Now(0, 1, 0), torch.Generator())
    told = DenoisingTurn(context, dropout=0.25)._labels
    assert (told == 3).float().mean().item() == pytest.approx(0.25, abs=0.06)
    assert torch.equal(told[told < 3], labels[told < 3])
    prompt = Prompt(4, torch.Generator(), torch.randn(4, 64), labels[:4])
    x, t = torch.randn(4, 1, 8, 8), torch.rand(4)
    one, three = network({"generator": net}, prompt)(x, t), network({"generator": net}, prompt, 3.0)(x, t)
    untold = net(x, t, torch.full((4,), 3))
    torch.testing.assert_close(one, net(x, t, labels[:4]))
    torch.testing.assert_close(three, untold + 3 * (one - untold))


@pytest.mark.parametrize(("resolution", "channels"), [(8, 16), (16, 16), (32, 32), (64, 64), (256, 64)])
def test_the_first_level_is_as_wide_as_the_image_up_to_64(resolution: int, channels: int):
    assert first_width(resolution, 64) == channels


def test_the_network_says_nothing_at_first_and_knows_the_time_afterwards():
    torch.manual_seed(0)
    net, images, times = UNet(SPEC), torch.randn(2, 1, 8, 8), torch.tensor([0.1, 0.9])
    assert not net(images, times).any()
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.1)
    assert not torch.allclose(net(images, times), net(images, times.flip(0)), atol=1e-3)

"""The look ahead against an explicit unroll and against finite differences."""

from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from bench.gan import Batch, Context, Draw, ImageSpec, Now
from zoo.losses.objectives import NonSaturating, Wasserstein
from zoo.training.two_player import LatentTurn
from zoo.unrolled_gan import Critic, Generator, Unrolled, named

STEPS, RATE, BETAS = 3, 0.05, (0.5, 0.99)


def count(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def test_parameters_equal_the_stacked_mnist_experiment():
    spec = ImageSpec(3, 32)  # as many as at the code's 28 px, whose feature maps are the same from 4 px
    assert count(Generator(spec)) == 287_875
    assert count(Critic(spec, share=0.5)) == 1_889
    assert count(Critic(spec, share=0.25)) == 585


@pytest.fixture
def nets() -> dict[str, nn.Module]:
    """Smooth tiny networks in float64."""
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Unflatten(1, (1, 2, 2)))
    critic = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 1), nn.Flatten(0))
    critic.requires_grad_(False)  # as the loop freezes whoever does not move
    return {"generator": generator.double(), "critic": critic.double()}


def turn(nets: dict[str, nn.Module]) -> LatentTurn:
    """The same images and latents every time."""
    images = torch.linspace(-1, 1, 20, dtype=torch.float64).reshape(5, 1, 2, 2)
    latents = torch.linspace(-2, 2, 10, dtype=torch.float64).reshape(5, 2).sin()
    return LatentTurn(
        Context(nets, Draw(Batch(images)), "generator", Now(0, 1, 0), torch.Generator()),
        latents=lambda count, random: latents,
    )


def with_memory(nets: dict[str, nn.Module], steps: int = STEPS) -> Unrolled:
    """A look ahead that has seen some gradients."""
    unrolled = Unrolled(NonSaturating(), nets["critic"], steps, RATE, BETAS).double()
    size = torch.linspace(1, 2, len(unrolled.mean), dtype=torch.float64)
    unrolled.mean.copy_(0.02 * size.sin())
    unrolled.square.copy_(0.001 * size)
    unrolled.count.fill_(4)
    return unrolled


def explicit(nets: dict[str, nn.Module], unrolled: Unrolled) -> tuple[Tensor, torch.optim.Adam]:
    """The generator's loss after real steps of PyTorch's Adam on the critic's weights, and Adam after the first of them."""
    critic = nets["critic"]
    saved = {name: weight.clone() for name, weight in critic.state_dict().items()}
    critic.requires_grad_(True)
    optimiser = torch.optim.Adam(critic.parameters(), lr=RATE, betas=BETAS, eps=0.0)
    means, squares = named(unrolled.mean, critic), named(unrolled.square, critic)
    for name, weight in critic.named_parameters():
        past = {"exp_avg": means[name].clone(), "exp_avg_sq": squares[name].clone()}
        optimiser.state[weight] = {"step": unrolled.count.float(), **past}
    after_one = optimiser
    for step in range(unrolled.steps):
        optimiser.zero_grad()
        fakes = turn(nets)
        fakes.mover = "critic"
        NonSaturating().critic(fakes).backward()
        optimiser.step()
        after_one = deepcopy(optimiser) if step == 0 else after_one
    loss = NonSaturating().generator(turn(nets)).detach()
    critic.load_state_dict(saved)
    critic.requires_grad_(False)
    return loss, after_one


def test_the_loss_is_that_of_an_explicit_unroll(nets: dict[str, nn.Module]):
    unrolled = with_memory(nets)
    ahead = unrolled(turn(nets))
    torch.testing.assert_close(ahead.detach(), explicit(nets, unrolled)[0], rtol=1e-10, atol=1e-12)
    assert abs(ahead.item() - NonSaturating().generator(turn(nets)).item()) > 1e-3  # the steps do matter


def test_the_gradient_against_finite_differences_of_the_explicit_unroll(nets: dict[str, nn.Module]):
    weight, unrolled = nets["generator"].get_parameter("0.weight"), with_memory(nets)
    (slope,) = torch.autograd.grad(unrolled(turn(nets)), weight)
    (short_sighted,) = torch.autograd.grad(NonSaturating().generator(turn(nets)), weight)
    measured = torch.zeros_like(weight)
    for index in range(weight.numel()):
        values = []
        for sign in (1, -1):
            weight.data.view(-1)[index] += sign * 1e-5
            values.append(explicit(nets, unrolled)[0])
            weight.data.view(-1)[index] -= sign * 1e-5
        measured.view(-1)[index] = (values[0] - values[1]) / 2e-5
    torch.testing.assert_close(slope, measured, rtol=1e-5, atol=1e-9)
    assert not torch.allclose(slope, short_sighted, rtol=1e-2)


def test_the_memory_is_that_of_adam_after_a_step_on_the_same_batch(nets: dict[str, nn.Module]):
    unrolled = with_memory(nets)
    _, adam = explicit(nets, unrolled)
    now = turn(nets)
    unrolled(now)
    unrolled.remember(now)
    (group,) = adam.param_groups
    kept = [adam.state[weight] for weight in group["params"]]
    torch.testing.assert_close(unrolled.mean, torch.cat([one["exp_avg"].flatten() for one in kept]))
    torch.testing.assert_close(unrolled.square, torch.cat([one["exp_avg_sq"].flatten() for one in kept]))
    assert unrolled.count == kept[0]["step"] == 5


def test_a_weight_without_a_gradient_does_not_spoil_the_others(nets: dict[str, nn.Module]):
    nets["critic"].get_parameter("3.weight").data.zero_()  # the first layer's gradients are exactly 0
    unrolled = Unrolled(NonSaturating(), nets["critic"], STEPS, RATE, BETAS).double()
    (slope,) = torch.autograd.grad(unrolled(turn(nets)), nets["generator"].get_parameter("0.weight"))
    assert bool(slope.isfinite().all())


def test_the_critic_is_left_alone(nets: dict[str, nn.Module]):
    before = [weight.clone() for weight in nets["critic"].parameters()]
    Unrolled(Wasserstein(), nets["critic"], STEPS, RATE, BETAS).double()(turn(nets)).backward()
    assert all(torch.equal(a, b) for a, b in zip(before, nets["critic"].parameters(), strict=True))
    assert all(weight.grad is None for weight in nets["critic"].parameters())


def test_no_step_ahead_is_the_usual_loss(nets: dict[str, nn.Module]):
    usual = NonSaturating().generator(turn(nets))
    torch.testing.assert_close(with_memory(nets, steps=0)(turn(nets)), usual)

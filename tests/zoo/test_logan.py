import pytest
import torch
from torch import Tensor, nn

from bench.gan import Batch, Context, Draw, Now
from zoo.logan import SteppingTurn, length, natural_step


class Slope(nn.Module):
    """A critic whose logit rises by `slope` for each unit of the image's sum."""

    def __init__(self, slope: float):
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(slope))

    def forward(self, images: Tensor) -> Tensor:
        return self.slope * images.sum((1, 2, 3))


def turn(slope: float, mover: str = "critic", count: int = 4) -> SteppingTurn:
    """Images are the latents, 1 x 1 pixel, drawn as 0.5."""
    nets = {"critic": Slope(slope), "generator": nn.Unflatten(1, (1, 1, 1))}
    draw = Draw(Batch(torch.zeros(count, 1, 1, 1)))
    context = Context(nets, draw, mover, Now(0, 1, 0), torch.Generator().manual_seed(0))
    return SteppingTurn(context, latents=lambda n, random: torch.full((n, 1), 0.5), reach=0.9, damping=0.1)


def test_the_natural_step_by_hand():
    """Slopes (3, 4) and (0.6, 0.8): 0.9 g / (0.1 + 25) and 0.9 g / 1.1."""
    steps = natural_step(torch.tensor([[3.0, 4.0], [0.6, 0.8]]), 0.9, 0.1)
    torch.testing.assert_close(steps, torch.tensor([[2.7 / 25.1, 3.6 / 25.1], [0.54 / 1.1, 0.72 / 1.1]]))


def test_no_step_is_longer_than_its_bound_which_it_reaches_at_the_root_of_beta():
    slopes = torch.linspace(0, 5, 50_001)[:, None]
    lengths = natural_step(slopes, 0.9, 0.1).norm(dim=1)
    assert lengths.max().item() == pytest.approx(0.9 / (2 * 0.1**0.5), rel=1e-4)
    assert slopes[lengths.argmax()].item() == pytest.approx(0.1**0.5, abs=1e-3)


def test_most_latents_step_up_the_critic():
    made = turn(2.0, count=10_000)
    moved = made.fake.flatten() - 0.5
    step = 0.9 * 2 / 4.1
    assert sorted(set(moved.detach().round(decimals=4).tolist())) == pytest.approx([0, step], abs=1e-4)
    assert (moved > 0).float().mean().item() == pytest.approx(0.8, abs=0.02)
    assert length(made).item() == pytest.approx(step**2)


def test_the_critic_is_differentiated_through_the_step():
    """d/ds of (a s / (b + s^2))^2 at s = 2, and not 0."""
    made = turn(2.0)
    length(made).backward()
    grad = made.nets["critic"].slope.grad  # pyright: ignore[reportAttributeAccessIssue]
    assert isinstance(grad, Tensor)
    step = 0.9 * 2 / 4.1
    assert grad.item() == pytest.approx(2 * step * 0.9 * (0.1 - 4) / 4.1**2)

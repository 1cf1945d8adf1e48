"""Penalties on a linear critic f(x) = w . x, whose gradient is w everywhere."""

import pytest
import torch
from torch import Tensor, nn

from bench.gan import Batch, Context, Draw, Now, Turn
from zoo.losses.penalties import DRAGAN, R1, R2, ClipWeights, GradientPenalty, clip

W = torch.linspace(-0.3, 0.5, 3 * 4 * 4)
NORM = W.norm().item()


class LinearTurn(Turn):
    """A linear critic that remembers what it has judged; the fakes are zeros."""

    def __init__(self, differentiates: frozenset[str] = frozenset(), count: int = 5):
        random = torch.Generator().manual_seed(0)
        draw = Draw(Batch(torch.rand(count, 3, 4, 4, generator=random) + 1))
        super().__init__(Context({}, draw, "critic", Now(0, 1, 0), random, differentiates))
        self.fake = self.leaf("fake", torch.zeros(count, 3, 4, 4))
        self.judged: list[Tensor] = []

    def judge(self, images: Tensor) -> Tensor:
        self.judged.append(images.detach())
        return images.flatten(1) @ W


def test_gradient_penalty_is_the_squared_distance_of_the_norm_from_one():
    penalty = GradientPenalty(10.0)(LinearTurn())
    assert penalty.item() == pytest.approx(10 * (NORM - 1) ** 2, rel=1e-5)


def test_gradient_penalty_looks_between_real_and_fake_with_one_share_per_image():
    turn = LinearTurn()
    GradientPenalty()(turn)
    shares = (turn.judged[0] / turn.batch.images).flatten(1)  # fakes are zeros: what is left is u
    assert torch.allclose(shares, shares[:, :1], atol=1e-6)
    assert ((shares >= 0) & (shares <= 1)).all()
    assert len(shares[:, 0].unique()) == 5


def test_gradient_penalty_looks_on_the_whole_way_from_fake_to_real():
    turn = LinearTurn(count=2000)
    turn.fake = -3 * torch.rand(2000, 3, 4, 4, generator=turn.random)
    GradientPenalty()(turn)
    ways = turn.batch.images - turn.fake
    shares = ((turn.judged[0] - turn.fake) / ways).flatten(1)
    torch.testing.assert_close(shares, shares[:, :1].expand_as(shares))  # on the line between the two
    steps = torch.linspace(0.1, 0.9, 9)
    torch.testing.assert_close(shares[:, 0].quantile(steps), steps, atol=0.03, rtol=0)


def test_gradient_penalty_pulls_each_image_s_slope_towards_one_by_itself():
    """Slopes of 0 and 2 are both wrong, although their mean, and the slope of the mean, are 1."""
    turn = LinearTurn(count=2)
    unit = torch.nn.functional.normalize(torch.ones(48), dim=0)
    turn.judge = lambda images: images.flatten(1) @ unit * torch.tensor([0.0, 2.0])
    assert GradientPenalty(1.0)(turn).item() == pytest.approx(1.0)


def test_gradient_penalty_trains_the_critic():
    weight = W.clone().requires_grad_()
    turn = LinearTurn()
    turn.judge = lambda images: images.flatten(1) @ weight
    GradientPenalty(10.0)(turn).backward()
    assert weight.grad is not None
    expected = 10 * 2 * (NORM - 1) * W / NORM  # d/dw of 10 (||w|| - 1)^2
    torch.testing.assert_close(weight.grad, expected, rtol=1e-4, atol=1e-6)


def test_dragan_is_the_same_penalty_near_the_real_images():
    turn = LinearTurn()
    assert DRAGAN(10.0)(turn).item() == pytest.approx(10 * (NORM - 1) ** 2, rel=1e-5)
    moved = turn.judged[0] - turn.batch.images
    assert 0 <= moved.min() <= moved.max() <= 0.5 * turn.batch.images.std()


def test_dragan_moves_every_pixel_by_its_own_share_of_half_a_deviation():
    turn = LinearTurn(count=500)
    DRAGAN()(turn)
    shares = (turn.judged[0] - turn.batch.images).flatten(1) / (0.5 * turn.batch.images.std())
    assert 0.9 < shares.max() <= 1
    assert (shares.std(1) > 0.1 * shares.mean(1)).all()  # no picture is moved as a whole


@pytest.mark.parametrize("penalty", [R1(3.0), R2(3.0)])
def test_r1_and_r2_are_half_gamma_times_the_squared_norm(penalty: R1 | R2):
    turn = LinearTurn(penalty.differentiates)
    assert penalty(turn).item() == pytest.approx(3 / 2 * NORM**2, rel=1e-5)
    assert len(turn.judged) == 1  # the pass that the objective uses too


def test_r1_sums_over_pixels_and_averages_over_images():
    turn = LinearTurn(R1.differentiates)
    turn.judge = lambda images: images.flatten(1).square().sum(1) / 2  # gradient: the image itself
    expected = turn.batch.images.flatten(1).square().sum(1).mean() / 2
    torch.testing.assert_close(R1(1.0)(turn), expected)


def test_clipping_keeps_every_weight_within_the_limit():
    net = nn.Linear(8, 8)
    before = net.weight.detach().clone()
    clip(net, 0.1)
    assert torch.equal(net.weight, before.clamp(-0.1, 0.1))
    assert net.weight.abs().max() == 0.1


def test_clip_weights_clips_its_player_alone():
    critic, generator = nn.Linear(8, 8), nn.Linear(8, 8)
    turn = LinearTurn()
    turn.nets = {"critic": critic, "generator": generator}
    ClipWeights(0.05)(turn)
    assert critic.weight.abs().max() <= 0.05
    assert generator.weight.abs().max() > 0.05

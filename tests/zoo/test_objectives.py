"""Objectives at given logits, by hand or against PyTorch's own losses."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

from bench.gan import Batch, Context, Draw, Now, Turn
from zoo.losses.objectives import Hinge, LeastSquares, NonSaturating, Wasserstein

REAL, FAKE = torch.tensor([2.0, -1.0, 0.5, 3.0]), torch.tensor([-3.0, 0.25, 1.5, -0.5])


def turn(real: Tensor = REAL, fake: Tensor = FAKE) -> Turn:
    made = Turn(Context({}, Draw(Batch(torch.zeros(4, 1, 1, 1))), "critic", Now(0, 1, 0), torch.Generator()))
    made.real_logits, made.fake_logits = real, fake
    return made


def test_non_saturating_is_binary_cross_entropy():
    ones, zeros = torch.ones(4), torch.zeros(4)
    critic = binary_cross_entropy_with_logits(REAL, ones) + binary_cross_entropy_with_logits(FAKE, zeros)
    torch.testing.assert_close(NonSaturating().critic(turn()), critic)
    torch.testing.assert_close(NonSaturating().generator(turn()), binary_cross_entropy_with_logits(FAKE, ones))


def test_non_saturating_is_finite_at_large_logits():
    extreme = turn(torch.tensor([1e4, -1e4]), torch.tensor([1e4, -1e4]))
    assert NonSaturating().critic(extreme).isfinite()
    assert NonSaturating().generator(extreme).isfinite()


def test_an_undecided_critic_has_twice_log_two():
    undecided = turn(torch.zeros(4), torch.zeros(4))
    assert NonSaturating().critic(undecided).item() == pytest.approx(2 * torch.log(torch.tensor(2.0)).item())


def test_least_squares():
    critic = (mse_loss(REAL, torch.ones(4)) + mse_loss(FAKE, torch.zeros(4))) / 2
    torch.testing.assert_close(LeastSquares().critic(turn()), critic)
    torch.testing.assert_close(LeastSquares().generator(turn()), mse_loss(FAKE, torch.ones(4)) / 2)


def test_wasserstein():
    assert Wasserstein().critic(turn()).item() == pytest.approx(-1.75 / 4 - 4.5 / 4)
    assert Wasserstein().generator(turn()).item() == pytest.approx(1.75 / 4)


def test_hinge():
    # max(0, 1 - D(x)): 0, 2, 0.5, 0. max(0, 1 + D(G(z))): 0, 1.25, 2.5, 0.5.
    assert Hinge().critic(turn()).item() == pytest.approx(2.5 / 4 + 4.25 / 4)
    assert Hinge().generator(turn()).item() == pytest.approx(1.75 / 4)

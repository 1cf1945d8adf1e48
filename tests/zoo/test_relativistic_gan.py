"""Relativistic losses at given logits, and the sizes of the standard CNN."""

from math import exp, log

import pytest
import torch
from torch import Tensor

from bench.gan import Batch, Context, Draw, ImageSpec, Now, Turn
from zoo.losses.objectives import Relativistic
from zoo.networks.standard import Critic, Generator
from zoo.relativistic_gan import RelativisticAverage

CIFAR = ImageSpec(3, 32)


def turn(real: Tensor, fake: Tensor) -> Turn:
    made = Turn(Context({}, Draw(Batch(torch.zeros(2, 1, 1, 1))), "critic", Now(0, 1, 0), torch.Generator()))
    made.real_logits, made.fake_logits = real, fake
    return made


def softplus(value: float) -> float:
    return log(1 + exp(value))


def test_the_average_loss_by_hand():
    """Real 1 and 3 (mean 2), fake 0 and -2 (mean -1): ahead 2 and 4, behind -2 and -4."""
    given = turn(torch.tensor([1.0, 3.0]), torch.tensor([0.0, -2.0]))
    low, high = (softplus(-2) + softplus(-4)) / 2, (softplus(2) + softplus(4)) / 2
    assert RelativisticAverage().critic(given).item() == pytest.approx(2 * low)
    assert RelativisticAverage().generator(given).item() == pytest.approx(2 * high)


def test_each_image_is_held_against_its_own_or_against_the_average():
    """Fakes in another order change RSGAN's loss and not RaSGAN's."""
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([0.0, -2.0])
    pairs = Relativistic().critic(turn(real, fake)).item()
    assert pairs == pytest.approx((softplus(-1) + softplus(-5)) / 2)
    assert Relativistic().critic(turn(real, fake.flip(0))).item() == pytest.approx(softplus(-3))
    average = RelativisticAverage()
    torch.testing.assert_close(average.critic(turn(real, fake)), average.critic(turn(real, fake.flip(0))))


def test_a_shift_of_all_logits_changes_nothing():
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([0.0, -2.0])
    for objective in (Relativistic(), RelativisticAverage()):
        torch.testing.assert_close(objective.critic(turn(real, fake)), objective.critic(turn(real + 7, fake + 7)))


def test_the_generator_learns_from_real_images_too():
    """A critic's slope at the real logits reaches its input: the loss depends on them."""
    real, fake = torch.tensor([1.0, 3.0], requires_grad=True), torch.tensor([0.0, -2.0])
    RelativisticAverage().generator(turn(real, fake)).backward()
    assert real.grad is not None
    assert (real.grad > 0).all()


def test_the_standard_cnn_has_the_layers_of_its_table():
    """Table 3 of arXiv:1802.05957 at 32 px, by hand: biases everywhere, batch norms with scale and shift."""
    norms = 2 * (512 + 256 + 128 + 64)
    ups = 512 * 256 * 16 + 256 + 256 * 128 * 16 + 128 + 128 * 64 * 16 + 64
    generator = 128 * 8192 + 8192 + ups + norms + 64 * 3 * 9 + 3
    assert sum(weight.numel() for weight in Generator(CIFAR).parameters()) == generator
    critic = (3 * 64 * 9 + 64) + (64 * 64 * 16 + 64) + (64 * 128 * 9 + 128) + (128 * 128 * 16 + 128)
    critic += (128 * 256 * 9 + 256) + (256 * 256 * 16 + 256) + (256 * 512 * 9 + 512) + (8192 + 1)
    assert sum(weight.numel() for weight in Critic(CIFAR).parameters()) == critic

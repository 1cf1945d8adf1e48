"""Adaptive pseudo augmentation: which images are shown as real, and how often."""

import pytest
import torch
from torch import Tensor, nn

from bench.gan import Batch, Context, Draw, Now
from zoo.apa import DeceivedTurn
from zoo.augmentation.ada import AdaptiveAugment

COUNT = 4000


class Constant(nn.Module):
    """Every image is -1."""

    def forward(self, latents: Tensor, noise: Tensor, labels: Tensor | None) -> Tensor:
        return -torch.ones(latents.shape[0], 1, 1, 1)


class Bright(nn.Module):
    """An image's logit is its brightness."""

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1).sum(1)


def turn(p: float, control: AdaptiveAugment | None = None, *differentiates: str) -> DeceivedTurn:
    control = control or AdaptiveAugment()
    control.p.fill_(p)
    nets = {"generator": Constant(), "critic": Bright()}
    draw = Draw(Batch(torch.full((COUNT, 1, 1, 1), 0.25)))
    context = Context(nets, draw, "critic", Now(0, 1, 3), torch.Generator().manual_seed(0), frozenset(differentiates))
    latents = lambda count, random: torch.zeros(count, 1)  # noqa: E731
    return DeceivedTurn(context, latents=latents, layers=1, noise_pixels=1, mixing=0.0, control=control)


def test_nothing_is_shown_but_real_images_at_first():
    assert (turn(0.0).real == 0.25).all()


@pytest.mark.parametrize("p", [0.3, 1.0])
def test_a_share_p_of_what_is_shown_as_real_is_generated(p: float):
    shown = turn(p).real
    assert set(shown.unique().tolist()) <= {-1.0, 0.25}
    assert (shown == -1).float().mean().item() == pytest.approx(p, abs=0.02)


def test_the_batch_stays_and_r1_can_differentiate_what_is_shown():
    seen = turn(0.5, None, "real")
    assert seen.real.is_leaf
    assert seen.real.requires_grad
    assert (seen.batch.images == 0.25).all()


def test_p_follows_the_signs_of_what_is_shown_as_real():
    """All real: the mean sign is 1 > 0.6, p rises by N / 500,000. Half generated: it is 0 < 0.6, p falls as far."""
    control = AdaptiveAugment(target=0.6)
    control.adjust(turn(0.0, control))
    assert control.p.item() == pytest.approx(COUNT / 500_000)
    control.adjust(turn(0.5, control))
    assert control.p.item() == pytest.approx(0.5 - COUNT / 500_000)


def test_the_generator_learns_from_its_own_images_alone():
    fake = turn(1.0).fake
    assert (fake == -1).all()

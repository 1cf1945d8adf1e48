import pytest
import torch
from torch import Tensor, nn

from bench.gan import Batch, Context, Draw, Now
from zoo.icr_gan import Balanced, LatentConsistency, LatentDiversity, NearTurn


class Sum(nn.Module):
    """An image's logit is twice the sum of its numbers."""

    def forward(self, images: Tensor) -> Tensor:
        return 2 * images.sum((1, 2, 3))


def turn(mover: str = "critic", count: int = 3) -> NearTurn:
    """Images are the latents, which are 0.5."""
    nets = {"critic": Sum(), "generator": nn.Unflatten(1, (1, 1, 1))}
    draw = Draw(Batch(torch.full((count, 1, 1, 1), 0.25)))
    context = Context(nets, draw, mover, Now(0, 1, 0), torch.Generator().manual_seed(0))
    return NearTurn(context, latents=lambda count, random: torch.full((count, 1), 0.5))


def test_balanced_consistency_by_hand():
    """Doubled images: real logits 0.5 and 1, generated ones 1 and 2."""
    assert Balanced(lambda images, random: 2 * images)(turn()).item() == pytest.approx(0.5**2 + 1)
    assert Balanced(lambda images, random: images)(turn()).item() == 0


def test_a_consistent_critic_and_a_diverse_generator_see_the_same_distances():
    """Images apart by n of variance s^2: logits apart by 2 n, so 4 s^2 for the critic, -s^2 for the generator."""
    assert LatentConsistency(0.3)(turn(count=200_000)).item() == pytest.approx(4 * 0.09, rel=0.02)
    assert LatentDiversity(0.3)(turn("generator", count=200_000)).item() == pytest.approx(-0.09, rel=0.02)

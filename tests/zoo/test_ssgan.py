from math import log

import pytest
import torch
from torch import Tensor, nn

from bench.gan import Batch, Context, Draw, ImageSpec, Now, Turn
from zoo.ssgan import Critic, Rotation, turned


def test_a_quarter_of_the_batch_is_shown_in_all_four_turns():
    images = torch.arange(8 * 4.0).view(8, 1, 2, 2)
    shown, ways = turned(images)
    assert ways.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    # Image 1 is [[4, 5], [6, 7]]: against the clock by a quarter, by a half, by three quarters.
    seen = [shown[place].flatten().tolist() for place in (1, 3, 5, 7)]
    assert seen == [[4, 5, 6, 7], [5, 7, 4, 6], [7, 6, 5, 4], [6, 4, 7, 5]]


@pytest.mark.parametrize(
    ("fake", "expected"), [(False, 0.5 * (3 * log(4) + log(1 + 3 / 8) - log(1)) / 4), (True, 0.5 * log(4))]
)
def test_the_loss_is_the_cross_entropy_of_the_turn(fake: bool, expected: float):
    """A critic that is undecided but for the upright corner, which it scores with ln 8."""

    class Known(nn.Module):
        def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
            upright = images[:, 0, 0, 0] > 0
            scores = torch.zeros(images.shape[0], 4)
            scores[upright, 0] = log(8)
            return torch.zeros(images.shape[0]), scores

    corner = torch.zeros(4, 1, 2, 2)
    corner[:, 0, 0, 0] = 1
    made = Turn(Context({"critic": Known()}, Draw(Batch(corner)), "critic", Now(0, 1, 0), torch.Generator()))
    made.fake = torch.zeros(4, 1, 2, 2)
    assert Rotation(0.5, fake=fake)(made).item() == pytest.approx(expected)


def test_parameters_equal_those_of_mimicry():
    """kwotsin/mimicry nets/ssgan at 32 px: 1,054,341, a linear layer of four outputs more than SNGAN's critic."""
    assert sum(weight.numel() for weight in Critic(ImageSpec(3, 32)).parameters()) == 1_054_341

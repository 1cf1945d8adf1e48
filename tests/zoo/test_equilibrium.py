from math import log

import pytest
import torch
from torch import nn

from bench.gan import Batch, Context, Draw, Now, Turn
from zoo.training.equilibrium import Equilibrium


def logit_of_loss(loss: float) -> float:
    """The logit of a real image whose loss, -log D, is this."""
    return -log(torch.tensor(loss).expm1().item())


@pytest.mark.parametrize(
    ("real", "fake", "critic_waits", "generator_waits"),
    [
        (0.69, 0.69, 0, 0),
        (0.2, 0.69, 1, 0),  # the critic is far ahead on real images
        (0.69, 0.2, 1, 0),
        (1.2, 0.69, 0, 1),  # the critic is far behind
        (0.2, 1.2, 0, 0),  # both would wait: nobody does
    ],
)
def test_who_waits(real, fake, critic_waits, generator_waits):
    rule = Equilibrium(margin=0.4)
    nets = {"critic": nn.Identity()}
    turn = Turn(Context(nets, Draw(Batch(torch.zeros(2, 1, 2, 2))), "critic", Now(0, 1, 0), torch.Generator()))
    turn.__dict__["real_logits"] = torch.full((2,), logit_of_loss(real))
    turn.__dict__["fake_logits"] = torch.full((2,), -logit_of_loss(fake))
    rule.observe(turn)
    assert rule.critic_waits == critic_waits
    assert rule.generator_waits == generator_waits

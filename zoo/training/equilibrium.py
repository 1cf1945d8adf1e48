"""An adaptive ratio of updates: a player that is too far ahead waits."""

from math import log

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from bench.gan import Turn


class Equilibrium(nn.Module):
    """The critic waits while either of its losses is below `balance - margin`, the generator while one is above `+`.

    From the authors' code of Larsen et al. 2016, arXiv:1512.09300 (andersbll/autoencoding_beyond_pixels model/gan.py,
    equilibrium 0.68, margin 0.4); ln 2 is the loss of a critic that cannot tell. If both would wait, both move. The
    decision is made from the critic's last step and stays on the device: give `critic_waits` and `generator_waits` to
    `optimisers.gated`, and `observe` to the `then` of the critic's update. It saves no time, as losses are computed anyway.
    """

    def __init__(self, balance: float = log(2), margin: float = 0.4):
        super().__init__()
        self.balance = balance
        self.margin = margin
        self.critic_waits: Tensor
        self.generator_waits: Tensor
        self.register_buffer("critic_waits", torch.zeros(()))
        self.register_buffer("generator_waits", torch.zeros(()))

    def observe(self, turn: Turn) -> None:
        """Decide from the logits that the critic has just given."""
        losses = torch.stack([softplus(-turn.real_logits.float()).mean(), softplus(turn.fake_logits.float()).mean()])
        ahead = (losses < self.balance - self.margin).any()
        behind = (losses > self.balance + self.margin).any()
        self.critic_waits.copy_(ahead & ~behind)
        self.generator_waits.copy_(behind & ~ahead)

"""The losses of VQGAN's first stage. Esser, Rombach, Ommer 2021, arXiv:2012.09841, equations 4 to 7.

Every loss is a mean, over pixels, features or patches.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from bench.gan import Turn
from zoo.losses.objectives import Hinge
from zoo.training.reconstruction import ReconstructionTurn


def pixel_distance(turn: Turn) -> Tensor:
    """E |x - x^|, the mean over pixels."""
    assert isinstance(turn, ReconstructionTurn)
    return turn.pixel_distance


def perceptual_distance(turn: Turn) -> Tensor:
    """The mean absolute difference of the critic's features, over its layers."""
    assert isinstance(turn, ReconstructionTurn)
    return turn.perceptual_distance


def codes(turn: Turn, weight: float = 0.25) -> Tensor:
    """beta |sg[E(x)] - z|^2 + |sg[z] - E(x)|^2, means over numbers (eq. 4): codes follow features, features keep to codes."""
    assert isinstance(turn, ReconstructionTurn)
    _, features, chosen = turn.coded
    return weight * (chosen - features.detach()).square().mean() + (chosen.detach() - features).square().mean()


@dataclass(frozen=True)
class Adversarial:
    """-lambda E D(x^), from a share of the budget on; lambda balances gradients at the decoder's last layer (eq. 7)."""

    weight: float = 0.8
    begins: float = 0.25  # share of the budget
    differentiates = frozenset({"autoencoder", "critic"})  # gradients within the update: neither can be compiled

    def __call__(self, turn: Turn) -> Tensor:
        assert isinstance(turn, ReconstructionTurn)
        if turn.now.fraction < self.begins:
            return turn.real.new_zeros(())
        loss, likeness = Hinge().generator(turn), turn.pixel_distance + turn.perceptual_distance
        return self.weight * balance(likeness, loss, turn.autoencoder.last_weight) * loss


def balance(likeness: Tensor, adversarial: Tensor, weight: Tensor) -> Tensor:
    """|d likeness / d weight| / (|d adversarial / d weight| + 1e-4), at most 1e4, without a graph."""
    norms = [torch.autograd.grad(loss, weight, retain_graph=True)[0].norm() for loss in (likeness, adversarial)]
    return (norms[0] / (norms[1] + 1e-4)).clamp(max=1e4).detach()


def halved(turn: Turn) -> Tensor:
    """Half the hinge loss, as in the released code."""
    return Hinge().critic(turn) / 2

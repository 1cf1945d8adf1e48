"""A loss times a weight."""

from dataclasses import dataclass

from torch import Tensor

from bench.gan import Loss, Turn


@dataclass(frozen=True)
class Weighted:
    """weight * loss, which differentiates what the loss does."""

    loss: Loss
    weight: float

    @property
    def differentiates(self) -> frozenset[str]:
        """Inputs that the loss differentiates."""
        return frozenset(getattr(self.loss, "differentiates", ()))

    def __call__(self, turn: Turn) -> Tensor:
        return self.weight * self.loss(turn)

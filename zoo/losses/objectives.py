"""Objectives: what the critic and the generator minimise. Each is a pair of losses over a Turn's logits.

Logits are unbounded, (N,); real images should get high ones.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import Tensor
from torch.nn.functional import relu, softplus

from bench.gan import Turn


@runtime_checkable
class Objective(Protocol):
    """A pair of losses."""

    def critic(self, turn: Turn) -> Tensor:
        """What the critic minimises: a scalar."""
        ...

    def generator(self, turn: Turn) -> Tensor:
        """What the generator minimises: a scalar."""
        ...


class NonSaturating:
    """Goodfellow et al. 2014, arXiv:1406.2661, algorithm 1 with the generator's loss of section 3; log D as a logit."""

    def critic(self, turn: Turn) -> Tensor:
        """-E log D(x) - E log(1 - D(G(z)))."""
        return softplus(-turn.real_logits).mean() + softplus(turn.fake_logits).mean()

    def generator(self, turn: Turn) -> Tensor:
        """-E log D(G(z))."""
        return softplus(-turn.fake_logits).mean()


@dataclass(frozen=True)
class SmoothedNonSaturating(NonSaturating):
    """One-sided label smoothing: Salimans et al. 2016, arXiv:1606.03498, section 3.4. Real images' target is below 1."""

    real: float = 0.9

    def critic(self, turn: Turn) -> Tensor:
        """-E [r log D(x) + (1 - r) log(1 - D(x))] - E log(1 - D(G(z)))."""
        real = self.real * softplus(-turn.real_logits) + (1 - self.real) * softplus(turn.real_logits)
        return real.mean() + softplus(turn.fake_logits).mean()


@dataclass(frozen=True)
class LeastSquares:
    """Mao et al. 2017, arXiv:1611.04076, eq. 9: targets b = c = 1 for real, a = 0 for fake."""

    real: float = 1.0
    fake: float = 0.0

    def critic(self, turn: Turn) -> Tensor:
        """1/2 E (D(x) - b)^2 + 1/2 E (D(G(z)) - a)^2."""
        return ((turn.real_logits - self.real).square().mean() + (turn.fake_logits - self.fake).square().mean()) / 2

    def generator(self, turn: Turn) -> Tensor:
        """1/2 E (D(G(z)) - c)^2."""
        return (turn.fake_logits - self.real).square().mean() / 2


class Wasserstein:
    """Arjovsky et al. 2017, arXiv:1701.07875, eq. 2 and algorithm 1. Needs a critic that is kept Lipschitz."""

    def critic(self, turn: Turn) -> Tensor:
        """E f(G(z)) - E f(x)."""
        return turn.fake_logits.mean() - turn.real_logits.mean()

    def generator(self, turn: Turn) -> Tensor:
        """-E f(G(z))."""
        return -turn.fake_logits.mean()


class Hinge:
    """Lim & Ye 2017, arXiv:1705.02894; Miyato et al. 2018, arXiv:1802.05957."""

    def critic(self, turn: Turn) -> Tensor:
        """E max(0, 1 - D(x)) + E max(0, 1 + D(G(z)))."""
        return relu(1 - turn.real_logits).mean() + relu(1 + turn.fake_logits).mean()

    def generator(self, turn: Turn) -> Tensor:
        """-E D(G(z))."""
        return -turn.fake_logits.mean()


class Relativistic:
    """Each fake against a real image of its own: Jolicoeur-Martineau 2019, arXiv:1807.00734.

    With f(t) = -log(1 + e^-t), as in Huang et al. 2024, arXiv:2501.05441, section 2 (RpGAN). As many fakes as real images.
    """

    def critic(self, turn: Turn) -> Tensor:
        """E log(1 + exp(D(G(z)) - D(x)))."""
        return softplus(turn.fake_logits - turn.real_logits).mean()

    def generator(self, turn: Turn) -> Tensor:
        """E log(1 + exp(D(x) - D(G(z))))."""
        return softplus(turn.real_logits - turn.fake_logits).mean()

"""Penalties on a critic's slope, and projections of its weights. Each penalty is one more loss of an Update.

A penalty that differentiates an input says so in `differentiates`. Where that input is the turn's own "real" or "fake",
the Turn makes it a leaf, so that the penalty costs no second forward pass.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bench.gan import Turn


def slope(outputs: Tensor, inputs: Tensor) -> Tensor:
    """The gradient of each output with respect to its own input, flat: (N, C * H * W)."""
    (gradient,) = torch.autograd.grad(outputs.sum(), inputs, create_graph=True)
    return gradient.flatten(1)


@dataclass(frozen=True)
class GradientPenalty:
    """lambda E (||grad D(x^)|| - 1)^2 on random points x^ between real and fake.

    Gulrajani et al. 2017, arXiv:1704.00028, eq. 3: x^ = u x + (1 - u) G(z) with u ~ U[0, 1], one u per image.
    """

    weight: float = 10.0
    differentiates = frozenset({"between"})

    def __call__(self, turn: Turn) -> Tensor:
        real, fake = turn.batch.images, turn.fake.detach()
        mix = torch.rand(real.shape[0], 1, 1, 1, generator=turn.random, device=real.device)
        between = (mix * real + (1 - mix) * fake).requires_grad_()
        norms = slope(turn.judge(between), between).norm(dim=1)
        return self.weight * (norms - 1).square().mean()


@dataclass(frozen=True)
class DRAGAN:
    """The gradient penalty on noisy copies of the real images: Kodali et al. 2017, arXiv:1705.07215.

    x + u * 0.5 * std(X) with u ~ U[0, 1] per pixel. Departure: the authors' notebook (kodalinaveen3/DRAGAN DRAGAN.ipynb at
    29fb907) goes a random share of that way, one for each image; here, as in the paper, the whole way is gone.
    """

    weight: float = 10.0
    differentiates = frozenset({"near"})

    def __call__(self, turn: Turn) -> Tensor:
        real = turn.batch.images
        noise = torch.rand(real.shape, generator=turn.random, device=real.device)
        near = (real + 0.5 * real.std() * noise).requires_grad_()
        norms = slope(turn.judge(near), near).norm(dim=1)
        return self.weight * (norms - 1).square().mean()


@dataclass(frozen=True)
class R1:
    """gamma/2 E ||grad D(x)||^2 on real images: Mescheder et al. 2018, arXiv:1801.04406, eq. 9."""

    gamma: float = 10.0
    differentiates = frozenset({"real"})

    def __call__(self, turn: Turn) -> Tensor:
        return self.gamma / 2 * slope(turn.real_logits, turn.real).square().sum(1).mean()


@dataclass(frozen=True)
class R2:
    """gamma/2 E ||grad D(G(z))||^2 on generated images: Mescheder et al. 2018, arXiv:1801.04406, eq. 10."""

    gamma: float = 10.0
    differentiates = frozenset({"fake"})

    def __call__(self, turn: Turn) -> Tensor:
        return self.gamma / 2 * slope(turn.fake_logits, turn.fake).square().sum(1).mean()


@dataclass(frozen=True)
class ClipWeights:
    """Keep every weight of a player in [-limit, limit]: Arjovsky et al. 2017, arXiv:1701.07875, algorithm 1."""

    limit: float = 0.01
    player: str = "critic"

    def __call__(self, turn: Turn) -> None:
        clip(turn.nets[self.player], self.limit)


@torch.no_grad()
def clip(net: nn.Module, limit: float) -> None:
    """Clamp every parameter in place."""
    for parameter in net.parameters():
        parameter.clamp_(-limit, limit)

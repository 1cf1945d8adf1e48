"""Losses that hold a player near something: the data's features, its own past, or its answer to the same picture.

The ones that remember are modules: put them into `GAN.state`, so that a checkpoint holds their memory.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import relu
from torch.nn.utils.parametrize import is_parametrized

from bench.gan import Turn
from zoo.augmentation.diffaugment import Augmentation
from zoo.losses.objectives import NonSaturating
from zoo.networks.layers import full_precision


class FeatureMatching(NonSaturating):
    """The generator matches the mean of the critic's inner features; the critic's game stays.

    Salimans et al. 2016, arXiv:1606.03498, section 3.1. The critic has `features`: images -> (N, ...).
    """

    def generator(self, turn: Turn) -> Tensor:
        """||E f(x) - E f(G(z))||^2."""
        features = turn.nets["critic"].features
        assert isinstance(features, nn.Module)
        real = features(turn.real).detach().mean(0)
        return (real - features(turn.fake).mean(0)).square().sum()


class HistoricalAverage(nn.Module):
    """weight * ||theta - mean of all past theta||^2: Salimans et al. 2016, arXiv:1606.03498, section 3.3.

    `remember` belongs in the `then` of the player's update.
    """

    def __init__(self, player: str, net: nn.Module, weight: float = 1.0):
        super().__init__()
        self.player = player
        self.weight = weight
        self.mean: Tensor
        self.count: Tensor
        self.register_buffer("mean", torch.zeros_like(flat(net).detach()))
        self.register_buffer("count", torch.zeros(()))

    def forward(self, turn: Turn) -> Tensor:
        away = flat(turn.nets[self.player]) - self.mean
        return self.weight * away.square().sum() * (self.count > 0)  # there is no past before the first step

    def remember(self, turn: Turn) -> None:
        """Take the weights of now into the mean."""
        self.count += 1
        self.mean += (flat(turn.nets[self.player]) - self.mean) / self.count


def flat(net: nn.Module) -> Tensor:
    """All trained weights in one row, whatever their memory layout."""
    return torch.cat([weight.flatten() for weight in net.parameters()])


@dataclass(frozen=True)
class Consistency:
    """lambda E (D(x) - D(T(x)))^2 on real images: CR-GAN, Zhang et al. 2020, arXiv:1910.12027."""

    augment: Augmentation
    weight: float = 10.0

    def __call__(self, turn: Turn) -> Tensor:
        changed = turn.judge(self.augment(turn.batch.images, turn.random))
        return self.weight * (turn.real_logits - changed).square().mean()


class LeCam(nn.Module):
    """lambda (E relu(D(x) - a_F)^2 + E relu(a_R - D(G(z)))^2) with a_R, a_F running means of the critic's logits.

    Tseng et al. 2021, arXiv:2104.03310, in the one-sided form and with the decay of the authors' code (google/lecam-gan
    biggan_cifar/losses.py, third_party/utils.py at db6debc). The penalty is 0 and the means follow the logits for the
    first `start` of the budget (the code: 1000 steps). `remember` belongs in the `then` of the critic's update: the means
    take in the logits after their step, in the code before it.
    """

    def __init__(self, weight: float = 0.3, decay: float = 0.9, start: float = 0.01):
        super().__init__()
        self.weight = weight
        self.decay = decay
        self.start = start
        self.real: Tensor
        self.fake: Tensor
        self.register_buffer("real", torch.zeros(()))
        self.register_buffer("fake", torch.zeros(()))

    def forward(self, turn: Turn) -> Tensor:
        real, fake = relu(turn.real_logits - self.fake), relu(self.real - turn.fake_logits)
        return (self.weight if turn.now.fraction >= self.start else 0.0) * (real.square().mean() + fake.square().mean())

    def remember(self, turn: Turn) -> None:
        """Take the logits of now into the means."""
        share = 1 - self.decay if turn.now.fraction >= self.start else 1.0
        self.real.lerp_(turn.real_logits.to(self.real.dtype).mean(), share)
        self.fake.lerp_(turn.fake_logits.to(self.fake.dtype).mean(), share)


@dataclass(frozen=True)
class Orthogonal:
    """beta sum ||W W^T (1 - I)||_F^2 over a player's layers: Brock et al. 2019, arXiv:1809.11096, eq. 3.

    Filters of one layer should point in different directions; their lengths are free. W is (out, in), kernels flattened,
    before any reparametrisation.
    """

    player: str = "generator"
    weight: float = 1e-4

    def __call__(self, turn: Turn) -> Tensor:
        layers = [m for m in turn.nets[self.player].modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        weights = [weight_of(layer).flatten(1) for layer in layers]
        with full_precision(weights[0].device):  # a small difference of large sums
            return self.weight * torch.stack([overlap(weight) for weight in weights]).sum()


def weight_of(layer: nn.Module) -> Tensor:
    """The trained weight itself, not what a parametrisation such as spectral norm makes of it."""
    if is_parametrized(layer, "weight"):
        return layer.parametrizations.weight.original  # pyright: ignore[reportAttributeAccessIssue, reportReturnType]
    return layer.weight  # pyright: ignore[reportReturnType]


def overlap(rows: Tensor) -> Tensor:
    """The sum of squared inner products of different rows: (A, B) -> scalar."""
    products = rows @ rows.T if rows.shape[0] <= rows.shape[1] else rows.T @ rows  # of equal Frobenius norm
    return products.square().sum() - rows.square().sum(1).square().sum()

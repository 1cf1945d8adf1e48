"""Lazy regularisation and what StyleGAN2 regularises: Karras et al. 2020, arXiv:1912.04958, section 3.2 and appendix B."""

from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor, nn

from bench.gan import OptimiserFactory, Turn, adam
from zoo.losses.penalties import R1
from zoo.networks.style import StyleTurn


def lazy_adam(lr: float, betas: tuple[float, float], every: int) -> OptimiserFactory:
    """Adam for a player that takes one more step, for its regulariser, in every `every` iterations.

    With c = every / (every + 1) the rate is c lr and the betas are beta^c, so that the same time passes in k + 1 steps as
    in k without (appendix B).
    """
    share = every / (every + 1)
    return adam(lr * share, (betas[0] ** share, betas[1] ** share))


class PathLength(nn.Module):
    """weight E (||J^T y|| - a)^2: a step in style space should move the image equally far from everywhere (eq. 4).

    y is a random image from N(0, 1 / pixels), J the derivative of the image by the style, and `mean`, a, the running mean
    of the lengths. It starts at the first ones: from 0 it would shorten every path until it has caught up. A length is the
    root mean square over the layers; with it and the normalised y, weight 2 is the paper's
    gamma_pl = ln 2 / (r^2 (ln r - ln 2)). Half the batch serves, as in the authors' code.
    """

    mean: Tensor
    pace: Tensor

    def __init__(self, weight: float = 2.0, share: float = 0.01):
        super().__init__()
        self.weight = weight
        self.share = share  # of the newest lengths in the running mean
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("pace", torch.ones(()))  # the share of the next lengths: all, when there is no mean yet

    def forward(self, turn: StyleTurn) -> Tensor:
        styles, images = turn.path(max(turn.batch.images.shape[0] // 2, 1))
        random = torch.randn(images.shape, generator=turn.random, device=images.device)
        random = random / sqrt(images.shape[2] * images.shape[3])
        (gradient,) = torch.autograd.grad((images * random).sum(), styles, create_graph=True)
        lengths = gradient.to(self.mean.dtype).square().sum(2).mean(1).sqrt()  # (N,)
        self.mean += self.pace * (lengths.detach().mean() - self.mean)
        self.pace.fill_(self.share)
        return self.weight * (lengths - self.mean.clone()).square().mean()


@dataclass(frozen=True)
class SizedR1:
    """R1 of weight gamma = gamma0 * pixels / batch size: Karras et al. 2020, arXiv:2006.06676, appendix C."""

    gamma0: float = 0.0002
    differentiates = frozenset({"real"})

    def __call__(self, turn: Turn) -> Tensor:
        count, _, height, width = turn.real.shape
        return R1(self.gamma0 * height * width / count)(turn)

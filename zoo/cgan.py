"""cGAN. Mirza & Osindero, "Conditional Generative Adversarial Nets", 2014, arXiv:1411.1784.

Networks: the conditional DCGAN for MNIST of Newmu/dcgan_code mnist/train_cond_dcgan.py, where the one-hot label joins
the input of every layer of both networks. (The paper's own are fully connected.) No biases, batch norm without scale
and shift, weights from N(0, 0.02), latents uniform in [-1, 1], Adam with an L2 penalty of 2.5e-5. Fakes are asked for
the labels of the real batch.

Departures: images and outputs lie in [-1, 1] (tanh) where the code has [0, 1] (sigmoid). Both networks step on every
batch; the code gives each every other batch. The feature map before upsampling is a quarter of the image up to 32 px,
as at the code's 28 px; then it stays at 8 px and layers are added, no wider than 256.

Published: no FID or Inception Score in the paper or the code.
"""

from functools import partial
from itertools import pairwise
from math import log2, prod

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from bench.gan import GAN, ImageSpec, Player, uniform
from zoo.losses.objectives import NonSaturating
from zoo.networks.conditional import needs_labels, with_label
from zoo.networks.layers import NORMAL, initialise
from zoo.training.parameters import checked
from zoo.training.rates import hold_then_decay
from zoo.training.two_player import LatentTurn, sample_class, two_player

LATENT = 100
WIDTH = 64
HIDDEN = 16  # units of the hidden layer in widths: 1024


def widths(resolution: int, width: int) -> list[int]:
    """Channels from the smallest feature map to the largest, half the image: 128, 64 up to 32 px."""
    stages = max(2, int(log2(resolution)) - 3)
    return [min(width << stage, 4 * width) for stage in reversed(range(stages))]


def smallest(spec: ImageSpec, width: int) -> tuple[int, int, int]:
    """The shape of the smallest feature map: (128, 7, 7) at 28 px."""
    channels = widths(spec.resolution, width)
    size = spec.resolution >> len(channels)
    return channels[0], size, size


class Generator(nn.Module):
    """z (N, 100) and labels (N,) -> images (N, C, H, W) in [-1, 1]."""

    def __init__(self, spec: ImageSpec, width: int = WIDTH):
        super().__init__()
        self.classes = spec.classes
        self.shape, hidden = smallest(spec, width), HIDDEN * width
        self.hidden = nn.Linear(LATENT + spec.classes, hidden, bias=False)
        self.hidden_norm = nn.BatchNorm1d(hidden, affine=False)
        self.project = nn.Linear(hidden + spec.classes, prod(self.shape), bias=False)
        self.project_norm = nn.BatchNorm1d(prod(self.shape), affine=False)
        channels = [*widths(spec.resolution, width), spec.channels]
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(before + spec.classes, after, 5, 2, 2, output_padding=1, bias=False)
            for before, after in pairwise(channels)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(count, affine=False) for count in channels[1:-1])

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        beside = partial(with_label, labels=labels, classes=self.classes)
        hidden = self.hidden_norm(self.hidden(beside(latents))).relu()
        features = self.project_norm(self.project(beside(hidden))).relu().unflatten(1, self.shape)
        for up, norm in zip(self.ups[:-1], self.norms, strict=True):
            features = norm(up(beside(features))).relu()
        return self.ups[-1](beside(features)).tanh()


class Critic(nn.Module):
    """Images (N, C, H, W) and labels (N,) -> logits (N,)."""

    def __init__(self, spec: ImageSpec, width: int = WIDTH):
        super().__init__()
        self.classes, hidden = spec.classes, HIDDEN * width
        channels = [spec.channels, *reversed(widths(spec.resolution, width))]
        self.downs = nn.ModuleList(
            nn.Conv2d(before + spec.classes, after, 5, 2, 2, bias=False) for before, after in pairwise(channels)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(count, affine=False) for count in channels[2:])
        self.hidden = nn.Linear(prod(smallest(spec, width)) + spec.classes, hidden, bias=False)
        self.hidden_norm = nn.BatchNorm1d(hidden, affine=False)
        self.head = nn.Linear(hidden + spec.classes, 1, bias=False)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        beside = partial(with_label, labels=labels, classes=self.classes)
        features = leaky_relu(self.downs[0](beside(images)), 0.2)
        for down, norm in zip(self.downs[1:], self.norms, strict=True):
            features = leaky_relu(norm(down(beside(features))), 0.2)
        hidden = leaky_relu(self.hidden_norm(self.hidden(beside(features.flatten(1)))), 0.2)
        return self.head(beside(hidden)).squeeze(1)


@checked()
def cgan(
    spec: ImageSpec,
    *,
    width: int = WIDTH,
    lr: float = 2e-4,
    beta1: float = 0.5,
    beta2: float = 0.999,
    l2: float = 2.5e-5,
    critic_steps: int = 1,
) -> GAN:
    """Adam at 2e-4 with beta1 = 0.5, constant for the first half of the budget, then linearly to 0.

    Args:
        width: Channels next to the image; the hidden layers have 16 times as many units.
    """
    needs_labels(spec, "cgan")
    optimiser = partial(torch.optim.Adam, lr=lr, betas=(beta1, beta2), weight_decay=l2, fused=True)
    players = {
        "generator": Player(initialise(Generator(spec, width), NORMAL), optimiser, rate=hold_then_decay),
        "critic": Player(initialise(Critic(spec, width), NORMAL), optimiser, rate=hold_then_decay),
    }
    latents = uniform(LATENT)
    turn = partial(LatentTurn, conditional=True)
    game = two_player(NonSaturating(), latents=latents, turn=turn, critic_steps=critic_steps)
    return GAN(players, [game], sample_class, latents, task="conditional", least_batch=2)

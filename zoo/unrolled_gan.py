"""Unrolled GAN. Metz, Poole, Pfau, Sohl-Dickstein, "Unrolled Generative Adversarial Networks", ICLR 2017,
arXiv:1611.02163.

Networks: those of the paper's stacked-MNIST experiment as rebuilt in fjxmlzn/PacGAN
(stacked_MNIST_experiments/unrolled_GAN_experiment/D=0.5G): 3x3 kernels, 64-32-16-8 channels in the generator, normal latents of
256. The generator learns against the critic five steps ahead, through which it differentiates (section 2).

Departures: the critic is as wide as the generator; the experiment halves or quarters it to provoke a collapse. The steps
ahead are gradient descent, as the paper writes them; the authors' code unrolls Adam. The rates below are PacGAN's, whose
code keeps them from the paper. Five steps ahead, at a rate of 0.02, are this suite's choice. Sizes other than 32 px drop
stages at the wide end, or repeat it.

Published: stacked MNIST, 817.4 modes of 1000 at best (as quoted in Table3.png of fjxmlzn/PacGAN at 190853e). No FID.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from math import log2

import torch
from torch import Tensor, nn
from torch.func import functional_call

from bench.gan import GAN, ImageSpec, Player, Stage, Turn, Update, adam, gaussian
from zoo.layers import initialise
from zoo.objectives import NonSaturating, Objective
from zoo.two_player import sample, two_player

LATENT = 256


def widths(resolution: int) -> list[int]:
    """The generator's channels at 4, 8, ... px: 64, 32, 16, 8 at 32 px."""
    return [min(64, 8 << stage) for stage in reversed(range(int(log2(resolution)) - 1))]


class Generator(nn.Sequential):
    """z (N, 256) -> images (N, C, H, W) in [-1, 1]."""

    def __init__(self, spec: ImageSpec):
        channels = widths(spec.resolution)
        layers: list[nn.Module] = [
            *(nn.Linear(LATENT, channels[0] * 16), nn.Unflatten(1, (channels[0], 4, 4))),
            *(nn.BatchNorm2d(channels[0]), nn.ReLU()),
        ]
        for before, after in pairwise(channels):
            layers += [nn.ConvTranspose2d(before, after, 3, 2, 1, output_padding=1), nn.BatchNorm2d(after), nn.ReLU()]
        super().__init__(*layers, nn.Conv2d(channels[-1], spec.channels, 3, padding=1), nn.Tanh())


class Critic(nn.Sequential):
    """Images (N, C, H, W) -> logits (N,). `share` is its width as a share of the generator's."""

    def __init__(self, spec: ImageSpec, share: float = 1.0):
        channels = [spec.channels, *(int(share * width) for width in reversed(widths(spec.resolution)[1:]))]
        layers: list[nn.Module] = []
        for before, after in pairwise(channels):
            layers += [nn.Conv2d(before, after, 3, 2, 1), nn.BatchNorm2d(after), nn.LeakyReLU(0.3)]
        super().__init__(*layers, nn.Flatten(), nn.Linear(channels[-1] * 16, 1), nn.Flatten(0))


class Ahead(Turn):
    """The same turn, judged by a critic with other weights."""

    def __init__(self, turn: Turn, weights: Mapping[str, Tensor]):
        super().__init__(turn.nets, turn.draw, turn.mover, turn.now, turn.random, turn.differentiates)
        self.original = turn
        self.weights = weights

    @cached_property
    def fake(self) -> Tensor:
        return self.original.fake

    def judge(self, images: Tensor) -> Tensor:
        return functional_call(self.nets["critic"], dict(self.weights), (images,))


@dataclass(frozen=True)
class Unrolled:
    """The generator's loss against the critic after `steps` of gradient descent on its own loss."""

    objective: Objective
    steps: int
    rate: float
    differentiates = frozenset({"critic"})

    def __call__(self, turn: Turn) -> Tensor:
        weights = {name: weight.detach().requires_grad_() for name, weight in turn.nets["critic"].named_parameters()}
        for _ in range(self.steps):
            loss = self.objective.critic(Ahead(turn, weights))
            slopes = torch.autograd.grad(loss, list(weights.values()), create_graph=True)
            weights = {name: w - self.rate * slope for (name, w), slope in zip(weights.items(), slopes, strict=True)}
        return self.objective.generator(Ahead(turn, weights))


def unrolled_gan(spec: ImageSpec) -> GAN:
    """Adam with betas (0.5, 0.99) at 1e-4 for the generator and 2e-4 for the critic; five steps ahead."""
    normal = partial(nn.init.normal_, std=0.02)
    players = {
        "generator": Player(initialise(Generator(spec), normal), adam(1e-4, betas=(0.5, 0.99))),
        "critic": Player(initialise(Critic(spec), normal), adam(2e-4, betas=(0.5, 0.99))),
    }
    latents = gaussian(LATENT)
    game = two_player(NonSaturating(), latents=latents)
    ahead = Update("generator", {"adversarial": Unrolled(NonSaturating(), steps=5, rate=0.02)})
    return GAN(players, [Stage([game.updates[0], ahead], game.turn)], sample, latents)

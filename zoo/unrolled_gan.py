"""Unrolled GAN. Metz, Poole, Pfau, Sohl-Dickstein, "Unrolled Generative Adversarial Networks", ICLR 2017,
arXiv:1611.02163.

Networks: those of the paper's stacked-MNIST experiment as rebuilt in fjxmlzn/PacGAN
(stacked_MNIST_experiments/unrolled_GAN_experiment/D=0.5G): 3x3 kernels, 64-32-16-8 channels in the generator, normal latents of
256. The generator learns against the critic five steps ahead, through which it differentiates (section 2).

Departures: the critic is as wide as the generator; the experiment halves or quarters it to provoke a collapse. Section 2
writes the steps ahead as gradient descent; here they are Adam's, at the critic's own rate and betas, as in the authors' demo
(poolio/unrolled_gan), which starts them from the state of the critic's optimiser: here they start from moments that the
loss keeps of the critic's gradient, the same but for a step. Plain descent teaches these networks nothing: batch norm over
weights of 0.02 curves the critic's loss some 1 / 0.02^2 times, and the second-order term drowns the first. The rates below
are those of PacGAN's configuration, whose experiment unrolls nothing. Five steps ahead, as in the demo, are this suite's
choice. Sizes other than 32 px drop stages at the wide end, or repeat it.

Published: stacked MNIST, 817.4 modes of 1000 at best (as quoted in Table3.png of fjxmlzn/PacGAN at 190853e). No FID.
"""

from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise
from math import log2

import torch
from torch import Tensor, nn
from torch.func import functional_call

from bench.gan import GAN, ImageSpec, Player, Stage, Turn, Update, adam, gaussian
from zoo.losses.objectives import NonSaturating, Objective
from zoo.networks.layers import NORMAL, initialise
from zoo.training.parameters import checked
from zoo.training.two_player import sample, two_player

LATENT = 256
EPSILON = 1e-8

Moments = tuple[Tensor, Tensor, Tensor]  # mean of a gradient, mean of its square, how many gradients


def widths(resolution: int, width: int) -> list[int]:
    """The generator's channels at 4, 8, ... px: 64, 32, 16, 8 at 32 px."""
    return [min(width, max(1, width // 8) << stage) for stage in reversed(range(int(log2(resolution)) - 1))]


class Generator(nn.Sequential):
    """z (N, 256) -> images (N, C, H, W) in [-1, 1]."""

    def __init__(self, spec: ImageSpec, width: int = 64):
        channels = widths(spec.resolution, width)
        layers: list[nn.Module] = [
            *(nn.Linear(LATENT, channels[0] * 16), nn.Unflatten(1, (channels[0], 4, 4))),
            *(nn.BatchNorm2d(channels[0]), nn.ReLU()),
        ]
        for before, after in pairwise(channels):
            layers += [nn.ConvTranspose2d(before, after, 3, 2, 1, output_padding=1), nn.BatchNorm2d(after), nn.ReLU()]
        super().__init__(*layers, nn.Conv2d(channels[-1], spec.channels, 3, padding=1), nn.Tanh())


class Critic(nn.Sequential):
    """Images (N, C, H, W) -> logits (N,). `share` is its width as a share of the generator's."""

    def __init__(self, spec: ImageSpec, width: int = 64, share: float = 1.0):
        channels = [spec.channels, *(int(share * count) for count in reversed(widths(spec.resolution, width)[1:]))]
        layers: list[nn.Module] = []
        for before, after in pairwise(channels):
            layers += [nn.Conv2d(before, after, 3, 2, 1), nn.BatchNorm2d(after), nn.LeakyReLU(0.3)]
        super().__init__(*layers, nn.Flatten(), nn.Linear(channels[-1] * 16, 1), nn.Flatten(0))


class Ahead(Turn):
    """The same turn, judged by a critic with other weights."""

    def __init__(self, turn: Turn, weights: Mapping[str, Tensor]):
        super().__init__(turn.context)
        self.original = turn
        self.weights = weights

    @cached_property
    def fake(self) -> Tensor:
        return self.original.fake

    def judge(self, images: Tensor) -> Tensor:
        return functional_call(self.nets["critic"], dict(self.weights), (images,))


class Unrolled(nn.Module):
    """The generator's loss against the critic some steps of Adam ahead, differentiated through the steps (section 2).

    The steps start from moments of the critic's gradient, over all its weights in one vector. `remember` belongs in the
    `then` of the generator's update: it takes in the gradient of the first step ahead.
    """

    differentiates = frozenset({"critic"})

    def __init__(self, objective: Objective, critic: nn.Module, steps: int, rate: float, betas: tuple[float, float]):
        super().__init__()
        self.objective = objective
        self.steps, self.rate, self.betas = steps, rate, betas
        weights = vector(critic)
        self.mean: Tensor
        self.square: Tensor
        self.count: Tensor
        self.register_buffer("mean", torch.zeros_like(weights))
        self.register_buffer("square", torch.zeros_like(weights))
        self.register_buffer("count", weights.new_zeros(()))

    def forward(self, turn: Turn) -> Tensor:
        critic = turn.nets["critic"]
        weights = vector(critic).requires_grad_()
        moments = (self.mean, self.square, self.count)
        for step in range(self.steps):
            loss = self.objective.critic(Ahead(turn, named(weights, critic)))
            (slope,) = torch.autograd.grad(loss, weights, create_graph=True)
            if step == 0:
                turn.draw.memo["slope"] = slope.detach()
            moments = self.blend(moments, slope)
            weights = weights - self.rate * self.direction(moments)
        return self.objective.generator(Ahead(turn, named(weights, critic)))

    def blend(self, moments: Moments, slope: Tensor) -> Moments:
        """Adam's running means of a gradient and of its square, and how many gradients they have seen."""
        mean, square, count = moments
        return mean.lerp(slope, 1 - self.betas[0]), square.lerp(slope.square(), 1 - self.betas[1]), count + 1

    def direction(self, moments: Moments) -> Tensor:
        """Where Adam goes at a rate of 1. Epsilon is inside the root, whose slope at 0 is infinite."""
        mean, square, count = moments
        unbiased = (mean / (1 - self.betas[0] ** count), square / (1 - self.betas[1] ** count))
        return unbiased[0] / (unbiased[1] + EPSILON**2).sqrt()

    def remember(self, turn: Turn) -> None:
        """Take the critic's gradient of this turn into the moments."""
        kept = (self.mean, self.square, self.count)
        for moment, new in zip(kept, self.blend(kept, turn.draw.memo["slope"]), strict=True):
            moment.copy_(new)


def vector(net: nn.Module) -> Tensor:
    """A copy of the network's weights as one vector, without a graph."""
    return torch.cat([weight.detach().flatten() for weight in net.parameters()])


def named(weights: Tensor, net: nn.Module) -> dict[str, Tensor]:
    """A vector of weights as the network names and shapes them."""
    names, old = zip(*net.named_parameters(), strict=True)
    pieces = weights.split([weight.numel() for weight in old])
    return {name: piece.view(like.shape) for name, piece, like in zip(names, pieces, old, strict=True)}


@checked()
def unrolled_gan(
    spec: ImageSpec,
    *,
    width: int = 64,
    generator_lr: float = 1e-4,
    critic_lr: float = 2e-4,
    beta1: float = 0.5,
    beta2: float = 0.99,
    critic_steps: int = 1,
    unrolled_steps: int = 5,
) -> GAN:
    """Adam with betas (0.5, 0.99) at 1e-4 for the generator and 2e-4 for the critic; five steps ahead.

    Args:
        width: The most channels of both networks; an eighth next to the image at 32 px.
    """
    betas = (beta1, beta2)
    critic = initialise(Critic(spec, width), NORMAL)
    players = {
        "generator": Player(initialise(Generator(spec, width), NORMAL), adam(generator_lr, betas=betas)),
        "critic": Player(critic, adam(critic_lr, betas=betas)),
    }
    latents = gaussian(LATENT)
    game = two_player(NonSaturating(), latents=latents, critic_steps=critic_steps)
    unrolled = Unrolled(NonSaturating(), critic, steps=unrolled_steps, rate=critic_lr, betas=betas)
    ahead = Update("generator", {"adversarial": unrolled}, then=[unrolled.remember])
    stage = Stage([game.updates[0], ahead], game.turn)
    return GAN(players, [stage], sample, latents, state={"moments": unrolled}, least_batch=2)

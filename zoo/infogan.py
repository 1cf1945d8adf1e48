"""InfoGAN. Chen, Duan, Houthooft, Schulman, Sutskever, Abbeel, "InfoGAN: Interpretable Representation Learning by
Information Maximizing Generative Adversarial Nets", NeurIPS 2016, arXiv:1606.03657.

Networks: those for MNIST of the authors' code (openai/InfoGAN infogan/models/regularized_gan.py); a latent is 62 uniform
numbers, a one-hot code of 10 categories and 2 uniform codes (launchers/run_mnist_exp.py). Trunk and Q are one player with
the critic. The game is unconditional: no label is seen, and the categories that are found need not be the classes; the
code has as many categories as the data set has classes, or 10.

Departures: the codes' own entropies, which are constant, are left out of the mutual information, so that the term shown
is its negative up to a constant. Images and outputs lie in [-1, 1] (tanh) where the code has [0, 1] (sigmoid). The feature
map before upsampling is a quarter of the image up to 32 px, as in the code; then it stays at 8 px and layers are added,
no wider than 256.

Published: no FID or Inception Score in the paper. MNIST, 5 % error when the categories are matched to the digits
(section 7.2).
"""

from collections.abc import Callable
from itertools import pairwise
from math import log2

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from bench.gan import GAN, ImageSpec, Player, Turn, adam
from zoo.losses.objectives import NonSaturating
from zoo.losses.weighted import Weighted
from zoo.networks.layers import NORMAL, initialise
from zoo.training.parameters import checked
from zoo.training.turns import ReadingTurn
from zoo.training.two_player import sample, two_player

NOISE = 62
CONTINUOUS = 2
WIDTH = 64
HIDDEN = 16  # units of the hidden layer in widths: 1024


def categories(spec: ImageSpec) -> int:
    """Values of the categorical code."""
    return spec.classes or 10


def coded(count: int) -> Callable[[int, torch.Generator], Tensor]:
    """Latents (N, 62 + K + 2): noise in [-1, 1], a one-hot category of K = count, two codes in [-1, 1]."""

    def draw(batch: int, random: torch.Generator) -> Tensor:
        numbers = torch.rand(batch, NOISE + CONTINUOUS, generator=random, device=random.device) * 2 - 1
        category = torch.randint(count, (batch,), generator=random, device=random.device)
        noise, codes = numbers.split([NOISE, CONTINUOUS], 1)
        return torch.cat([noise, one_hot(category, count).to(noise.dtype), codes], 1)

    return draw


def widths(resolution: int, width: int) -> list[int]:
    """Channels from the smallest feature map to the largest, half the image: 128, 64 up to 32 px."""
    stages = max(2, int(log2(resolution)) - 3)
    return [min(width << stage, 4 * width) for stage in reversed(range(stages))]


class Generator(nn.Sequential):
    """Latents (N, 62 + K + 2) -> images (N, C, H, W) in [-1, 1]."""

    def __init__(self, spec: ImageSpec, width: int = WIDTH):
        channels, hidden = [*widths(spec.resolution, width), spec.channels], HIDDEN * width
        size = spec.resolution >> (len(channels) - 1)
        units = channels[0] * size**2
        layers: list[nn.Module] = [
            *(nn.Linear(NOISE + categories(spec) + CONTINUOUS, hidden), nn.BatchNorm1d(hidden), nn.ReLU()),
            *(nn.Linear(hidden, units), nn.BatchNorm1d(units), nn.ReLU(), nn.Unflatten(1, (channels[0], size, size))),
        ]
        for before, after in pairwise(channels):
            layers += [nn.ConvTranspose2d(before, after, 4, 2, 1), nn.BatchNorm2d(after), nn.ReLU()]
        super().__init__(*layers[:-2], nn.Tanh())


class Critic(nn.Module):
    """Images (N, C, H, W) -> logits (N,) and Q's reading of the codes, (N, K + 2): category logits, then means."""

    def __init__(self, spec: ImageSpec, width: int = WIDTH):
        super().__init__()
        channels, hidden = [spec.channels, *reversed(widths(spec.resolution, width))], HIDDEN * width
        size = spec.resolution >> (len(channels) - 1)
        layers: list[nn.Module] = []
        for index, (before, after) in enumerate(pairwise(channels)):
            norm = [nn.BatchNorm2d(after)] if index else []
            layers += [nn.Conv2d(before, after, 4, 2, 1), *norm, nn.LeakyReLU(0.01)]
        layers += [nn.Flatten(), nn.Linear(channels[-1] * size**2, hidden), nn.BatchNorm1d(hidden), nn.LeakyReLU(0.01)]
        self.trunk = nn.Sequential(*layers)
        self.head = nn.Linear(hidden, 1)
        self.reader = nn.Sequential(
            *(nn.Linear(hidden, 2 * width), nn.BatchNorm1d(2 * width), nn.LeakyReLU(0.01)),
            nn.Linear(2 * width, categories(spec) + CONTINUOUS),
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.trunk(images)
        return self.head(features).squeeze(1), self.reader(features)


class InformationTurn(ReadingTurn):
    """Remembers the codes that the fakes were made from."""

    def make_fake(self) -> Tensor:
        """New latents through the generator; their codes stay available as `codes`."""
        self.drawn = self.latents(self.copies * self.batch.images.shape[0], self.random)
        return self.generate(self.drawn)

    @property
    def codes(self) -> Tensor:
        """Category (one-hot) and continuous codes of the fakes, (N, K + 2)."""
        _ = self.fake  # is drawn with it
        return self.drawn[:, NOISE:]


def read_codes(turn: Turn) -> Tensor:
    """-L_I up to the codes' entropy, eq. 4 and 5: how badly Q reads the codes off the images."""
    assert isinstance(turn, InformationTurn)
    count = turn.codes.shape[1] - CONTINUOUS
    category, continuous = turn.codes.split([count, CONTINUOUS], 1)
    logits, means = turn.fake_judged[1].split([count, CONTINUOUS], 1)
    gaussian = (means - continuous).square().sum(1).mean() / 2  # -log N(c; mean, 1), less a constant
    return cross_entropy(logits, category) + gaussian


@checked()
def infogan(
    spec: ImageSpec,
    *,
    width: int = WIDTH,
    generator_lr: float = 1e-3,
    critic_lr: float = 2e-4,
    beta1: float = 0.5,
    beta2: float = 0.999,
    critic_steps: int = 1,
    information: float = 1.0,
) -> GAN:
    """Adam with beta1 = 0.5 at 1e-3 for the generator and 2e-4 for the critic and Q, lambda 1 (launchers/run_mnist_exp.py).

    Args:
        width: Channels next to the image; the hidden layers have 16 times as many units.
    """
    players = {
        "generator": Player(initialise(Generator(spec, width), NORMAL), adam(generator_lr, betas=(beta1, beta2))),
        "critic": Player(initialise(Critic(spec, width), NORMAL), adam(critic_lr, betas=(beta1, beta2))),
    }
    latents = coded(categories(spec))
    terms = {"information": Weighted(read_codes, information)}
    game = two_player(
        NonSaturating(),
        latents=latents,
        turn=InformationTurn,
        critic_steps=critic_steps,
        critic_terms=terms,
        generator_terms=terms,
    )
    return GAN(players, [game], sample, latents, least_batch=2)

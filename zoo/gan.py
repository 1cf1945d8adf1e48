"""The GAN. Goodfellow, Pouget-Abadie, Mirza, Xu, Warde-Farley, Ozair, Courville, Bengio, "Generative Adversarial Nets",
NeurIPS 2014, arXiv:1406.2661.

Networks: the multilayer perceptrons of the authors' code for MNIST (goodfeli/adversarial mnist.yaml): a rectifier
generator 100-1200-1200, a critic of two maxout layers of 240 units with 5 pieces each under dropout. The same at every
resolution. Latents are normal, the default of its Generator class; the paper names no distribution.

Departures: Adam at 2e-4 (beta1 = 0.5) instead of SGD (0.1, momentum 0.5 to 0.7 over 250 epochs of 50,000 digits), a
schedule much longer than a common budget and tied to one data set. The generator's output bias starts at 0, not at the
pixels' marginals, which a builder does not see. The code halves the critic's loss, which Adam does not see.

Published: no FID. Parzen log-likelihood on MNIST 225 +- 2 (table 1).
"""

from functools import partial

from torch import Tensor, nn

from bench.gan import GAN, ImageSpec, Player, adam, gaussian
from zoo.losses.objectives import NonSaturating
from zoo.networks.layers import initialise
from zoo.training.parameters import checked
from zoo.training.two_player import LatentTurn, sample, two_player

LATENT = 100


class Generator(nn.Sequential):
    """z (N, 100) -> images (N, C, H, W) in [-1, 1]."""

    def __init__(self, spec: ImageSpec, width: int = 1200):
        shape = (spec.channels, spec.resolution, spec.resolution)
        super().__init__(
            nn.Linear(LATENT, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, spec.channels * spec.resolution**2),
            nn.Tanh(),  # 2 sigmoid(2x) - 1: the authors' sigmoid, on [-1, 1]
            nn.Unflatten(1, shape),
        )


class Maxout(nn.Module):
    """The largest of several linear functions, (N, before) -> (N, units): Goodfellow et al. 2013, arXiv:1302.4389."""

    def __init__(self, before: int, units: int, pieces: int):
        super().__init__()
        self.linear = nn.Linear(before, units * pieces)
        self.pieces = pieces

    def forward(self, features: Tensor) -> Tensor:
        return self.linear(features).unflatten(1, (-1, self.pieces)).amax(2)


class Critic(nn.Sequential):
    """Images (N, C, H, W) -> logits (N,)."""

    def __init__(self, spec: ImageSpec, width: int = 240):
        super().__init__(
            nn.Flatten(),
            nn.Dropout(0.2),
            Maxout(spec.channels * spec.resolution**2, width, 5),
            nn.Dropout(0.5),
            Maxout(width, width, 5),
            nn.Dropout(0.5),
            nn.Linear(width, 1),
            nn.Flatten(0),
        )

    def forward(self, input: Tensor) -> Tensor:
        return super().forward((input + 1) / 2)  # dropout's zero is black


@checked()
def gan(
    spec: ImageSpec,
    *,
    width: int = 1200,
    lr: float = 2e-4,
    beta1: float = 0.5,
    beta2: float = 0.999,
    critic_steps: int = 1,
) -> GAN:
    """Weights uniform within 0.05 and 0.005 (`irange`); one pass of the generator serves both updates, as in the code.

    Args:
        width: Units of the generator's hidden layers; the critic's have a fifth.
    """
    optimiser = adam(lr, betas=(beta1, beta2))
    generator = initialise(Generator(spec, width), partial(nn.init.uniform_, a=-0.05, b=0.05))
    critic = initialise(Critic(spec, max(1, width // 5)), partial(nn.init.uniform_, a=-0.005, b=0.005))
    players = {"generator": Player(generator, optimiser), "critic": Player(critic, optimiser)}
    latents = gaussian(LATENT)
    turn = partial(LatentTurn, reuse_fakes=True)
    game = two_player(NonSaturating(), latents=latents, turn=turn, critic_steps=critic_steps)
    return GAN(players, [game], sample, latents)

"""BiGAN. Donahue, Krähenbühl, Darrell, "Adversarial Feature Learning", ICLR 2017, arXiv:1605.09782.

Three networks: the generator makes images of latents, the encoder latents of images, and the critic tells the pairs (x, E(x))
from (G(z), z). Where it cannot, the encoder inverts the generator (theorem 2). Encoder and generator minimise the loss with
the labels exchanged (section 3.4).

Networks: DCGAN's (zoo/networks/convolutional.py); the encoder is its critic with a head as long as a latent, and the critic
judges its features beside the latent by a perceptron. Latents are uniform in [-1, 1], as in the paper.

Departures: the paper's networks are those of its authors' code for ImageNet, with crops, and perceptrons for MNIST. The
encoder moves in an update of its own, from the same critic as the generator.

Published: no FID in the paper.
"""

from functools import cached_property

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from bench.gan import GAN, ImageSpec, Player, Stage, Turn, Update, adam, uniform
from zoo.losses.objectives import NonSaturating
from zoo.networks.convolutional import LATENT, Generator
from zoo.networks.convolutional import Critic as Features
from zoo.networks.layers import AROUND_ONE, NORMAL, initialise
from zoo.training.parameters import checked
from zoo.training.two_player import LatentTurn, sample, two_player

HIDDEN = 8  # units of the critic's hidden layer in widths: 512


class Encoder(nn.Module):
    """Images (N, C, H, W) -> latents (N, 100)."""

    def __init__(self, spec: ImageSpec, width: int = 64):
        super().__init__()
        self.net = Features(spec, width, head=lambda channels: nn.Conv2d(channels, LATENT, 4, 1, 0))

    def forward(self, images: Tensor) -> Tensor:
        return self.net.head(self.net.features(images)).flatten(1)


class Critic(nn.Module):
    """Images (N, C, H, W) and latents (N, 100) -> logits (N,)."""

    def __init__(self, spec: ImageSpec, width: int = 64):
        super().__init__()
        hidden = HIDDEN * width
        self.look = Features(spec, width, head=lambda channels: nn.Conv2d(channels, hidden, 4, 1, 0))
        self.read = nn.Sequential(nn.Linear(LATENT, hidden), nn.LeakyReLU(0.2))
        self.join = nn.Sequential(nn.Linear(2 * hidden, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, 1), nn.Flatten(0))

    def forward(self, images: Tensor, latents: Tensor) -> Tensor:
        seen = self.look.head(self.look.features(images)).flatten(1)
        return self.join(torch.cat([seen, self.read(latents)], 1))


class PairTurn(LatentTurn):
    """The critic judges images with latents: those that the encoder reads, or those that the images were made from."""

    @cached_property
    def drawn(self) -> Tensor:
        """Latents of the generated images, (N, 100)."""
        return self.latents(self.batch.images.shape[0], self.random)

    def make_fake(self) -> Tensor:
        """The drawn latents through the generator."""
        return self.generate(self.drawn)

    @cached_property
    def encoded(self) -> Tensor:
        """E(x), (N, 100); detached unless the encoder moves."""
        latents = self.nets["encoder"](self.batch.images)
        return latents if self.mover == "encoder" else latents.detach()

    @cached_property
    def real_logits(self) -> Tensor:
        """The critic's logits of (x, E(x)), (N,)."""
        return self.nets["critic"](self.real, self.encoded)

    @cached_property
    def fake_logits(self) -> Tensor:
        """The critic's logits of (G(z), z), (N,)."""
        return self.nets["critic"](self.fake, self.drawn)


def encode(turn: Turn) -> Tensor:
    """-E log(1 - D(x, E(x))): the encoder's half of the loss with exchanged labels."""
    return softplus(turn.real_logits).mean()


@checked()
def bigan(
    spec: ImageSpec,
    *,
    width: int = 64,
    lr: float = 2e-4,
    beta1: float = 0.5,
    beta2: float = 0.999,
    critic_steps: int = 1,
) -> GAN:
    """Adam at 2e-4 with beta1 = 0.5 for all three.

    Args:
        width: Channels next to the image; they double with each halving of the size, up to eight times as many.
    """
    optimiser = adam(lr, betas=(beta1, beta2))
    nets = {"generator": Generator(spec, width), "encoder": Encoder(spec, width), "critic": Critic(spec, width)}
    players = {name: Player(initialise(net, NORMAL, AROUND_ONE), optimiser) for name, net in nets.items()}
    game = two_player(NonSaturating(), latents=uniform(LATENT), turn=PairTurn, critic_steps=critic_steps)
    stage = Stage([*game.updates, Update("encoder", {"adversarial": encode})], game.turn)
    return GAN(players, [stage], sample, uniform(LATENT), least_batch=2)

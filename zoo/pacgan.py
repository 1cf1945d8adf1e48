"""PacGAN. Lin, Khetan, Fanti, Oh, "PacGAN: The power of two samples in generative adversarial networks", NeurIPS 2018,
arXiv:1712.04086.

Networks: the DCGAN of the authors' stacked-MNIST experiment (fjxmlzn/PacGAN
stacked_MNIST_experiments/VEEGAN_experiment/model.py): 5x5 kernels, latents of 100 uniform in [-1, 1]. The critic judges two
images at once, stacked along the channels (PacDCGAN2). Two generator steps per critic step, as in that code.

Departures: made for 32 px, where 28 px of the code have the same feature maps; other sizes drop a stage or start from
larger maps. Each generator step draws its own latents. A batch of N images makes N / 2 packs; the code draws N packs.

Published: stacked MNIST, 1000 modes of 1000 and KL 0.06 +- 0.003 (Table2.png of the repository at 190853e, 10 trials).
"""

from itertools import pairwise
from math import log2

from torch import nn

from bench.gan import GAN, ImageSpec, Player, Stage, adam, uniform
from zoo.losses.objectives import NonSaturating
from zoo.networks.layers import NORMAL, initialise
from zoo.training.turns import packed
from zoo.training.two_player import sample, two_player

LATENT = 100
PACK = 2


def widths(resolution: int) -> list[int]:
    """Channels from half the image's size downwards: 64, 128, 256, 512 from 32 px on."""
    return [64 << stage for stage in range(min(4, int(log2(resolution)) - 1))]


class Generator(nn.Sequential):
    """z (N, 100) -> images (N, C, H, W) in [-1, 1]."""

    def __init__(self, spec: ImageSpec):
        channels = widths(spec.resolution)[::-1]
        size = spec.resolution >> len(channels)
        layers: list[nn.Module] = [
            nn.Linear(LATENT, channels[0] * size**2),
            nn.Unflatten(1, (channels[0], size, size)),
        ]
        for before, after in pairwise([*channels, spec.channels]):
            layers += [nn.BatchNorm2d(before), nn.ReLU(inplace=True)]
            layers += [nn.ConvTranspose2d(before, after, 5, 2, 2, output_padding=1)]
        super().__init__(*layers, nn.Tanh())


class Critic(nn.Sequential):
    """Packed images (N, m C, H, W) -> logits (N,)."""

    def __init__(self, spec: ImageSpec, pack: int = PACK):
        channels = widths(spec.resolution)
        size = spec.resolution >> len(channels)
        layers: list[nn.Module] = [nn.Conv2d(pack * spec.channels, channels[0], 5, 2, 2), nn.LeakyReLU(0.2)]
        for before, after in pairwise(channels):
            layers += [nn.Conv2d(before, after, 5, 2, 2), nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
        super().__init__(*layers, nn.Flatten(), nn.Linear(channels[-1] * size**2, 1), nn.Flatten(0))


def pacgan(spec: ImageSpec) -> GAN:
    """Adam at 2e-4 with beta1 = 0.5 for both (VEEGAN_experiment/config.py)."""
    optimiser = adam(2e-4, betas=(0.5, 0.999))
    players = {
        "generator": Player(initialise(Generator(spec), NORMAL), optimiser),
        "critic": Player(initialise(Critic(spec), NORMAL), optimiser),
    }
    latents = uniform(LATENT)
    game = two_player(NonSaturating(), latents=latents, turn=packed(PACK))
    critic, generator = game.updates
    return GAN(players, [Stage([critic, generator, generator], game.turn)], sample, latents, least_batch=PACK)

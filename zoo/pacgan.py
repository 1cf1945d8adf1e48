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
from zoo.training.parameters import checked
from zoo.training.turns import packed
from zoo.training.two_player import sample, two_player

LATENT = 100


def widths(resolution: int, width: int) -> list[int]:
    """Channels from half the image's size downwards: 64, 128, 256, 512 from 32 px on."""
    return [width << stage for stage in range(min(4, int(log2(resolution)) - 1))]


class Generator(nn.Sequential):
    """z (N, 100) -> images (N, C, H, W) in [-1, 1]."""

    def __init__(self, spec: ImageSpec, width: int = 64):
        channels = widths(spec.resolution, width)[::-1]
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

    def __init__(self, spec: ImageSpec, width: int = 64, pack: int = 2):
        channels = widths(spec.resolution, width)
        size = spec.resolution >> len(channels)
        layers: list[nn.Module] = [nn.Conv2d(pack * spec.channels, channels[0], 5, 2, 2), nn.LeakyReLU(0.2)]
        for before, after in pairwise(channels):
            layers += [nn.Conv2d(before, after, 5, 2, 2), nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
        super().__init__(*layers, nn.Flatten(), nn.Linear(channels[-1] * size**2, 1), nn.Flatten(0))


@checked()
def pacgan(
    spec: ImageSpec,
    *,
    width: int = 64,
    lr: float = 2e-4,
    beta1: float = 0.5,
    beta2: float = 0.999,
    critic_steps: int = 1,
    generator_steps: int = 2,
    pack: int = 2,
) -> GAN:
    """Adam at 2e-4 with beta1 = 0.5 for both (VEEGAN_experiment/config.py).

    Args:
        width: Channels next to the image; they double with each halving of the size.
    """
    optimiser = adam(lr, betas=(beta1, beta2))
    players = {
        "generator": Player(initialise(Generator(spec, width), NORMAL), optimiser),
        "critic": Player(initialise(Critic(spec, width, pack), NORMAL), optimiser),
    }
    latents = uniform(LATENT)
    game = two_player(NonSaturating(), latents=latents, turn=packed(pack), critic_steps=critic_steps)
    critic, generator = game.updates
    stage = Stage([critic, *[generator] * generator_steps], game.turn)
    return GAN(players, [stage], sample, latents, least_batch=max(2, pack))

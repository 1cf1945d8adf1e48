"""LSGAN. Mao, Li, Xie, Lau, Wang, Smolley, "Least Squares Generative Adversarial Networks", ICCV 2017, arXiv:1611.04076.

Networks: those for the LSUN scenes, as in the authors' code (xudonmao/LSGAN vgg.py): latents of 1024 uniform in
[-1, 1], transposed 3x3 convolutions with a second one at each of the small sizes, and DCGAN's critic with 5x5 kernels.
Targets a = 0, b = c = 1 (eq. 9).

Departures: the first feature map is 4 px at every resolution (7 px of 112 in the code), and sizes drop or add stages at the
small end. Weights from N(0, 0.02) throughout; the code truncates the critic's. The code's loss is a sum over the batch,
which Adam does not see.

Published: no FID in the paper. CIFAR-10: FID 40.22, IS 6.55, with other networks (StudioGAN README at 947b35e).
"""

from functools import partial
from itertools import pairwise
from math import log2

from torch import nn

from bench.gan import GAN, ImageSpec, Player, adam, uniform
from zoo.losses.objectives import LeastSquares
from zoo.networks.layers import NORMAL, initialise
from zoo.training.parameters import checked
from zoo.training.two_player import LatentTurn, sample, two_player

LATENT = 1024


def up(before: int, after: int, stride: int) -> list[nn.Module]:
    """A transposed 3x3 convolution that multiplies the size by `stride`, batch norm, ReLU."""
    convolution = nn.ConvTranspose2d(before, after, 3, stride, 1, output_padding=stride - 1)
    return [convolution, nn.BatchNorm2d(after), nn.ReLU(inplace=True)]


class Generator(nn.Sequential):
    """z (N, 1024) -> images (N, C, H, W) in [-1, 1]."""

    def __init__(self, spec: ImageSpec, width: int = 64):
        doublings, most = int(log2(spec.resolution)) - 2, 4 * width
        widths = ([most] * doublings + [2 * width, width])[-doublings:]  # 256, 256, 128, 64 at 64 px
        layers: list[nn.Module] = [
            *(nn.Linear(LATENT, most * 16), nn.Unflatten(1, (most, 4, 4))),
            *(nn.BatchNorm2d(most), nn.ReLU(inplace=True)),
        ]
        for before, after in pairwise([most, *widths]):
            layers += up(before, after, stride=2)
            if after == most:
                layers += up(after, after, stride=1)
        super().__init__(*layers, nn.ConvTranspose2d(widths[-1], spec.channels, 3, 1, 1), nn.Tanh())


class Critic(nn.Sequential):
    """Images (N, C, H, W) -> scores (N,). No batch norm on the first layer."""

    def __init__(self, spec: ImageSpec, width: int = 64):
        halvings = int(log2(spec.resolution)) - 2
        widths = [min(width << stage, 8 * width) for stage in range(halvings)]  # 64, 128, 256, 512 at 64 px
        layers: list[nn.Module] = [nn.Conv2d(spec.channels, width, 5, 2, 2), nn.LeakyReLU(0.2, inplace=True)]
        for before, after in pairwise(widths):
            layers += [nn.Conv2d(before, after, 5, 2, 2), nn.BatchNorm2d(after), nn.LeakyReLU(0.2, inplace=True)]
        super().__init__(*layers, nn.Flatten(), nn.Linear(widths[-1] * 16, 1), nn.Flatten(0))


@checked()
def lsgan(
    spec: ImageSpec,
    *,
    width: int = 64,
    lr: float = 1e-3,
    beta1: float = 0.5,
    beta2: float = 0.999,
    critic_steps: int = 1,
) -> GAN:
    """Adam at 1e-3 with beta1 = 0.5 for both (train_lsun.py); one latent batch for both updates.

    Args:
        width: Channels next to the image; the generator has up to four, the critic up to eight times as many.
    """
    optimiser = adam(lr, betas=(beta1, beta2))
    players = {
        "generator": Player(initialise(Generator(spec, width), NORMAL), optimiser),
        "critic": Player(initialise(Critic(spec, width), NORMAL), optimiser),
    }
    latents = uniform(LATENT)
    turn = partial(LatentTurn, reuse_fakes=True)
    game = two_player(LeastSquares(), latents=latents, turn=turn, critic_steps=critic_steps)
    return GAN(players, [game], sample, latents, least_batch=2)

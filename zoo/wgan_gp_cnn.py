"""WGAN-GP with the plain CNN of the authors' code (igul222/improved_wgan_training gan_cifar.py at fa66c57), which other suites
call WGAN-GP. Gulrajani et al. 2017, arXiv:1704.00028. Not a registered member: `wgan-gp` is the ResNet.

Departures: no dequantisation noise on the real images, which belongs to the data. Sizes other than 32 px drop or add
stages, no wider than 512.

Published: nothing is known for this network.
"""

from itertools import pairwise
from math import log2, sqrt

from torch import nn

from bench.gan import GAN, ImageSpec, Player, adam, gaussian
from zoo.losses.objectives import Wasserstein
from zoo.losses.penalties import GradientPenalty
from zoo.training.parameters import checked
from zoo.training.two_player import sample, two_player

LATENT = 128


def widths(resolution: int, width: int) -> list[int]:
    """Channels after each halving of the image: 128, 256, 512 at 32 px; no wider at other sizes."""
    return [min(width << stage, 4 * width) for stage in range(int(log2(resolution)) - 2)]


class Generator(nn.Sequential):
    """z (N, 128) -> images (N, C, H, W) in [-1, 1]: gan_cifar.py, 512, 256, 128 channels at 4, 8, 16 px."""

    def __init__(self, spec: ImageSpec, width: int = 128):
        first, *rest = reversed(widths(spec.resolution, width))
        stem = [nn.Linear(LATENT, first * 16), nn.BatchNorm1d(first * 16), nn.ReLU(), nn.Unflatten(1, (first, 4, 4))]
        layers: list[nn.Module] = []
        for before, after in pairwise([first, *rest]):
            layers += [_up(before, after), nn.BatchNorm2d(after), nn.ReLU()]
        super().__init__(*stem, *layers, _up([first, *rest][-1], spec.channels), nn.Tanh())


class Critic(nn.Sequential):
    """Images (N, C, H, W) -> scores (N,), without norm: gan_cifar.py."""

    def __init__(self, spec: ImageSpec, width: int = 128):
        channels = [spec.channels, *widths(spec.resolution, width)]
        layers: list[nn.Module] = []
        for before, after in pairwise(channels):
            layers += [nn.Conv2d(before, after, 5, 2, 2), nn.LeakyReLU(0.2)]
        super().__init__(*layers, nn.Flatten(), nn.Linear(16 * channels[-1], 1), nn.Flatten(0))


def _up(before: int, after: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(before, after, 5, 2, 2, output_padding=1)


def he(net: nn.Module) -> nn.Module:
    """Uniform weights of variance 4 / (fan-in + fan-out), where a stride divides the fan of the coarser side by 4; linear
    layers Glorot-uniform; biases 0 (tflib/ops/conv2d.py, deconv2d.py, linear.py). In place.
    """
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            up = isinstance(layer, nn.ConvTranspose2d)
            fine, coarse = (layer.out_channels, layer.in_channels) if up else (layer.in_channels, layer.out_channels)
            limit = sqrt(12 / (25 * (fine + coarse / 4)))
            nn.init.uniform_(layer.weight, -limit, limit)
        elif isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear) and layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return net


@checked()
def wgan_gp_cnn(
    spec: ImageSpec,
    *,
    width: int = 128,
    lr: float = 1e-4,
    beta1: float = 0.5,
    beta2: float = 0.9,
    critic_steps: int = 5,
    gradient_penalty: float = 10.0,
) -> GAN:
    """The CNN of gan_cifar.py: Adam at 1e-4 with betas (0.5, 0.9), constant.

    Args:
        width: Channels next to the image; they double with each halving of the size, up to four times as many.
    """
    optimiser = adam(lr, betas=(beta1, beta2))
    players = {
        "generator": Player(he(Generator(spec, width)), optimiser),
        "critic": Player(he(Critic(spec, width)), optimiser),
    }
    latents = gaussian(LATENT)
    terms = {"gradient_penalty": GradientPenalty(gradient_penalty)}
    game = two_player(Wasserstein(), latents=latents, critic_steps=critic_steps, critic_terms=terms)
    return GAN(players, [game], sample, latents, least_batch=2)

"""DCGAN. Radford, Metz, Chintala, "Unsupervised Representation Learning with Deep Convolutional Generative
Adversarial Networks", ICLR 2016, arXiv:1511.06434.

Networks: figure 1 and the guidelines of section 3, at the widths of the authors' Torch code (soumith/dcgan.torch
main.lua: ngf = ndf = 64, latents of 100, 4x4 kernels), one doubling of width per halving of the image.

Departures: none from soumith/dcgan.torch at 64 px. The paper draws latents uniformly (figure 1), the Torch code normally;
the code is followed. Other sizes drop or add stages; widths stop doubling at 512. As in that code, both updates
of an iteration share one generator pass.

Published: no FID or Inception Score in the paper. On CIFAR-10, FID 42.72 and IS 6.01 (w86763777/pytorch-gan-collections
Readme.md at 860e90b, batch 128).
"""

from math import log2

from torch import nn

from bench.gan import GAN, ImageSpec, Player, adam, gaussian
from zoo.objectives import NonSaturating
from zoo.two_player import sample, two_player

LATENT = 100
WIDTH = 64


def widths(resolution: int) -> list[int]:
    """Channels from the smallest feature map, 4 px, to the largest, half the image: 512, 256, 128, 64 at 64 px."""
    stages = int(log2(resolution)) - 2
    return [min(WIDTH << stage, 512) for stage in reversed(range(stages))]


class Generator(nn.Sequential):
    """z (N, 100) -> images (N, C, H, W) in [-1, 1]."""

    def __init__(self, spec: ImageSpec):
        first, *rest = widths(spec.resolution)
        layers: list[nn.Module] = [
            nn.Unflatten(1, (LATENT, 1, 1)),
            nn.ConvTranspose2d(LATENT, first, 4, 1, 0, bias=False),  # -> 4 x 4
            nn.BatchNorm2d(first),
            nn.ReLU(inplace=True),
        ]
        for before, after in zip([first, *rest], rest, strict=False):
            layers += [
                nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(inplace=True),
            ]
        last = [first, *rest][-1]
        super().__init__(*layers, nn.ConvTranspose2d(last, spec.channels, 4, 2, 1, bias=False), nn.Tanh())


class Critic(nn.Sequential):
    """Images (N, C, H, W) -> logits (N,). No batch norm on the first layer (section 3)."""

    def __init__(self, spec: ImageSpec):
        first, *rest = reversed(widths(spec.resolution))
        layers: list[nn.Module] = [
            nn.Conv2d(spec.channels, first, 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2, inplace=True),
        ]
        for before, after in zip([first, *rest], rest, strict=False):
            layers += [
                nn.Conv2d(before, after, 4, 2, 1, bias=False),
                nn.BatchNorm2d(after),
                nn.LeakyReLU(0.2, inplace=True),
            ]
        last = [first, *rest][-1]
        super().__init__(*layers, nn.Conv2d(last, 1, 4, 1, 0, bias=False), nn.Flatten(0))


def initialise(net: nn.Module) -> nn.Module:
    """Weights from N(0, 0.02), batch-norm scales from N(1, 0.02) (section 4 and main.lua)."""
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, 0.02)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.02)
            nn.init.zeros_(layer.bias)
    return net


def dcgan(spec: ImageSpec) -> GAN:
    """Adam at 2e-4 with beta1 = 0.5 for both (section 4)."""
    optimiser = adam(2e-4, betas=(0.5, 0.999))
    players = {
        "generator": Player(initialise(Generator(spec)), optimiser),
        "critic": Player(initialise(Critic(spec)), optimiser),
    }
    latents = gaussian(LATENT)
    return GAN(players, [two_player(NonSaturating(), latents=latents, reuse_fakes=True)], sample, latents)

"""A gated generator: one convolution with a gated linear unit per size, in which small features choose the channels of large ones.

FastGAN's: Liu et al. 2021, arXiv:2101.04775, section 3.1 and figure 3; Projected GAN takes it too.
"""

from math import log2

import torch
from torch import Tensor, nn
from torch.nn.functional import glu, interpolate

from bench.gan import ImageSpec, Nets, Prompt
from zoo.networks.style import draw_noise, split_noise
from zoo.training.two_player import LatentTurn

LATENT = 256
SHARES = {4: 16, 8: 8, 16: 4, 32: 2, 64: 2, 128: 1, 256: 0.5}  # published channels at each size, in those of `width`


def sizes(resolution: int) -> list[int]:
    """4, 8, ..., R."""
    return [4 << level for level in range(int(log2(resolution)) - 1)]


def channels(resolution: int, width: int) -> dict[int, int]:
    """At each size."""
    return {size: max(int(width * min(SHARES[size], resolution / size)), 4) for size in sizes(resolution)}


def excited(resolution: int) -> dict[int, int]:
    """Large sizes, and the small size that excites each: 64, 128 and 256 by 4, 8 and 16 at 256 px."""
    ratio = max(resolution // 16, 4)
    return {small * ratio: small for small in (4, 8, 16) if small * ratio <= resolution}


def noise_pixels(resolution: int) -> int:
    """Numbers of noise for an image."""
    return sum(size**2 for size in sizes(resolution)[1:])


class UpBlock(nn.Module):
    """Twice the size: nearest neighbour, a 3x3 convolution, noise of one learned strength, batch norm, a gated linear unit."""

    def __init__(self, before: int, after: int):
        super().__init__()
        self.conv = nn.Conv2d(before, 2 * after, 3, padding=1, bias=False)
        self.strength = nn.Parameter(torch.zeros(()))
        self.norm = nn.BatchNorm2d(2 * after)

    def forward(self, features: Tensor, noise: Tensor) -> Tensor:
        features = self.conv(interpolate(features, scale_factor=2.0))
        return glu(self.norm(features + self.strength * noise), 1)


class Excitation(nn.Module):
    """Small features (N, A, h, h) say how much of each channel of large ones (N, B, H, H) passes: equation 1."""

    def __init__(self, before: int, after: int):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(4)
        self.gate = nn.Sequential(
            nn.Conv2d(before, after, 4, bias=False), nn.LeakyReLU(0.1), nn.Conv2d(after, after, 1, bias=False)
        )

    def forward(self, small: Tensor, large: Tensor) -> Tensor:
        return large * self.gate(self.pool(small)).sigmoid()


class Generator(nn.Module):
    """z (N, 256), noise (N, P) -> images (N, C, R, R) in [-1, 1]."""

    def __init__(self, spec: ImageSpec, width: int):
        super().__init__()
        self.sizes, wide = sizes(spec.resolution), channels(spec.resolution, width)
        self.excited = excited(spec.resolution)
        self.first = nn.Sequential(
            nn.Linear(LATENT, 32 * wide[4], bias=False), nn.Unflatten(1, (2 * wide[4], 4, 4)),
            nn.BatchNorm2d(2 * wide[4]), nn.GLU(1),
        )  # fmt: skip
        self.blocks = nn.ModuleList(UpBlock(wide[size // 2], wide[size]) for size in self.sizes[1:])
        self.excite = nn.ModuleDict(
            {str(large): Excitation(wide[small], wide[large]) for large, small in self.excited.items()}
        )
        self.last = nn.Conv2d(wide[spec.resolution], spec.channels, 3, padding=1, bias=False)

    def forward(self, latents: Tensor, noise: Tensor) -> Tensor:
        features = {4: self.first(latents)}
        noises = split_noise(noise, self.sizes[1:])
        for size, block, picture in zip(self.sizes[1:], self.blocks, noises, strict=True):
            features[size] = block(features[size // 2], picture)
            if size in self.excited:
                features[size] = self.excite[str(size)](features[self.excited[size]], features[size])
        return self.last(features[self.sizes[-1]]).tanh()


class GatedTurn(LatentTurn):
    """Fakes come from latents and noise."""

    def generate(self, latents: Tensor) -> Tensor:
        """G(z) with fresh noise."""
        pixels = noise_pixels(self.batch.images.shape[-1])
        return self.nets["generator"](latents, draw_noise(latents.shape[0], pixels, self.random))


def sample(nets: Nets, prompt: Prompt) -> Tensor:
    """Images of a prompt's latents, (N, C, R, R) in [-1, 1], with noise of the prompt's."""
    generator = nets["generator"]
    assert isinstance(generator, Generator)
    return generator(prompt.latents, draw_noise(prompt.count, noise_pixels(generator.sizes[-1]), prompt.random))

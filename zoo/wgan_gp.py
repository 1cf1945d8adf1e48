"""WGAN-GP. Gulrajani, Ahmed, Arjovsky, Dumoulin, Courville, "Improved Training of Wasserstein GANs", NeurIPS 2017,
arXiv:1704.00028.

Networks: the CIFAR-10 ResNet of the authors' code (igul222/improved_wgan_training gan_cifar_resnet.py with
CONDITIONAL = ACGAN = False): 128 channels in both, batch norm in the generator, no norm in the critic.

Departures: no dequantisation noise on the real images, which belongs to the data. Below 32 px widths shrink with the
image's side; above it one block per doubling is added, with the widths of gan_64x64.py (64 at the image, doubling to
512) but without its layer norm.

The plain CNN of the same repository, which other suites call WGAN-GP, is in zoo/wgan_gp_cnn.py.

Published: CIFAR-10 without labels, FID 16.95 and IS 7.95 +- .14 for this ResNet (w86763777/pytorch-gan-collections Readme.md
at 860e90b). The paper has Inception Scores alone.
"""

from functools import partial
from itertools import pairwise
from math import log2

from torch import Tensor, nn

from bench.gan import GAN, ImageSpec, Player, adam, gaussian
from zoo.losses.objectives import Wasserstein
from zoo.losses.penalties import GradientPenalty
from zoo.networks.resnet import DownBlock, PlainBlock, UpBlock, glorot, small_width
from zoo.training.parameters import checked
from zoo.training.rates import linear_decay
from zoo.training.two_player import LatentTurn, sample, two_player

LATENT = 128


def generator_widths(resolution: int, width: int) -> list[int]:
    """Channels at 4, 8, ... px: 128 throughout at 32 px; 512, 512, 256, 128, 64 at 64 px."""
    sizes = [4 << stage for stage in range(int(log2(resolution)) - 1)]
    if resolution <= 32:
        return [small_width(width, resolution)] * len(sizes)
    return [min(4 * width, width * resolution // (2 * size)) for size in sizes]


def critic_widths(resolution: int, width: int) -> tuple[list[int], int]:
    """Channels after each halving of the image, and the number of blocks that follow at the last size."""
    if resolution <= 32:
        return [small_width(width, resolution)] * 2, 2
    return [min(4 * width, width << stage) for stage in range(int(log2(resolution)) - 2)], 0


class Generator(nn.Module):
    """z (N, 128) -> images (N, C, H, W) in [-1, 1]."""

    def __init__(self, spec: ImageSpec, width: int = 128):
        super().__init__()
        widths = generator_widths(spec.resolution, width)
        self.stem = nn.Sequential(nn.Linear(LATENT, widths[0] * 16), nn.Unflatten(1, (widths[0], 4, 4)))
        self.blocks = nn.Sequential(*(UpBlock(*pair) for pair in pairwise(widths)))
        self.head = nn.Sequential(
            nn.BatchNorm2d(widths[-1]),
            nn.ReLU(),
            nn.Conv2d(widths[-1], spec.channels, 3, padding=1),
            nn.Tanh(),
        )

    def forward(self, latents: Tensor) -> Tensor:
        return self.head(self.blocks(self.stem(latents)))


class Critic(nn.Module):
    """Images (N, C, H, W) -> scores (N,), averaged over positions. Norms would couple the images of a batch (section 4)."""

    def __init__(self, spec: ImageSpec, width: int = 128):
        super().__init__()
        widths, plain = critic_widths(spec.resolution, width)
        self.blocks = nn.Sequential(
            DownBlock(spec.channels, widths[0], first=True),
            *(DownBlock(*pair) for pair in pairwise(widths)),
            *(PlainBlock(widths[-1]) for _ in range(plain)),
        )
        self.head = nn.Linear(widths[-1], 1)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.blocks(images).relu().mean((2, 3))).squeeze(1)


@checked()
def wgan_gp(
    spec: ImageSpec,
    *,
    width: int = 128,
    lr: float = 2e-4,
    beta1: float = 0.0,
    beta2: float = 0.9,
    critic_steps: int = 5,
    gradient_penalty: float = 10.0,
) -> GAN:
    """Adam at 2e-4 with betas (0, 0.9), decayed linearly to 0; a generator batch twice the critic's.

    Args:
        width: Channels of every block at 32 px; of the critic's first block at 64 px.
    """
    optimiser = adam(lr, betas=(beta1, beta2))
    players = {
        "generator": Player(glorot(Generator(spec, width)), optimiser, rate=linear_decay),
        "critic": Player(glorot(Critic(spec, width)), optimiser, rate=linear_decay),
    }
    latents = gaussian(LATENT)
    game = two_player(
        Wasserstein(),
        latents=latents,
        turn=partial(LatentTurn, generator_batch=2),
        critic_steps=critic_steps,
        critic_terms={"gradient_penalty": GradientPenalty(gradient_penalty)},
    )
    return GAN(players, [game], sample, latents, least_batch=2)

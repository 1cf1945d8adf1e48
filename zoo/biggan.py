"""BigGAN. Brock, Donahue, Simonyan, "Large Scale GAN Training for High Fidelity Natural Image Synthesis", ICLR 2019,
arXiv:1809.11096.

Networks: up to 32 px those for CIFAR-10 of the first author's PyTorch code (ajbrock/BigGAN-PyTorch
scripts/launch_cifar_ema.sh at 9845943): 256 channels throughout, class-conditional batch norm, spectral normalisation
in both, projection critic, four critic steps, hinge loss, weights from N(0, 0.02); the critic judges real and fake
images in one pass. From 64 px the paper's own (table 4 and appendix B, at that code's width 64): a class embedding of
128 that all norms share, latents of 20 per block, which reach every block, self-attention.

Departures: orthogonal regularisation of 1e-4 as in the paper, which the CIFAR script leaves out; it is a loss here (eq.
3) and half of that in the code's hand-made gradient. The weight average has the script's half-life, 0.9999 per
iteration of 200 images, but is held below 5 % of the images seen, instead of starting after 1000 iterations. Samples
are drawn with standing statistics of the average over 16 batches, as the paper and the code's utils.py have them; the
CIFAR script samples with the statistics of each batch. Attention at 64 px, or half the image if that is smaller. Below 32 px
widths shrink with the image's side. Fakes are asked for the labels of the real batch; the code draws labels for them.

Published: CIFAR-10, FID 9.59 and IS 9.06 (mit-han-lab/data-efficient-gans README at 0b63395, these networks, 10k images).
"""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from math import log, log2

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from bench.gan import GAN, Average, ImageSpec, Nets, Player, Prompt, adam, gaussian
from zoo.losses.objectives import Hinge
from zoo.losses.regularisers import Orthogonal
from zoo.networks.attention import SelfAttention
from zoo.networks.conditional import ConditionalBatchNorm, Projection, needs_labels
from zoo.networks.layers import AROUND_ONE, NORMAL, initialise
from zoo.networks.resnet import ConvPool, UpBlock, small_width
from zoo.networks.spectral import spectral
from zoo.training.parameters import checked
from zoo.training.priors import truncated
from zoo.training.turns import JointTurn
from zoo.training.two_player import Latents, two_player

WIDTH = 64
EMBEDDING = 128
LATENT = 128  # up to 32 px
CHUNK = 20  # latents per block, from 64 px
HALF_LIFE = log(0.5) / log(0.9999) * 200  # images


def generator_widths(resolution: int, width: int = WIDTH) -> Sequence[int]:
    """Channels at 4, 8, ... px."""
    if resolution <= 32:
        return [small_width(4 * width, resolution)] * (int(log2(resolution)) - 1)
    multiples = {64: (16, 16, 8, 4, 2), 128: (16, 16, 8, 4, 2, 1), 256: (16, 16, 8, 8, 4, 2, 1)}
    return [width * multiple for multiple in multiples[resolution]]


def critic_widths(resolution: int, width: int = WIDTH) -> tuple[Sequence[int], int]:
    """Channels after each block, and how many of the blocks, the last ones, keep the size."""
    if resolution <= 32:
        return [small_width(4 * width, resolution)] * 4, 2
    multiples = {64: (1, 2, 4, 8, 16), 128: (1, 2, 4, 8, 16, 16), 256: (1, 2, 4, 8, 8, 16, 16)}
    return [width * multiple for multiple in multiples[resolution]], 1


def attention_at(resolution: int) -> int:
    """The feature size with self-attention; 0: nowhere, as on CIFAR-10."""
    return 0 if resolution <= 32 else min(64, resolution // 2)


def latents(resolution: int) -> Latents:
    """Normal latents: 128 up to 32 px, then a chunk of 20 for the stem and for each block."""
    return gaussian(LATENT if resolution <= 32 else CHUNK * len(generator_widths(resolution)))


class SharedBatchNorm(nn.Module):
    """Batch norm whose scale and shift are linear in the block's condition, (N, 128 + 20): figure 15 (b)."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.BatchNorm2d(width, affine=False)
        self.scale = nn.Linear(EMBEDDING + CHUNK, width, bias=False)
        self.shift = nn.Linear(EMBEDDING + CHUNK, width, bias=False)

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        scale, shift = 1 + self.scale(condition), self.shift(condition)
        return self.norm(features) * scale[:, :, None, None] + shift[:, :, None, None]


class ByClass(nn.Module):
    """Every block is conditioned on the label alone."""

    def forward(self, latents: Tensor, labels: Tensor, blocks: int) -> tuple[Tensor, Sequence[Tensor]]:
        """All latents for the stem, and the labels (N,) for each block."""
        return latents, [labels] * blocks


class ByEmbedding(nn.Module):
    """Every block is conditioned on a shared embedding of the class and on its own chunk of the latents."""

    def __init__(self, classes: int):
        super().__init__()
        self.table = nn.Parameter(torch.randn(classes, EMBEDDING) * 0.02)  # no spectral norm, as in the code

    def forward(self, latents: Tensor, labels: Tensor, blocks: int) -> tuple[Tensor, Sequence[Tensor]]:
        """The first chunk, (N, 20), for the stem, and a condition (N, 148) for each block."""
        first, *others = latents.chunk(blocks + 1, 1)
        return first, [torch.cat([self.table[labels], chunk], 1) for chunk in others]


class Generator(nn.Module):
    """z (N, Z) and labels (N,) -> images (N, C, H, W) in [-1, 1]."""

    def __init__(self, spec: ImageSpec, width: int = WIDTH):
        super().__init__()
        widths = generator_widths(spec.resolution, width)
        small = spec.resolution <= 32
        self.conditions = ByClass() if small else ByEmbedding(spec.classes)
        norm = partial(ConditionalBatchNorm, classes=spec.classes) if small else SharedBatchNorm
        self.stem = nn.Linear(LATENT if small else CHUNK, widths[0] * 16)
        self.blocks = nn.ModuleList(UpBlock(before, after, norm) for before, after in pairwise(widths))
        self.attention = nn.ModuleList(
            SelfAttention(channels) if 8 << index == attention_at(spec.resolution) else nn.Identity()
            for index, channels in enumerate(widths[1:])
        )
        self.head = nn.Sequential(
            *(nn.BatchNorm2d(widths[-1]), nn.ReLU()),
            *(nn.Conv2d(widths[-1], spec.channels, 3, padding=1), nn.Tanh()),
        )

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        first, conditions = self.conditions(latents, labels, len(self.blocks))
        features = self.stem(first).unflatten(1, (-1, 4, 4))
        for block, attend, condition in zip(self.blocks, self.attention, conditions, strict=True):
            features = attend(block(features, condition))
        return self.head(features)


class CriticBlock(nn.Module):
    """ReLU, 3x3, ReLU, 3x3, perhaps mean pooling, plus a shortcut; wide, as its first convolution widens.

    The first block does not rectify the image that it sees.
    """

    def __init__(self, before: int, after: int, *, first: bool, halves: bool):
        super().__init__()
        self.first = first
        self.halves = halves
        self.conv1 = nn.Conv2d(before, after, 3, padding=1)
        self.conv2 = ConvPool(after, after) if halves else nn.Conv2d(after, after, 3, padding=1)
        self.shortcut = nn.Conv2d(before, after, 1) if halves or before != after else nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        residual = self.conv2(self.conv1(features if self.first else features.relu()).relu())
        # Pooling commutes with a 1x1 convolution, and is cheaper before it.
        return residual + self.shortcut(avg_pool2d(features, 2) if self.halves else features)


class Critic(nn.Module):
    """Images (N, C, H, W) and labels (N,) -> logits (N,), from features summed over positions."""

    def __init__(self, spec: ImageSpec, width: int = WIDTH):
        super().__init__()
        widths, kept = critic_widths(spec.resolution, width)
        layers: list[nn.Module] = []
        size = spec.resolution
        for index, (before, after) in enumerate(pairwise([spec.channels, *widths])):
            halves = index < len(widths) - kept
            size = size // 2 if halves else size
            layers.append(CriticBlock(before, after, first=index == 0, halves=halves))
            if halves and size == attention_at(spec.resolution):
                layers.append(SelfAttention(after))
        self.blocks = nn.Sequential(*layers)
        self.head = Projection(widths[-1], spec.classes)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        return self.head(self.blocks(images).relu().sum((2, 3)), labels)


def scattered(net: nn.Module) -> nn.Module:
    """Weights from N(0, 0.02), the classes' scales from N(1, 0.02) (`N02` of the code); biases 0, where the code leaves
    PyTorch's default. In place.
    """
    for layer in net.modules():
        if isinstance(layer, ConditionalBatchNorm):
            AROUND_ONE(layer.scale)
            NORMAL(layer.shift)
    return initialise(net, NORMAL)


def sample(nets: Nets, prompt: Prompt) -> Tensor:
    """Images (N, C, H, W) in [-1, 1], of latents truncated as far as the prompt says (section 3.1)."""
    assert prompt.latents is not None
    return nets["generator"](truncated(prompt.latents, prompt.truncation), prompt.labels)


@checked()
def biggan(
    spec: ImageSpec,
    *,
    width: int = WIDTH,
    lr: float = 2e-4,
    beta1: float = 0.0,
    beta2: float = 0.999,
    critic_steps: int = 4,
    orthogonal: float = 1e-4,
    half_life: float = HALF_LIFE,
) -> GAN:
    """Adam at 2e-4 with betas (0, 0.999) for both (scripts/launch_cifar_ema.sh).

    Args:
        width: A quarter of the channels at 32 px; the channels next to the image from 64 px (`G_ch`, `D_ch`).
    """
    needs_labels(spec, "biggan")
    optimiser = adam(lr, betas=(beta1, beta2))
    average = Average(half_life_images=half_life, ramp=0.05, standing_batches=16)
    players = {
        "generator": Player(spectral(scattered(Generator(spec, width))), optimiser, average),
        "critic": Player(spectral(scattered(Critic(spec, width))), optimiser),
    }
    prior = latents(spec.resolution)
    game = two_player(
        Hinge(),
        latents=prior,
        turn=partial(JointTurn, conditional=True),
        critic_steps=critic_steps,
        generator_terms={"orthogonal": Orthogonal(weight=orthogonal)},
    )
    return GAN(players, [game], sample, prior, task="conditional", least_batch=2)

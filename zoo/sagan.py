"""SAGAN. Zhang, Goodfellow, Metaxas, Odena, "Self-Attention Generative Adversarial Networks", ICML 2019,
arXiv:1805.08318.

Networks: SNGAN's ResNet with spectral normalisation in both players and one self-attention layer in each, at 32 px
features of a 128 px image (brain-research/self-attention-gan generator.py, discriminator.py); at 32 px as wide and deep
as those of kwotsin/mimicry (nets/sagan/sagan_32.py), attending at 16 px in the generator and at 8 px in the critic.
Hinge loss, one critic step.

Two members: `sagan_cond` is the paper's, with class-conditional batch norm and a projection critic; `sagan` is the
same without classes, so that it can train on any images.

Departures: Adam with betas (0, 0.9), as SNGAN has them; the code sets beta1 alone and leaves beta2 at 0.999. The
generator's rate stays as the paper has it; the code's falls to a quarter between steps 100,000 and 250,000. Fakes are
asked for the labels of the real batch; the code draws labels for them. The critic's power iteration advances with fake
images too, in the code with real ones alone. Blocks are the authors' at every size: mimicry upsamples bilinearly
instead of repeating pixels, and its in-place ReLU rectifies the input of the critic's shortcuts too. Below 32 px widths
shrink with the image's side and the generator has fewer blocks.

Published: ImageNet 128 px, FID 18.65, IS 52.52 (abstract). CIFAR-10 with classes: FID 10.35, IS 8.64
(StudioGAN README at 947b35e, with other rates and five critic steps).
"""

from dataclasses import replace
from functools import partial
from itertools import pairwise
from math import log2
from typing import TypedDict, Unpack

from torch import Tensor, nn

from bench.gan import GAN, ImageSpec, Player, adam, gaussian
from zoo.losses.objectives import Hinge
from zoo.networks.attention import SelfAttention
from zoo.networks.conditional import ConditionalBatchNorm, Projection, needs_labels
from zoo.networks.resnet import DownBlock, PlainBlock, UpBlock, generator_widths, glorot, small_width
from zoo.networks.spectral import spectral
from zoo.training.parameters import checked
from zoo.training.two_player import LatentTurn, sample, sample_class, two_player

LATENT = 128


def critic_widths(resolution: int, width: int) -> tuple[list[int], int]:
    """Channels after each halving of the image, and the number of blocks that follow at the last size."""
    if resolution <= 32:
        return [small_width(width // 2, resolution)] * 2, 2
    return [min(4 * width, width // 4 << stage) for stage in range(int(log2(resolution)) - 2)], 1


def attends_at(resolution: int) -> tuple[int, int]:
    """The feature-map sizes with attention in the generator and in the critic."""
    return (resolution // 2, resolution // 4) if resolution <= 32 else (32, 32)


class Generator(nn.Module):
    """z (N, 128) and, if there are classes, labels (N,) -> images (N, C, H, W) in [-1, 1]."""

    def __init__(self, spec: ImageSpec, width: int = 256):
        super().__init__()
        widths = generator_widths(spec.resolution, width)
        norm = partial(ConditionalBatchNorm, classes=spec.classes) if spec.classes else nn.BatchNorm2d
        self.stem = nn.Sequential(nn.Linear(LATENT, widths[0] * 16), nn.Unflatten(1, (widths[0], 4, 4)))
        self.blocks = nn.ModuleList(UpBlock(before, after, norm) for before, after in pairwise(widths))
        self.attends_after = int(log2(attends_at(spec.resolution)[0])) - 2  # blocks
        self.attention = SelfAttention(widths[self.attends_after])
        self.head = nn.Sequential(
            *(nn.BatchNorm2d(widths[-1]), nn.ReLU()),
            *(nn.Conv2d(widths[-1], spec.channels, 3, padding=1), nn.Tanh()),
        )

    def forward(self, latents: Tensor, *labels: Tensor) -> Tensor:
        features = self.stem(latents)
        for index, block in enumerate(self.blocks):
            if index == self.attends_after:
                features = self.attention(features)
            features = block(features, *labels)
        return self.head(features)


class Critic(nn.Module):
    """Images (N, C, H, W) and, if there are classes, labels (N,) -> logits (N,), from features summed over positions."""

    def __init__(self, spec: ImageSpec, width: int = 256):
        super().__init__()
        widths, plain = critic_widths(spec.resolution, width)
        blocks: list[nn.Module] = [
            DownBlock(spec.channels, widths[0], first=True),
            *(DownBlock(before, after) for before, after in pairwise(widths)),
        ]
        position = int(log2(spec.resolution // attends_at(spec.resolution)[1]))  # halvings before attention
        blocks.insert(position, SelfAttention(widths[position - 1]))
        self.blocks = nn.Sequential(*blocks, *(PlainBlock(widths[-1]) for _ in range(plain)))
        self.head = Projection(widths[-1], spec.classes) if spec.classes else _Linear(widths[-1])

    def forward(self, images: Tensor, *labels: Tensor) -> Tensor:
        return self.head(self.blocks(images).relu().sum((2, 3)), *labels)


class _Linear(nn.Linear):
    """(N, F) -> (N,)."""

    def __init__(self, width: int):
        super().__init__(width, 1)

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input).squeeze(1)


class Settings(TypedDict):
    """The parameters of both members."""

    width: int
    generator_lr: float
    critic_lr: float
    beta1: float
    beta2: float
    critic_steps: int


def settings(
    *,
    width: int = 256,
    generator_lr: float = 1e-4,
    critic_lr: float = 4e-4,
    beta1: float = 0.0,
    beta2: float = 0.9,
    critic_steps: int = 1,
) -> Settings:
    """The paper's, by default."""
    return Settings(
        width=width,
        generator_lr=generator_lr,
        critic_lr=critic_lr,
        beta1=beta1,
        beta2=beta2,
        critic_steps=critic_steps,
    )


@checked(settings)
def sagan(spec: ImageSpec, **chosen: Unpack[Settings]) -> GAN:
    """Without classes.

    Args:
        width: Channels of the generator at 32 px; the critic has half of them.
    """
    return _sagan(replace(spec, classes=0), chosen)


@checked(settings)
def sagan_cond(spec: ImageSpec, **chosen: Unpack[Settings]) -> GAN:
    """As in the paper.

    Args:
        width: Channels of the generator at 32 px; the critic has half of them.
    """
    needs_labels(spec, "sagan-cond")
    return _sagan(spec, chosen)


def _sagan(spec: ImageSpec, chosen: Settings) -> GAN:
    """Adam at 1e-4 for the generator and 4e-4 for the critic."""
    betas = (chosen["beta1"], chosen["beta2"])
    generator, critic = (spectral(glorot(net(spec, chosen["width"]))) for net in (Generator, Critic))
    players = {
        "generator": Player(generator, adam(chosen["generator_lr"], betas=betas)),
        "critic": Player(critic, adam(chosen["critic_lr"], betas=betas)),
    }
    latents = gaussian(LATENT)
    turn = partial(LatentTurn, conditional=bool(spec.classes))
    game = two_player(Hinge(), latents=latents, turn=turn, critic_steps=chosen["critic_steps"])
    if spec.classes:
        return GAN(players, [game], sample_class, latents, task="conditional", least_batch=2)
    return GAN(players, [game], sample, latents, least_batch=2)

"""ProGAN. Karras, Aila, Laine, Lehtinen, "Progressive Growing of GANs for Improved Quality, Stability, and Variation",
ICLR 2018, arXiv:1710.10196.

Networks: table 2, growing from 4 px; equalised learning rate, pixel norm in the generator, minibatch standard deviation
over groups of 4 in the critic (sections 3 and 4). WGAN-GP with lambda = 10 and a drift term of 0.001 E D(x)^2, one
critic step (appendix A.1).

Departures: one batch size at every level, where the paper shrinks it with the resolution; the average is counted in
images instead of steps, and its half-life stays below 5 % of the images seen, which short runs alone notice. A phase
takes 5 % of the budget and the last all that is left, which is the proportion of 600 kimg to 12,000 kimg of the
authors' code (tkarras/progressive_growing_of_gans config.py at 2504c3f). Fixed track: R channels at R px, doubling with
every halving, latents of 8 R numbers (zoo/networks/widths.py). `progan_paper` has the published widths.

Published: CIFAR-10, unsupervised: IS 8.80 (abstract), with at most 128 channels and a target of 750 for the gradient's norm
(config.py of the authors' Theano code).
"""

from functools import partial
from math import sqrt
from typing import TypedDict, Unpack

import torch
from torch import Tensor, nn

from bench.gan import GAN, Average, ImageSpec, Nets, Player, Prompt, Turn, Update, adam, gaussian
from zoo.losses.objectives import Wasserstein
from zoo.losses.penalties import GradientPenalty
from zoo.losses.weighted import Weighted
from zoo.networks.equalised import EqualisedConv2d, EqualisedUpConv2d, pixel_norm
from zoo.networks.widths import Widths, proportionate
from zoo.training.growing import Growing, GrowingCritic, GrowingTurn, enlarge, growing_schedule, top_level
from zoo.training.parameters import checked

PUBLISHED = Widths(base=16384)
HALF_LIFE = 11_085.0  # images: 0.999 per step of 16 images, 16 ln 0.5 / ln 0.999


class Generator(Growing):
    """z (N, Z) -> images at the size of the level, or enlarged to the full size when no level is given."""

    def __init__(self, spec: ImageSpec, widths: Widths):
        super().__init__()
        sizes = [4 << level for level in range(top_level(spec.resolution) + 1)]
        self.blocks = nn.ModuleList([FirstBlock(widths.latent, widths.at(4))])
        self.blocks.extend(Block(widths.at(size // 2), widths.at(size)) for size in sizes[1:])
        self.to_rgb = nn.ModuleList(EqualisedConv2d(widths.at(size), spec.channels, 1) for size in sizes)

    def forward(self, latents: Tensor, level: int | None = None, fading: bool = True) -> Tensor:
        if level is None:
            return self.full_size(latents)
        features = previous = pixel_norm(latents)
        for block in list(self.blocks)[: level + 1]:
            features, previous = block(features), features
        images = self.to_rgb[level](features)
        if fading and level > 0:
            images = self.blend(enlarge(self.to_rgb[level - 1](previous)), images)
        return images

    def full_size(self, latents: Tensor) -> Tensor:
        """(N, C, R, R), whatever the level."""
        level, fading = self.grown()
        images = self(latents, level, fading)
        for _ in range(level + 1, len(self.blocks)):
            images = enlarge(images)
        return images


def activate(features: Tensor) -> Tensor:
    """Leaky ReLU, then pixel norm."""
    return pixel_norm(torch.nn.functional.leaky_relu(features, 0.2))


class FirstBlock(nn.Module):
    """z (N, Z) -> (N, C, 4, 4)."""

    def __init__(self, latent: int, width: int):
        super().__init__()
        self.dense = EqualisedConv2d(latent, width, 4, gain=sqrt(2))  # on 1x1 features, padded by 3
        self.dense.padding = 3
        self.conv = EqualisedConv2d(width, width, 3, gain=sqrt(2))

    def forward(self, latents: Tensor) -> Tensor:
        return activate(self.conv(activate(self.dense(latents[:, :, None, None]))))


class Block(nn.Module):
    """Twice the size, then two 3x3 convolutions: (N, C, H, W) -> (N, C', 2H, 2W)."""

    def __init__(self, before: int, after: int):
        super().__init__()
        self.conv1 = EqualisedUpConv2d(before, after, 3, gain=sqrt(2))
        self.conv2 = EqualisedConv2d(after, after, 3, gain=sqrt(2))

    def forward(self, features: Tensor) -> Tensor:
        return activate(self.conv2(activate(self.conv1(features))))


def squared_logits(turn: Turn) -> Tensor:
    """Keeps the critic's logits near zero (appendix A.1)."""
    return turn.real_logits.square().mean()


def sample(nets: Nets, prompt: Prompt) -> Tensor:
    """The generator has no last non-linearity: its images are clamped to [-1, 1]."""
    return nets["generator"](prompt.latents).clamp(-1, 1)


class Settings(TypedDict):
    """What is not a width."""

    lr: float
    beta1: float
    beta2: float
    critic_steps: int
    gradient_penalty: float
    drift: float
    half_life: float


def settings(
    *,
    lr: float = 1e-3,
    beta1: float = 0.0,
    beta2: float = 0.99,
    critic_steps: int = 1,
    gradient_penalty: float = 10.0,
    drift: float = 0.001,
    half_life: float = HALF_LIFE,
) -> Settings:
    """The paper's, by default (appendix A.1)."""
    return Settings(
        lr=lr,
        beta1=beta1,
        beta2=beta2,
        critic_steps=critic_steps,
        gradient_penalty=gradient_penalty,
        drift=drift,
        half_life=half_life,
    )


def build(spec: ImageSpec, widths: Widths, chosen: Settings) -> GAN:
    """Adam at 1e-3 with betas (0, 0.99); weights averaged at 0.999 per step of 16 images (appendix A.1)."""
    optimiser = adam(chosen["lr"], betas=(chosen["beta1"], chosen["beta2"]))
    average = Average(half_life_images=chosen["half_life"], ramp=0.05)
    players = {
        "generator": Player(Generator(spec, widths), optimiser, average),
        "critic": Player(GrowingCritic(spec.channels, spec.resolution, widths), optimiser),
    }
    latents = gaussian(widths.latent)
    objective = Wasserstein()
    losses = {
        "adversarial": objective.critic,
        "gradient_penalty": GradientPenalty(chosen["gradient_penalty"]),
        "drift": Weighted(squared_logits, chosen["drift"]),
    }
    updates = [
        Update("critic", losses, repeat=chosen["critic_steps"]),
        Update("generator", {"adversarial": objective.generator}),
    ]
    schedule = growing_schedule(spec.resolution, 0, updates, partial(GrowingTurn, latents=latents))
    return GAN(players, schedule, sample, latents, least_batch=2)


@checked(settings)
def progan(spec: ImageSpec, *, width: int = 512, **chosen: Unpack[Settings]) -> GAN:
    """ProGAN at widths in proportion to the image.

    Args:
        width: The most channels that were published; all widths, latents and styles are in proportion to it, and to the image.
    """
    return build(spec, proportionate(spec.resolution, PUBLISHED, width), chosen)


def progan_paper(spec: ImageSpec) -> GAN:
    """ProGAN at the published widths: 20.7 M parameters each at 32 px."""
    return build(spec, PUBLISHED, settings())

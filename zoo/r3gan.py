"""R3GAN. Huang, Gokaslan, Kuleshov, Tompkin, "The GAN is dead; long live the GAN! A Modern GAN Baseline", NeurIPS 2024,
arXiv:2501.05441.

Networks: configuration E of the paper's roadmap: residual blocks of a 1x1, a grouped 3x3 and a 1x1 convolution with an
inverted bottleneck of 2, groups 16 wide, no normalisation, resampling with [1, 3, 3, 1] (the presets' [1, 2, 1] on
repeated pixels), fix-up initialisation, a learned 4x4 start and its mirror image at the end. Loss: relativistic pairing
with R1 and R2 on every step. Constants of the preset CIFAR10 of brownvc/R3GAN train.py at 19a7ddf: latents of 64, two
blocks per size, Adam at 2e-4 falling to 5e-5, gamma 0.05 falling to 0.005. Conditional: an embedding appended to the
latents, and a projection in the critic.

Departures: both players of an iteration see one batch of real images; the authors' loop draws one for each. No
augmentation, which the preset ramps up. beta2 stays at 0.99, where the preset raises it from 0.9. The cosine schedules
run over the first half of the budget, where the preset's run over 20 million images; the half-life of the average is 5
% of the images seen and at most 5 million, where the preset's follows the same cosine. Fixed track: R channels at R px,
doubling with every halving, at most 768 (zoo/networks/widths.py; published: 768 up to 32 px). `r3gan_paper` has the published
widths.

Published: FFHQ 256 px FID 2.75, ImageNet 64 px FID 2.09 (the authors' model cards, brownvc/R3GAN-FFHQ-256x256 and
brownvc/R3GAN-ImgNet-64x64, 50k images).
"""

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import log2, sqrt
from typing import TypedDict, Unpack

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from bench.gan import GAN, Average, ImageSpec, Nets, Player, Prompt, Turn, adam, gaussian
from zoo.losses.objectives import Relativistic
from zoo.losses.penalties import R1, R2
from zoo.networks.conditional import needs_labels
from zoo.networks.filters import Filter
from zoo.networks.widths import Widths, proportionate
from zoo.training.parameters import checked
from zoo.training.rates import cosine
from zoo.training.two_player import LatentTurn, two_player

PUBLISHED = Widths(base=24576, most=768, latent=64)  # presets CIFAR10, FFHQ-64 and FFHQ-256 alike
BLOCKS = 2  # per size
GROUP = 16  # channels of a group
SLOPE = 0.2  # of the leaky ReLU
TAPS = (1, 3, 3, 1)  # of the resampling filter: [1, 2, 1] convolved with the two taps of pixel repetition
FALL = 0.005 / 0.05  # of the penalties' gamma over the budget
BURN_IN = 0.5  # share of the budget until the schedules reach their end


def widths_of(resolution: int, widths: Widths) -> list[int]:
    """Channels of features at 4, 8, ... R px."""
    return [widths.at(4 << level) for level in range(int(log2(resolution)) - 1)]


class BiasedReLU(nn.Module):
    """Leaky ReLU of the features plus a bias per channel: the only biases there are."""

    def __init__(self, width: int):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(width, 1, 1))

    def forward(self, features: Tensor) -> Tensor:
        return leaky_relu(features + self.bias, SLOPE)


class Residual(nn.Module):
    """Features plus a branch that is twice as wide inside: 1x1, grouped 3x3, 1x1. (N, C, H, W) -> the same."""

    def __init__(self, width: int):
        super().__init__()
        inner = 2 * width
        self.branch = nn.Sequential(
            nn.Conv2d(width, inner, 1, bias=False),
            BiasedReLU(inner),
            nn.Conv2d(inner, inner, 3, padding=1, groups=inner // GROUP, bias=False),
            BiasedReLU(inner),
            nn.Conv2d(inner, width, 1, bias=False),
        )

    def forward(self, features: Tensor) -> Tensor:
        return features + self.branch(features)


class Enlarge(nn.Sequential):
    """(N, C, H, W) -> (N, C', 2H, 2W)."""

    def __init__(self, before: int, after: int):
        super().__init__(*match(before, after), Up(TAPS))


class Shrink(nn.Sequential):
    """(N, C, H, W) -> (N, C', H/2, W/2)."""

    def __init__(self, before: int, after: int):
        super().__init__(Down(TAPS), *match(before, after))


class Up(Filter):
    """Twice the size, filtered."""

    def forward(self, features: Tensor) -> Tensor:
        return self.up(features)


class Down(Filter):
    """Half the size, filtered."""

    def forward(self, features: Tensor) -> Tensor:
        return self.down(features)


class ClassProjection(nn.Embedding):
    """The class's row, (N,) -> (N, F), whose product with the features is the logit."""


def match(before: int, after: int) -> list[nn.Module]:
    """A 1x1 convolution where the width changes; it stands on the side of the smaller size."""
    return [nn.Conv2d(before, after, 1, bias=False)] if before != after else []


def trunk(widths: list[int], resize: type[Enlarge] | type[Shrink]) -> nn.Sequential:
    """Residual blocks at every size, with a change of size between one and the next."""
    blocks = [Residual(width) for width in widths for _ in range(BLOCKS)]
    layers: list[nn.Module] = [*blocks[:BLOCKS]]
    for index, (before, after) in enumerate(pairwise(widths), start=1):
        layers += [resize(before, after), *blocks[index * BLOCKS : (index + 1) * BLOCKS]]
    return nn.Sequential(*layers)


class Generator(nn.Module):
    """z (N, Z), labels (N,) if conditional -> images (N, C, R, R), unbounded.

    The latents weigh the maps of a learned 4x4 picture.
    """

    def __init__(self, spec: ImageSpec, widths: Widths, classes: int = 0):
        super().__init__()
        channels = widths_of(spec.resolution, widths)
        self.label = nn.Embedding(classes, widths.latent) if classes else None
        self.weigh = nn.Linear(widths.latent * (2 if classes else 1), channels[0], bias=False)
        self.start = nn.Parameter(torch.randn(channels[0], 4, 4))
        self.trunk = trunk(channels, Enlarge)
        self.to_rgb = nn.Conv2d(channels[-1], spec.channels, 1, bias=False)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        if self.label is not None and labels is not None:
            latents = torch.cat([latents, self.label(labels)], 1)
        return self.to_rgb(self.trunk(self.weigh(latents)[:, :, None, None] * self.start))


class Critic(nn.Module):
    """Images (N, C, R, R), labels (N,) if conditional -> logits (N,).

    The generator in the mirror: each 4x4 map is summed with learned weights of its own.
    """

    def __init__(self, spec: ImageSpec, widths: Widths, classes: int = 0):
        super().__init__()
        channels = widths_of(spec.resolution, widths)[::-1]
        last = channels[-1]
        self.from_rgb = nn.Conv2d(spec.channels, channels[0], 1, bias=False)
        self.trunk = trunk(channels, Shrink)
        self.end = nn.Conv2d(last, last, 4, groups=last, bias=False)
        self.judge = nn.Linear(last, last if classes else 1, bias=False)
        self.label = ClassProjection(classes, last) if classes else None

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        features = self.judge(self.end(self.trunk(self.from_rgb(images))).flatten(1))
        if self.label is None or labels is None:
            return features.squeeze(1)
        return (features * self.label(labels)).sum(1)


@torch.no_grad()
def fixup(net: nn.Module) -> nn.Module:
    """Start weights at a variance of 1 / fan-in, and residual branches at zero. In place.

    Zhang et al. 2019, arXiv:1901.09321: the last of m layers in each of L branches is 0, the others have He's gain times
    L^(-1 / (2m - 2)), here m = 3. A grouped convolution's fan-in is its group's; an embedding's is the number of classes.
    The rows of the critic's projection are 1 / sqrt(F) as long, so that the logit has the variance of one feature.
    """
    blocks = [layer for layer in net.modules() if isinstance(layer, Residual)]
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.weight.normal_(0, layer.weight[0].numel() ** -0.5)
        elif isinstance(layer, nn.Embedding):
            features = layer.embedding_dim if isinstance(layer, ClassProjection) else 1
            layer.weight.normal_(0, (layer.num_embeddings * features) ** -0.5)
    for block in blocks:
        *others, last = (layer for layer in block.branch if isinstance(layer, nn.Conv2d))
        for layer in others:
            layer.weight *= sqrt(2 / (1 + SLOPE**2)) * len(blocks) ** -0.25
        last.weight.zero_()
    return net


@dataclass(frozen=True)
class Falling:
    """A zero-centred penalty whose gamma falls to a tenth."""

    penalty: type[R1] | type[R2]
    start: float = 0.05

    @property
    def differentiates(self) -> frozenset[str]:
        """What the penalty differentiates."""
        return self.penalty.differentiates

    def __call__(self, turn: Turn) -> Tensor:
        return self.penalty(self.start * cosine(turn.now.fraction, FALL, BURN_IN))(turn)


def sample(nets: Nets, prompt: Prompt) -> Tensor:
    """The generator has no last non-linearity: its images are clamped to [-1, 1]."""
    return nets["generator"](prompt.latents, prompt.labels).clamp(-1, 1)


class Settings(TypedDict):
    """What is not a width."""

    lr: float
    beta1: float
    beta2: float
    critic_steps: int
    r1: float
    r2: float
    half_life: float


def settings(
    *,
    lr: float = 2e-4,
    beta1: float = 0.0,
    beta2: float = 0.99,
    critic_steps: int = 1,
    r1: float = 0.05,
    r2: float = 0.05,
    half_life: float = 5_000_000,
) -> Settings:
    """The authors' preset for CIFAR-10, by default."""
    return Settings(lr=lr, beta1=beta1, beta2=beta2, critic_steps=critic_steps, r1=r1, r2=r2, half_life=half_life)


def build(spec: ImageSpec, widths: Widths, chosen: Settings, classes: int = 0) -> GAN:
    """Adam with betas (0, 0.99), from 2e-4 to a quarter of it."""
    optimiser = adam(chosen["lr"], betas=(chosen["beta1"], chosen["beta2"]))
    rate = partial(cosine, end=0.25, share=BURN_IN)
    average = Average(half_life_images=chosen["half_life"], ramp=0.05)
    players = {
        "generator": Player(fixup(Generator(spec, widths, classes)), optimiser, average, rate),
        "critic": Player(fixup(Critic(spec, widths, classes)), optimiser, rate=rate),
    }
    latents = gaussian(widths.latent)
    game = two_player(
        Relativistic(),
        latents=latents,
        turn=partial(LatentTurn, conditional=bool(classes)),
        critic_steps=chosen["critic_steps"],
        critic_terms={"r1": Falling(R1, chosen["r1"]), "r2": Falling(R2, chosen["r2"])},
    )
    return GAN(players, [game], sample, latents, task="conditional" if classes else "unconditional")


@checked(settings)
def r3gan(spec: ImageSpec, *, width: int = 768, **chosen: Unpack[Settings]) -> GAN:
    """R3GAN at widths in proportion to the image.

    Args:
        width: The most channels that were published; all widths and latents are in proportion to it, and to the image.
        r1: Gamma of R1 at the start; it falls to a tenth.
        r2: Gamma of R2 at the start; it falls to a tenth.
    """
    return build(spec, proportionate(spec.resolution, PUBLISHED, width), chosen)


@checked(settings)
def r3gan_cond(spec: ImageSpec, *, width: int = 768, **chosen: Unpack[Settings]) -> GAN:
    """Class-conditional R3GAN at widths in proportion to the image. Raises UserError without classes.

    Args:
        width: The most channels that were published; all widths and latents are in proportion to it, and to the image.
        r1: Gamma of R1 at the start; it falls to a tenth.
        r2: Gamma of R2 at the start; it falls to a tenth.
    """
    needs_labels(spec, "r3gan-cond")
    return build(spec, proportionate(spec.resolution, PUBLISHED, width), chosen, spec.classes)


def r3gan_paper(spec: ImageSpec) -> GAN:
    """R3GAN at the published widths: 20.7 M parameters each at 32 px."""
    return build(spec, PUBLISHED, settings())


def r3gan_cond_paper(spec: ImageSpec) -> GAN:
    """Class-conditional R3GAN at the published widths. Raises UserError without classes."""
    needs_labels(spec, "r3gan-cond")
    return build(spec, PUBLISHED, settings(), spec.classes)

"""R3GAN. Huang, Gokaslan, Kuleshov, Tompkin, "The GAN is dead; long live the GAN! A Modern GAN Baseline", NeurIPS 2024,
arXiv:2501.05441.

Networks: configuration E of section 3: residual blocks of a 1x1, a grouped 3x3 and a 1x1 convolution with an inverted
bottleneck of 2, groups 16 wide, no normalisation, resampling with [1, 2, 1], fix-up initialisation, a learned 4x4 start
and its mirror image at the end. Loss: relativistic pairing with R1 and R2 on every step. Constants of the preset
CIFAR10 of brownvc/R3GAN train.py at 19a7ddf: latents of 64, two blocks per size, Adam at 2e-4 falling to 5e-5, gamma
0.05 falling to 0.005. Conditional: an embedding beside the latents, and a projection in the critic.

Departures: no augmentation, which the preset ramps up. beta2 stays at 0.99, where the preset raises it from 0.9. The
cosine schedules run over the first half of the budget, where the preset's run over 20 million images; the half-life of
the average is 5 % of the images seen and at most 5 million, where the preset's follows the same cosine. Fixed track: R
channels at R px, doubling with every halving, at most 768 (zoo/widths.py; published: 768 up to 32 px). `r3gan_paper`
has the published widths.

Published: FFHQ 256 px FID 2.75, ImageNet 64 px FID 2.09 (the authors' model cards, brownvc/R3GAN-FFHQ-256x256 and
brownvc/R3GAN-ImgNet-64x64, 50k images).
"""

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import log2, sqrt

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, one_hot

from bench.gan import GAN, Average, ImageSpec, Nets, Player, Prompt, Turn, adam, gaussian
from zoo.conditional import needs_labels
from zoo.filters import Filter
from zoo.objectives import Relativistic
from zoo.penalties import R1, R2
from zoo.rates import cosine
from zoo.two_player import two_player
from zoo.widths import Widths, proportionate

PUBLISHED = Widths(base=24576, most=768, latent=64)  # presets CIFAR10, FFHQ-64 and FFHQ-256 alike
BLOCKS = 2  # per size
GROUP = 16  # channels of a group
BURN_IN = 0.5  # share of the budget until the schedules reach their end


def sizes(resolution: int) -> list[int]:
    """Feature-map sizes: 4, 8, ... R."""
    return [4 << level for level in range(int(log2(resolution)) - 1)]


@torch.no_grad()
def scaled(layer: nn.Conv2d | nn.Linear, gain: float = 1.0) -> nn.Conv2d | nn.Linear:
    """Weights from N(0, gain^2 / fan-in), where the fan-in of a grouped convolution is its group's."""
    layer.weight.normal_(0, gain / sqrt(layer.weight[0].numel()))
    return layer


class Activation(nn.Module):
    """Leaky ReLU of a biased input: the only biases there are."""

    def __init__(self, width: int):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(width, 1, 1))

    def forward(self, features: Tensor) -> Tensor:
        return leaky_relu(features + self.bias, 0.2)


class Residual(nn.Module):
    """x + 1x1(act(grouped 3x3(act(1x1(x))))), twice as wide inside: (N, C, H, W) -> the same.

    Fix-up initialisation (Zhang et al. 2019, arXiv:1901.09321): the last layer starts at 0, the others with He's gain
    shrunk by L^(-1/4) for L residual blocks.
    """

    def __init__(self, width: int, blocks: int):
        super().__init__()
        inner = 2 * width
        gain = sqrt(2 / (1 + 0.2**2)) * blocks**-0.25
        self.layers = nn.Sequential(
            scaled(nn.Conv2d(width, inner, 1, bias=False), gain),
            Activation(inner),
            scaled(nn.Conv2d(inner, inner, 3, padding=1, groups=inner // GROUP, bias=False), gain),
            Activation(inner),
            scaled(nn.Conv2d(inner, width, 1, bias=False), 0),
        )

    def forward(self, features: Tensor) -> Tensor:
        return features + self.layers(features)


class Resize(nn.Module):
    """Twice or half the size, filtered with [1, 2, 1]; a 1x1 convolution where the width changes, at the smaller size."""

    def __init__(self, before: int, after: int, *, up: bool):
        super().__init__()
        self.up = up
        self.filter = Filter([1, 2, 1])
        self.widen = scaled(nn.Conv2d(before, after, 1, bias=False)) if before != after else nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        return self.filter.up(self.widen(features)) if self.up else self.widen(self.filter.down(features))


class Generator(nn.Module):
    """z (N, Z), labels (N,) if conditional -> images (N, C, R, R), unbounded."""

    def __init__(self, spec: ImageSpec, widths: Widths, classes: int = 0):
        super().__init__()
        self.classes = classes
        every = [widths.at(size) for size in sizes(spec.resolution)]
        blocks = BLOCKS * len(every)
        self.embed = scaled(nn.Linear(classes, widths.latent, bias=False)) if classes else None
        self.basis = nn.Parameter(torch.randn(every[0], 4, 4))
        self.weigh = scaled(nn.Linear(widths.latent * (2 if classes else 1), every[0], bias=False))
        self.stages = nn.Sequential(*(Residual(every[0], blocks) for _ in range(BLOCKS)))
        for before, after in pairwise(every):
            self.stages.extend([Resize(before, after, up=True), *(Residual(after, blocks) for _ in range(BLOCKS))])
        self.to_rgb = scaled(nn.Conv2d(every[-1], spec.channels, 1, bias=False))

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        if self.embed is not None and labels is not None:
            latents = torch.cat([latents, self.embed(one_hot(labels, self.classes).to(latents.dtype))], 1)
        return self.to_rgb(self.stages(self.basis * self.weigh(latents)[:, :, None, None]))


class Critic(nn.Module):
    """Images (N, C, R, R), labels (N,) if conditional -> logits (N,)."""

    def __init__(self, spec: ImageSpec, widths: Widths, classes: int = 0):
        super().__init__()
        self.classes = classes
        every = [widths.at(size) for size in reversed(sizes(spec.resolution))]
        blocks, last = BLOCKS * len(every), every[-1]
        self.from_rgb = scaled(nn.Conv2d(spec.channels, every[0], 1, bias=False))
        self.stages = nn.Sequential(*(Residual(every[0], blocks) for _ in range(BLOCKS)))
        for before, after in pairwise(every):
            self.stages.extend([Resize(before, after, up=False), *(Residual(after, blocks) for _ in range(BLOCKS))])
        self.basis = scaled(nn.Conv2d(last, last, 4, groups=last, bias=False))
        self.head = scaled(nn.Linear(last, last if classes else 1, bias=False))
        self.embed = scaled(nn.Linear(classes, last, bias=False), 1 / sqrt(last)) if classes else None

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        features = self.head(self.basis(self.stages(self.from_rgb(images))).flatten(1))
        if self.embed is None or labels is None:
            return features.squeeze(1)
        return (features * self.embed(one_hot(labels, self.classes).to(features.dtype))).sum(1)


@dataclass(frozen=True)
class Falling:
    """A zero-centred penalty whose gamma falls from 0.05 to 0.005."""

    penalty: type[R1] | type[R2]
    start: float = 0.05
    end: float = 0.005

    @property
    def differentiates(self) -> frozenset[str]:
        """What the penalty differentiates."""
        return self.penalty.differentiates

    def __call__(self, turn: Turn) -> Tensor:
        return self.penalty(self.start * cosine(turn.now.fraction, self.end / self.start, BURN_IN))(turn)


def sample(nets: Nets, prompt: Prompt) -> Tensor:
    """The generator has no last non-linearity: its images are clamped to [-1, 1]."""
    return nets["generator"](prompt.latents, prompt.labels).clamp(-1, 1)


def build(spec: ImageSpec, widths: Widths, classes: int = 0) -> GAN:
    """Adam with betas (0, 0.99), from 2e-4 to a quarter of it."""
    optimiser, rate = adam(2e-4, betas=(0.0, 0.99)), partial(cosine, end=0.25, share=BURN_IN)
    average = Average(half_life_images=5_000_000, ramp=0.05)
    players = {
        "generator": Player(Generator(spec, widths, classes), optimiser, average, rate),
        "critic": Player(Critic(spec, widths, classes), optimiser, rate=rate),
    }
    latents = gaussian(widths.latent)
    game = two_player(
        Relativistic(),
        latents=latents,
        conditional=bool(classes),
        critic_terms={"r1": Falling(R1), "r2": Falling(R2)},
    )
    return GAN(players, [game], sample, latents, task="conditional" if classes else "unconditional")


def r3gan(spec: ImageSpec) -> GAN:
    """R3GAN at widths in proportion to the image."""
    return build(spec, proportionate(spec.resolution, PUBLISHED))


def r3gan_cond(spec: ImageSpec) -> GAN:
    """Class-conditional R3GAN at widths in proportion to the image. Raises UserError without classes."""
    needs_labels(spec, "r3gan-cond")
    return build(spec, proportionate(spec.resolution, PUBLISHED), spec.classes)


def r3gan_paper(spec: ImageSpec) -> GAN:
    """R3GAN at the published widths: 20.7 M parameters each at 32 px."""
    return build(spec, PUBLISHED)


def r3gan_cond_paper(spec: ImageSpec) -> GAN:
    """Class-conditional R3GAN at the published widths. Raises UserError without classes."""
    needs_labels(spec, "r3gan-cond")
    return build(spec, PUBLISHED, spec.classes)

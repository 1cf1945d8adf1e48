"""StyleGAN. Karras, Laine, Aila, "A Style-Based Generator Architecture for Generative Adversarial Networks", CVPR 2019,
arXiv:1812.04948.

Networks: figure 1b at configuration F of table 1: eight mapping layers at 0.01 of the learning rate, a constant input,
adaptive instance normalisation, noise per pixel with a learned scale per channel, [1, 2, 1] filtering around
resampling, style mixing for 90 % of the images. The critic is ProGAN's with filtered downsampling. Non-saturating loss
with R1, gamma = 10 (appendix C). Grows from 8 px, as in the authors' code.

Departures: one batch size at every level and Adam at 1e-3 at every resolution up to 128 px, where the authors' code
shrinks the batch and raises the rate from 128 px on (NVlabs/stylegan train.py at 1e0d5c7); 256 px takes its 2e-3
throughout. The crossover point of mixing is drawn per image, not per batch. Phases take the shares that ProGAN's do
(zoo/training/growing.py). The half-life of the average stays below 5 % of the images seen, which short runs alone notice.
Truncation, where asked for, pulls the styles of the first 8 layers (4 to 32 px, appendix B). Fixed track: R channels at
R px, doubling with every halving, latents and styles of 8 R numbers (zoo/networks/widths.py). `stylegan_paper` has the published
widths.

Published: FFHQ 1024 px: FID 4.4159 with 50k images (README of NVlabs/stylegan). No CIFAR-10.
"""

from functools import partial
from math import sqrt
from typing import Any, TypedDict, Unpack, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from bench.gan import GAN, Average, Context, ImageSpec, Nets, Player, Prompt, Update, adam, gaussian
from zoo.losses.objectives import NonSaturating
from zoo.losses.penalties import R1
from zoo.networks.equalised import EqualisedConv2d, EqualisedLinear, EqualisedUpConv2d
from zoo.networks.filters import Filter
from zoo.networks.style import Mapping, draw_noise, draw_second, mix_styles, per_layer, split_noise, truncate
from zoo.networks.widths import Widths, proportionate
from zoo.training.growing import Growing, GrowingCritic, GrowingTurn, enlarge, growing_schedule, top_level
from zoo.training.parameters import checked

PUBLISHED = Widths(base=16384)
FIRST_LEVEL = 1  # 8 px (NVlabs/stylegan train.py)
TRUNCATED_LAYERS = 8  # 4 to 32 px (appendix B)


def noise_pixels(level: int) -> int:
    """Numbers of noise for an image of a level: two layers per size."""
    return sum(2 * (4 << below) ** 2 for below in range(level + 1))


class Generator(Growing):
    """z (N, Z), noise (N, P) -> images at the size of the level, or enlarged to the full size when none is given."""

    def __init__(self, spec: ImageSpec, widths: Widths):
        super().__init__(FIRST_LEVEL)
        self.top = top_level(spec.resolution)
        sizes = [4 << level for level in range(self.top + 1)]
        self.mapping = Mapping(widths.latent, widths.latent, layers=8)
        smooth = Filter([1, 2, 1])
        self.layers = 2 * len(sizes)
        self.blocks = nn.ModuleList([FirstBlock(widths.latent, widths.at(4))])
        self.blocks.extend(Block(widths.latent, widths.at(size // 2), widths.at(size), smooth) for size in sizes[1:])
        self.to_rgb = nn.ModuleList(EqualisedConv2d(widths.at(size), spec.channels, 1) for size in sizes)

    def forward(
        self,
        latents: Tensor,
        noise: Tensor,
        second: Tensor | None = None,
        crossover: Tensor | None = None,
        level: int | None = None,
        fading: bool = True,
        truncation: float = 1.0,
    ) -> Tensor:
        styles = per_layer(self.mapping(latents), self.layers)
        if second is not None and crossover is not None:
            styles = mix_styles(styles, per_layer(self.mapping(second, second=True), self.layers), crossover)
        if level is None:
            return self.from_styles(styles, noise, truncation)
        return self.synthesise(self.truncated(styles, truncation), noise, level, fading)

    def from_styles(self, styles: Tensor, noise: Tensor, truncation: float = 1.0) -> Tensor:
        """Styles (N, L, W), their first layers pulled towards their mean, and noise (N, P) -> (N, C, R, R), unbounded."""
        return self.full_size(self.truncated(styles, truncation), noise)

    def truncated(self, styles: Tensor, truncation: float) -> Tensor:
        """Styles (N, L, W), of which those of the first layers are pulled towards their mean."""
        return truncate(styles, self.mapping.mean, truncation, TRUNCATED_LAYERS)

    def synthesise(self, styles: Tensor, noise: Tensor, level: int, fading: bool) -> Tensor:
        """Styles (N, L, W) and noise (N, P) -> images at the size of the level."""
        sizes = [4 << (layer // 2) for layer in range(2 * level + 2)]
        images = split_noise(noise, sizes)
        features = previous = self.blocks[0](styles[:, :2], images[:2])
        for index in range(1, level + 1):
            layers = slice(2 * index, 2 * index + 2)
            features, previous = self.blocks[index](features, styles[:, layers], images[layers]), features
        rgb = self.to_rgb[level](features)
        if fading and level > 0:
            rgb = self.blend(enlarge(self.to_rgb[level - 1](previous)), rgb)
        return rgb

    def full_size(self, styles: Tensor, noise: Tensor) -> Tensor:
        """(N, C, R, R), whatever the level."""
        level, fading = self.grown()
        rgb = self.synthesise(styles, noise, level, fading)
        for _ in range(level, self.top):
            rgb = enlarge(rgb)
        return rgb


class AdaIN(nn.Module):
    """Each feature map to mean 0 and variance 1, then scaled and shifted by the style: section 2, eq. 1.

    Features (N, C, H, W), style (N, W). The affine map starts near scale 1 and shift 0.
    """

    def __init__(self, style: int, width: int):
        super().__init__()
        self.affine = EqualisedLinear(style, 2 * width)

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        scale, shift = self.affine(style)[:, :, None, None].chunk(2, 1)
        centred = features - features.mean((2, 3), keepdim=True)
        normal = centred * (centred.square().mean((2, 3), keepdim=True) + 1e-8).rsqrt()
        return normal * (scale + 1) + shift


class Epilogue(nn.Module):
    """Noise, bias, leaky ReLU, AdaIN: what follows the constant and every convolution (figure 1b)."""

    def __init__(self, style: int, width: int):
        super().__init__()
        self.noise_scale = nn.Parameter(torch.zeros(width, 1, 1))
        self.bias = nn.Parameter(torch.zeros(width, 1, 1))
        self.adain = AdaIN(style, width)

    def forward(self, features: Tensor, style: Tensor, noise: Tensor) -> Tensor:
        return self.adain(leaky_relu(features + noise * self.noise_scale + self.bias, 0.2), style)


class FirstBlock(nn.Module):
    """Two styles and noises -> (N, C, 4, 4), from a learned constant."""

    def __init__(self, style: int, width: int):
        super().__init__()
        self.constant = nn.Parameter(torch.ones(1, width, 4, 4))
        self.epilogue1 = Epilogue(style, width)
        self.conv = EqualisedConv2d(width, width, 3, gain=sqrt(2), bias=False)
        self.epilogue2 = Epilogue(style, width)

    def forward(self, styles: Tensor, noise: list[Tensor]) -> Tensor:
        features = self.constant.expand(styles.shape[0], -1, -1, -1)
        features = self.epilogue1(features, styles[:, 0], noise[0])
        return self.epilogue2(self.conv(features), styles[:, 1], noise[1])


class Block(nn.Module):
    """Twice the size, filtered, then two styled convolutions: (N, C, H, W) -> (N, C', 2H, 2W)."""

    def __init__(self, style: int, before: int, after: int, smooth: Filter):
        super().__init__()
        self.conv1 = EqualisedUpConv2d(before, after, 3, gain=sqrt(2), bias=False)
        self.smooth = smooth
        self.epilogue1 = Epilogue(style, after)
        self.conv2 = EqualisedConv2d(after, after, 3, gain=sqrt(2), bias=False)
        self.epilogue2 = Epilogue(style, after)

    def forward(self, features: Tensor, styles: Tensor, noise: list[Tensor]) -> Tensor:
        features = self.smooth.blur(self.conv1(features), padding=1)
        features = self.epilogue1(features, styles[:, 0], noise[0])
        return self.epilogue2(self.conv2(features), styles[:, 1], noise[1])


class GrowingStyleTurn(GrowingTurn):
    """Fakes at one level, from latents, noise and, for a share `mixing` of them, mixed styles."""

    def __init__(self, context: Context, *, mixing: float, **options: Any):
        super().__init__(context, **options)
        self.mixing = mixing

    def generate(self, latents: Tensor) -> Tensor:
        """G(z) at the size of the level."""
        count, layers = latents.shape[0], 2 * (self.level + 1)
        noise = draw_noise(count, noise_pixels(self.level), self.random)
        second = draw_second(self.latents, count, layers, self.mixing, self.random)
        return self.nets["generator"](latents, noise, *second, level=self.level, fading=self.fading)


def sample(nets: Nets, prompt: Prompt, pixels: int) -> Tensor:
    """Images of a prompt's latents, or of its styles where it has some. `pixels` counts the generator's noise.

    The generator has no last non-linearity: its images are clamped to [-1, 1].
    """
    noise, generator = draw_noise(prompt.count, pixels, prompt.random), cast("Generator", nets["generator"])
    if prompt.styles is None:
        images = generator(prompt.latents, noise, truncation=prompt.truncation)
    else:
        images = generator.from_styles(per_layer(prompt.styles, generator.layers), noise, prompt.truncation)
    return images.clamp(-1, 1)


def intermediate(nets: Nets, prompt: Prompt) -> Tensor:
    """The styles w of a prompt's latents, before truncation, (N, W)."""
    return cast("Generator", nets["generator"]).mapping(prompt.latents)


class Settings(TypedDict):
    """What is not a width."""

    lr: float
    beta1: float
    beta2: float
    critic_steps: int
    r1: float
    mixing: float
    half_life: float


def settings(
    *,
    lr: float = 1e-3,
    beta1: float = 0.0,
    beta2: float = 0.99,
    critic_steps: int = 1,
    r1: float = 10.0,
    mixing: float = 0.9,
    half_life: float = 10_000,
) -> Settings:
    """The authors' code's, by default (train.py, training_loop.py; mixing: table 2)."""
    return Settings(
        lr=lr, beta1=beta1, beta2=beta2, critic_steps=critic_steps, r1=r1, mixing=mixing, half_life=half_life
    )


def build(spec: ImageSpec, widths: Widths, chosen: Settings) -> GAN:
    """Adam with betas (0, 0.99); weights averaged with a half-life of 10k images (train.py, training_loop.py)."""
    rate = chosen["lr"] * (2 if spec.resolution >= 256 else 1)
    optimiser = adam(rate, betas=(chosen["beta1"], chosen["beta2"]))
    critic = GrowingCritic(spec.channels, spec.resolution, widths, smooth=Filter([1, 2, 1]))
    players = {
        "generator": Player(
            Generator(spec, widths), optimiser, Average(half_life_images=chosen["half_life"], ramp=0.05)
        ),
        "critic": Player(critic, optimiser),
    }
    latents = gaussian(widths.latent)
    objective = NonSaturating()
    updates = [
        Update("critic", {"adversarial": objective.critic, "r1": R1(chosen["r1"])}, repeat=chosen["critic_steps"]),
        Update("generator", {"adversarial": objective.generator}),
    ]
    turn = partial(GrowingStyleTurn, latents=latents, mixing=chosen["mixing"])
    schedule = growing_schedule(spec.resolution, FIRST_LEVEL, updates, turn)
    pixels = noise_pixels(top_level(spec.resolution))
    return GAN(players, schedule, partial(sample, pixels=pixels), latents, styles=intermediate, least_batch=2)


@checked(settings)
def stylegan(spec: ImageSpec, *, width: int = 512, **chosen: Unpack[Settings]) -> GAN:
    """StyleGAN at widths in proportion to the image.

    Args:
        lr: Learning rate of every player; twice that from 256 px on.
        width: The most channels that were published; all widths, latents and styles are in proportion to it, and to the image.
    """
    return build(spec, proportionate(spec.resolution, PUBLISHED, width), chosen)


def stylegan_paper(spec: ImageSpec) -> GAN:
    """StyleGAN at the published widths: 22.8 M and 20.7 M parameters at 32 px."""
    return build(spec, PUBLISHED, settings())

"""The networks of StyleGAN2, which StyleGAN2-ADA uses too: weight demodulation, a generator whose images add up over
the sizes, a critic with residual or plain blocks.

Karras et al. 2020, arXiv:1912.04958, figures 2 and 7. Written from the paper; no code of the authors' is followed.
"""

from math import log2, sqrt
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d

from bench.gan import ImageSpec, Nets, Prompt
from zoo.networks.equalised import EqualisedConv2d, EqualisedLinear, LeakyReLU, MinibatchDeviation
from zoo.networks.filters import Filter
from zoo.networks.style import Mapping, draw_noise, mix_styles, per_layer, split_noise, truncate
from zoo.networks.widths import Widths

BILINEAR = (1, 3, 3, 1)


def noise_sizes(resolution: int) -> list[int]:
    """The size of each layer's noise: one layer at 4 px, two at every further size."""
    sizes = [4 << level for level in range(int(log2(resolution)) - 1)]
    return [4] + [size for size in sizes[1:] for _ in range(2)]


def noise_pixels(resolution: int) -> int:
    """Numbers of noise for an image."""
    return sum(size**2 for size in noise_sizes(resolution))


def style_layers(resolution: int) -> int:
    """Styles for an image: one per convolution, and the last conversion to RGB."""
    return len(noise_sizes(resolution)) + 1


class ModulatedConv2d(nn.Module):
    """A convolution whose input maps are scaled by the style; demodulated, its weights have norm 1 per output map.

    Section 2.2, eq. 1 to 3. Features (N, C, H, W), style (N, W) -> (N, C', H, W), or twice the size with `up`. Scaling the
    input by the style and the output by the norm is the same function as scaling the weights, and lets the whole batch
    share one convolution.
    """

    def __init__(
        self, style: int, inputs: int, outputs: int, kernel: int, *, up: bool = False, demodulate: bool = True
    ):
        super().__init__()
        self.affine = EqualisedLinear(style, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.scale = 1 / sqrt(inputs * kernel**2)
        self.smooth = Filter(BILINEAR) if up else None
        self.demodulate = demodulate

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        scales = self.affine(style)  # (N, C)
        weight = self.weight * self.scale
        features = self.convolve(features * scales[:, :, None, None], weight)
        if self.demodulate:
            energy = scales.square() @ weight.square().sum((2, 3)).t()  # (N, C'): eq. 3
            features = features * (energy + 1e-8).rsqrt()[:, :, None, None]
        return features

    def convolve(self, features: Tensor, weight: Tensor) -> Tensor:
        """With the size kept, or zeros inserted, convolved and filtered. The gain of 4 makes up for the zeros."""
        if self.smooth is None:
            return conv2d(features, weight, padding=weight.shape[-1] // 2)
        return self.smooth.blur(conv_transpose2d(features, weight.transpose(0, 1) * 4, stride=2), padding=1)


class StyledConv(nn.Module):
    """A modulated 3x3 convolution, noise with one learned strength, bias, leaky ReLU (figure 2c)."""

    def __init__(self, style: int, inputs: int, outputs: int, *, up: bool = False):
        super().__init__()
        self.conv = ModulatedConv2d(style, inputs, outputs, 3, up=up)
        self.noise_scale = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(outputs, 1, 1))
        self.act = LeakyReLU(sqrt(2))

    def forward(self, features: Tensor, style: Tensor, noise: Tensor) -> Tensor:
        return self.act(self.conv(features, style) + noise * self.noise_scale + self.bias)


class ToRGB(nn.Module):
    """A modulated 1x1 convolution to an image, not demodulated."""

    def __init__(self, style: int, inputs: int, channels: int):
        super().__init__()
        self.conv = ModulatedConv2d(style, inputs, channels, 1, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        return self.conv(features, style) + self.bias


class Synthesis(nn.Module):
    """Styles (N, L, W) and noise (N, P) -> images (N, C, R, R): every size adds its image to the last, enlarged."""

    def __init__(self, spec: ImageSpec, widths: Widths):
        super().__init__()
        self.sizes = noise_sizes(spec.resolution)
        self.constant = nn.Parameter(torch.randn(1, widths.at(4), 4, 4))
        before = [widths.at(size) for size in [4, *self.sizes]]
        self.convs = nn.ModuleList(
            StyledConv(widths.latent, inputs, widths.at(size), up=layer % 2 == 1)
            for layer, (inputs, size) in enumerate(zip(before, self.sizes, strict=False))
        )
        self.to_rgb = nn.ModuleList(ToRGB(widths.latent, widths.at(size), spec.channels) for size in self.sizes[::2])
        self.enlarge = Filter(BILINEAR)

    def forward(self, styles: Tensor, noise: Tensor) -> Tensor:
        noises = split_noise(noise, self.sizes)
        features = self.constant.expand(styles.shape[0], -1, -1, -1)
        features = self.convs[0](features, styles[:, 0], noises[0])
        images = self.to_rgb[0](features, styles[:, 1])
        for layer in range(1, len(self.sizes), 2):  # a conversion to RGB shares its style with the next layer
            features = self.convs[layer](features, styles[:, layer], noises[layer])
            features = self.convs[layer + 1](features, styles[:, layer + 1], noises[layer + 1])
            rgb = self.to_rgb[(layer + 1) // 2](features, styles[:, layer + 2])
            images = self.enlarge.up(images) + rgb
        return images


class Generator(nn.Module):
    """z (N, Z), noise (N, P), labels (N,) if conditional -> images (N, C, R, R), unbounded."""

    def __init__(self, spec: ImageSpec, widths: Widths, *, mapping_layers: int, classes: int = 0):
        super().__init__()
        self.mapping = Mapping(widths.latent, widths.latent, mapping_layers, classes=classes)
        self.synthesis = Synthesis(spec, widths)
        self.layers = style_layers(spec.resolution)

    def forward(
        self,
        latents: Tensor,
        noise: Tensor,
        labels: Tensor | None = None,
        second: Tensor | None = None,
        crossover: Tensor | None = None,
        truncation: float = 1.0,
    ) -> Tensor:
        styles = per_layer(self.mapping(latents, labels), self.layers)
        if second is not None and crossover is not None:
            styles = mix_styles(styles, per_layer(self.mapping(second, labels, second=True), self.layers), crossover)
        return self.from_styles(styles, noise, truncation)

    def from_styles(self, styles: Tensor, noise: Tensor, truncation: float = 1.0) -> Tensor:
        """Styles (N, L, W), pulled towards their mean, and noise (N, P) -> images (N, C, R, R), unbounded."""
        return self.synthesis(truncate(styles, self.mapping.mean, truncation), noise)


class HalvingConv2d(EqualisedConv2d):
    """Filtered, then a convolution of stride 2: (N, C, H, W) -> (N, C', H/2, W/2)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, bias: bool = True):
        super().__init__(inputs, outputs, kernel, bias=bias)
        self.smooth = Filter(BILINEAR)

    def forward(self, features: Tensor) -> Tensor:
        if self.padding == 0:  # 1x1: filter and drop samples at once
            return super().forward(self.smooth.down(features))
        return conv2d(self.smooth.blur(features, padding=2), self.weight * self.scale, self.bias, stride=2)


class CriticBlock(nn.Module):
    """Two 3x3 convolutions, halving the size; a residual one adds a 1x1 shortcut and keeps the variance (figure 7c)."""

    def __init__(self, before: int, after: int, residual: bool):
        super().__init__()
        act = LeakyReLU(sqrt(2))
        self.main = nn.Sequential(EqualisedConv2d(before, before, 3), act, HalvingConv2d(before, after, 3), act)
        self.shortcut = HalvingConv2d(before, after, 1, bias=False) if residual else None

    def forward(self, features: Tensor) -> Tensor:
        if self.shortcut is None:
            return self.main(features)
        return (self.main(features) + self.shortcut(features)) / sqrt(2)


class Critic(nn.Module):
    """Images (N, C, R, R), labels (N,) if conditional -> logits (N,).

    With classes the last layer is projected on a mapping of the label: Miyato & Koyama 2018, arXiv:1802.05637, as
    StyleGAN2-ADA has it.
    """

    def __init__(self, spec: ImageSpec, widths: Widths, *, residual: bool, group: int, classes: int = 0):
        super().__init__()
        sizes = [4 << level for level in reversed(range(1, int(log2(spec.resolution)) - 1))]
        width, act = widths.at(4), LeakyReLU(sqrt(2))
        self.body = nn.Sequential(
            EqualisedConv2d(spec.channels, widths.at(spec.resolution), 1),
            act,
            *(CriticBlock(widths.at(size), widths.at(size // 2), residual) for size in sizes),
            MinibatchDeviation(group),
            EqualisedConv2d(width + 1, width, 3),
            act,
            nn.Flatten(),
            EqualisedLinear(16 * width, width),
            act,
            EqualisedLinear(width, width if classes else 1),
        )
        self.mapping = Mapping(0, width, layers=8, classes=classes) if classes else None

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        features = self.body(images)
        if self.mapping is None:
            return features.squeeze(1)
        return (features * self.mapping(None, labels)).sum(1) / sqrt(features.shape[1])


def sample(nets: Nets, prompt: Prompt, pixels: int) -> Tensor:
    """Images of a prompt's latents, or of its styles where it has some. `pixels` counts the generator's noise.

    The generator has no last non-linearity: its images are clamped to [-1, 1].
    """
    noise, generator = draw_noise(prompt.count, pixels, prompt.random), cast("Generator", nets["generator"])
    if prompt.styles is None:
        images = generator(prompt.latents, noise, prompt.labels, truncation=prompt.truncation)
    else:
        images = generator.from_styles(per_layer(prompt.styles, generator.layers), noise, prompt.truncation)
    return images.clamp(-1, 1)


def intermediate(nets: Nets, prompt: Prompt) -> Tensor:
    """The styles w of a prompt's latents and labels, before truncation, (N, W)."""
    return cast("Generator", nets["generator"]).mapping(prompt.latents, prompt.labels)

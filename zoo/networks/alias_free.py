"""A generator without aliasing: features are band-limited signals, and what is done to them keeps them so.

StyleGAN3's: Karras, Aittala, Laine, Härkönen, Hellsten, Lehtinen, Aila 2021, arXiv:2106.12423, sections 2 and 3, appendices C and D,
in its translation-equivariant configuration T. Written from the paper; no code of the authors' is followed.

A map of s samples along a unit of the image can hold frequencies up to s / 2. Each layer has a cutoff, below which its content is,
and a stopband, from which its filters let nothing through. Sizes are those of the image's unit; maps have a margin around it.
"""

from dataclasses import dataclass
from math import ceil, log2, pi, sqrt

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d

from bench.gan import ImageSpec
from zoo.networks.equalised import EqualisedLinear, LeakyReLU
from zoo.networks.stylegan2 import ModulatedConv2d
from zoo.networks.widths import Widths

TAPS = 6  # of a filter, per sample of the coarser side
OVERSAMPLED = 2  # the non-linearity is applied at twice the finer rate
FIRST_CUTOFF, FIRST_STOPBAND = 2.0, 2.0**2.1  # cycles per unit
LAST_STOPBAND = 2.0**0.3  # in the last cutoff
CRITICAL = 2  # layers at the end that fill all frequencies of their samples
OUTPUT = 0.25  # colours start small, and images grey
MAGNITUDE_HALF_LIFE = 20_000  # images, of the running mean of squared features


@dataclass(frozen=True)
class Band:
    """What a layer's maps can hold: samples per unit, cutoff and width of the filters' transition in cycles per unit."""

    rate: int
    cutoff: float
    half_width: float


def bands(resolution: int, layers: int) -> list[Band]:
    """Of each layer's output, and of the image, `layers` + 1 of them: section 3.2, figure 4. The input has the first layer's."""
    last = resolution / 2
    found: list[Band] = []
    for layer in range(layers + 1):
        share = min(layer / (layers - CRITICAL), 1)
        cutoff = FIRST_CUTOFF * (last / FIRST_CUTOFF) ** share
        stopband = FIRST_STOPBAND * (last * LAST_STOPBAND / FIRST_STOPBAND) ** share
        rate = 2 ** ceil(log2(min(2 * stopband, resolution)))
        found.append(Band(rate, cutoff, max(rate / 2, stopband) - cutoff))
    return found


def kaiser(taps: int, cutoff: float, width: float, rate: float) -> Tensor:
    """A low-pass filter of gain 1 at frequency 0: a sinc under Kaiser's window, (taps,). Appendix C.1.

    `width` is that of the transition around the cutoff; both, and the sampling rate, in cycles per unit.
    """
    attenuation = 2.285 * (taps - 1) * pi * width / (rate / 2) + 7.95  # dB
    if attenuation > 50:
        beta = 0.1102 * (attenuation - 8.7)
    elif attenuation > 21:
        beta = 0.5842 * (attenuation - 21) ** 0.4 + 0.07886 * (attenuation - 21)
    else:
        beta = 0.0
    places = torch.arange(taps, dtype=torch.float64) - (taps - 1) / 2
    window = torch.kaiser_window(taps, periodic=False, beta=beta, dtype=torch.float64)
    row = torch.sinc(2 * cutoff / rate * places) * window
    return (row / row.sum()).to(torch.get_default_dtype())


class Resample(nn.Module):
    """Features (N, C, H, W) at `factor` times the rate (up) or a `factor`-th of it (down), filtered along each axis. Zero outside."""

    taps: Tensor

    def __init__(self, factor: int, band: Band, rate: int, *, up: bool):
        super().__init__()
        row = kaiser(TAPS * factor, band.cutoff, 2 * band.half_width, rate)
        self.register_buffer("taps", row * factor if up else row, persistent=False)
        self.factor, self.up, self.padding = factor, up, (TAPS - 1) * factor // 2

    def forward(self, features: Tensor) -> Tensor:
        channels = features.shape[1]
        for shape in ((-1, 1), (1, -1)):
            kernel = self.taps.view(shape).expand(channels, 1, -1, -1)
            stride, padding = (
                (value, one) if shape[0] == -1 else (one, value) for value, one in ((self.factor, 1), (self.padding, 0))
            )
            convolve = conv_transpose2d if self.up else conv2d
            features = convolve(features, kernel, stride=stride, padding=padding, groups=channels)
        return features


class FilteredLeakyReLU(nn.Module):
    """A leaky ReLU whose new frequencies are removed: samples added, applied, filtered and dropped again. Section 3.1."""

    def __init__(self, before: Band, after: Band):
        super().__init__()
        rate = OVERSAMPLED * max(before.rate, after.rate)
        self.raise_rate = Resample(rate // before.rate, before, rate, up=True)
        self.lower_rate = Resample(rate // after.rate, after, rate, up=False)
        self.act = LeakyReLU(sqrt(2))

    def forward(self, features: Tensor) -> Tensor:
        return self.lower_rate(self.act(self.raise_rate(features)))


def cropped(features: Tensor, side: int) -> Tensor:
    """The middle of the features, (N, C, side, side)."""
    edge = (features.shape[-1] - side) // 2
    return features[:, :, edge : edge + side, edge : edge + side]


class FourierInput(nn.Module):
    """Styles (N, W) -> waves of fixed frequencies below the cutoff, turned and moved as the style says, mixed: (N, C, S, S).

    Section 3.1: an infinite map, of which a window is looked at.
    """

    frequencies: Tensor
    phases: Tensor
    places: Tensor

    def __init__(self, style: int, channels: int, band: Band, margin: int):
        super().__init__()
        radius, angle = torch.rand(channels).sqrt() * band.cutoff, torch.rand(channels) * 2 * pi
        self.register_buffer(
            "frequencies", radius[:, None] * torch.stack([angle.cos(), angle.sin()], 1)
        )  # (C, 2): x, y
        self.register_buffer("phases", torch.rand(channels))
        steps = (torch.arange(-margin, band.rate + margin) + 0.5) / band.rate - 0.5
        self.register_buffer("places", torch.stack(torch.meshgrid(steps, steps, indexing="xy")), persistent=False)
        self.affine = EqualisedLinear(style, 4)
        nn.init.zeros_(self.affine.weight)
        self.affine.bias.data.copy_(torch.tensor([1.0, 0.0, 0.0, 0.0]))
        self.mix = nn.Parameter(torch.randn(channels, channels))

    def forward(self, style: Tensor) -> Tensor:
        cosine, sine, right, down = self.affine(style).unbind(1)
        length = (cosine.square() + sine.square()).sqrt()
        turn = torch.stack([cosine, -sine, sine, cosine], 1).unflatten(1, (2, 2)) / length[:, None, None]
        frequencies = self.frequencies @ turn  # (N, C, 2)
        phases = self.phases + (frequencies * torch.stack([right, down], 1)[:, None] / length[:, None, None]).sum(2)
        waves = torch.einsum("nci,ihw->nchw", frequencies, self.places) + phases[:, :, None, None]
        return torch.einsum("dc,nchw->ndhw", self.mix / sqrt(self.mix.shape[0]), (2 * pi * waves).sin())


class Layer(nn.Module):
    """A modulated 3x3 convolution of features of mean square 1, a bias, a filtered leaky ReLU; margins are kept."""

    magnitude: Tensor

    def __init__(self, style: int, inputs: int, outputs: int, before: Band, after: Band, margin: int):
        super().__init__()
        self.conv = ModulatedConv2d(style, inputs, outputs, 3)
        self.bias = nn.Parameter(torch.zeros(outputs, 1, 1))
        self.act = FilteredLeakyReLU(before, after)
        self.side = after.rate + 2 * margin
        self.register_buffer("magnitude", torch.ones(()))

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        if self.training:
            kept = 0.5 ** (features.shape[0] / MAGNITUDE_HALF_LIFE)
            self.magnitude = self.magnitude.lerp(features.detach().to(self.magnitude.dtype).square().mean(), 1 - kept)
        features = self.conv(features * self.magnitude.rsqrt(), style) + self.bias
        return cropped(self.act(features), self.side)


class Synthesis(nn.Module):
    """Styles (N, L, W), one for the input, each layer and the conversion to colours -> images (N, C, R, R), unbounded."""

    def __init__(self, spec: ImageSpec, widths: Widths, layers: int, margin: int):
        super().__init__()
        self.resolution = spec.resolution
        spread = bands(spec.resolution, layers)
        channels = [widths.at(round(2 * band.cutoff)) for band in spread]
        self.input = FourierInput(widths.latent, channels[0], spread[0], margin)
        self.layers = nn.ModuleList(
            Layer(widths.latent, channels[max(i - 1, 0)], channels[i], spread[max(i - 1, 0)], spread[i], margin)
            for i in range(layers)
        )
        self.colours = ModulatedConv2d(widths.latent, channels[layers - 1], spec.channels, 1, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(spec.channels, 1, 1))

    def forward(self, styles: Tensor) -> Tensor:
        features = self.input(styles[:, 0])
        for place, layer in enumerate(self.layers, start=1):
            features = layer(features, styles[:, place])
        return OUTPUT * cropped(self.colours(features, styles[:, -1]) + self.bias, self.resolution)

"""What the StyleGANs share: the mapping network, noise, truncation, style mixing.

Karras et al. 2019, arXiv:1812.04948. Latents are (N, Z), styles (N, W) or, one per layer, (N, L, W).
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from bench.gan import Context
from zoo.augmentation.diffaugment import Augmentation, unchanged
from zoo.networks.equalised import EqualisedLinear, LeakyReLU, pixel_norm
from zoo.training.two_player import Latents, LatentTurn

MAPPING_RATE = 0.01  # the mapping network's learning rate relative to the others (appendix C)
MEAN_SHARE = 0.005  # of a batch in the running mean of the styles


class Mapping(nn.Module):
    """Latents, a class, or both -> styles (N, style).

    Latents and the embedded class are normalised, concatenated, and go through fully connected layers. `mean` follows the
    styles seen in training: it is where truncation pulls to. Latents that are only mixed in do not count (`second`), as in
    the authors' code. `latent` is 0 for a network of the class alone.
    """

    mean: Tensor

    def __init__(self, latent: int, style: int, layers: int, *, classes: int = 0):
        super().__init__()
        self.classes = classes
        self.embed = EqualisedLinear(classes, style) if classes else None
        widths = [latent + (style if classes else 0)] + [style] * layers
        self.layers = nn.Sequential()
        for before, after in pairwise(widths):
            self.layers.extend([EqualisedLinear(before, after, rate=MAPPING_RATE), LeakyReLU(2**0.5)])
        self.register_buffer("mean", torch.zeros(style))

    def forward(self, latents: Tensor | None, labels: Tensor | None = None, *, second: bool = False) -> Tensor:
        parts = [] if latents is None else [pixel_norm(latents)]
        if self.embed is not None:
            if labels is None:
                raise ValueError("a conditional mapping network needs labels")
            hot = one_hot(labels, self.classes).to(self.embed.weight.dtype)
            parts.append(pixel_norm(self.embed(hot)))
        styles = self.layers(torch.cat(parts, 1))
        if self.training and not second:
            self.mean += MEAN_SHARE * (styles.detach().mean(0) - self.mean)
        return styles


def per_layer(styles: Tensor, layers: int) -> Tensor:
    """The same style for every layer: (N, W) -> (N, L, W)."""
    return styles.unsqueeze(1).expand(-1, layers, -1)


def mix_styles(first: Tensor, second: Tensor, crossover: Tensor) -> Tensor:
    """Styles (N, L, W): the first's up to layer `crossover` (N,), the second's from there on. Section 3.1."""
    layer = torch.arange(first.shape[1], device=first.device)
    return torch.where((layer < crossover[:, None]).unsqueeze(2), first, second)


def truncate(styles: Tensor, mean: Tensor, psi: float, layers: int | None = None) -> Tensor:
    """Styles (N, L, W) pulled towards their mean in the first `layers` layers (all): mean + psi (w - mean). App. B."""
    if psi == 1:
        return styles
    pulled = mean + psi * (styles - mean)
    return pulled if layers is None else torch.cat([pulled[:, :layers], styles[:, layers:]], 1)


def split_noise(noise: Tensor, sizes: Sequence[int]) -> list[Tensor]:
    """(N, P) -> one image of noise (N, 1, size, size) per layer. The first layers' noise comes first."""
    used = noise[:, : sum(size**2 for size in sizes)]
    pieces = used.split([size**2 for size in sizes], 1)
    return [piece.view(-1, 1, size, size) for piece, size in zip(pieces, sizes, strict=True)]


def draw_noise(count: int, pixels: int, random: torch.Generator) -> Tensor:
    """Standard normal noise for a generator's layers, (count, P)."""
    return torch.randn(count, pixels, generator=random, device=random.device)


def draw_second(
    latents: Latents, count: int, layers: int, share: float, random: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Style mixing: other latents (count, Z) and the layer from which they rule, (count,).

    It is uniform in 1 to L - 1 for a `share` of the images, and L, never, for the others.
    """
    point = torch.randint(1, max(layers, 2), (count,), generator=random, device=random.device)
    mixed = torch.rand(count, generator=random, device=random.device) < share
    return latents(count, random), torch.where(mixed, point, layers)


class StyleTurn(LatentTurn):
    """Fakes come from latents and noise, and a share `mixing` of them from the styles of two latents.

    The critic sees nothing but augmented images.
    """

    def __init__(
        self,
        context: Context,
        *,
        latents: Latents,
        layers: int,
        noise_pixels: int,
        conditional: bool = False,
        mixing: float = 0.0,
        augment: Augmentation = unchanged,
    ):
        super().__init__(context, latents=latents, conditional=conditional)
        self.layers = layers
        self.noise_pixels = noise_pixels
        self.mixing = mixing
        self.augment = augment

    def judge(self, images: Tensor) -> Tensor:
        """D(T(x)) or D(T(x), y): logits, (N,)."""
        return super().judge(self.augment(images, self.random))

    def generate(self, latents: Tensor) -> Tensor:
        """G(z) or G(z, y) with fresh noise."""
        noise = draw_noise(latents.shape[0], self.noise_pixels, self.random)
        labels = self.labels if self.conditional else None
        if not self.mixing:
            return self.nets["generator"](latents, noise, labels)
        second = draw_second(self.latents, latents.shape[0], self.layers, self.mixing, self.random)
        return self.nets["generator"](latents, noise, labels, *second)

    def path(self, count: int) -> tuple[Tensor, Tensor]:
        """Styles (count, L, W) and the images (count, C, R, R) they give, for losses that differentiate the second by the
        first. Submodules are called one by one, so that this works where the whole generator is compiled.
        """
        mapping, synthesis = (self.nets["generator"].get_submodule(name) for name in ("mapping", "synthesis"))
        labels = self.labels[:count] if self.conditional else None
        styles = per_layer(mapping(self.latents(count, self.random), labels), self.layers)
        if self.mixing:
            second, crossover = draw_second(self.latents, count, self.layers, self.mixing, self.random)
            styles = mix_styles(styles, per_layer(mapping(second, labels, second=True), self.layers), crossover)
        return styles, synthesis(styles, draw_noise(count, self.noise_pixels, self.random))

"""The networks of VQGAN's first stage: an encoder, a codebook, a decoder, a critic. Esser et al. 2021, arXiv:2012.09841, table 7.

Images are (N, C, H, W) in [-1, 1], features and codes (N, Z, h, w).
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from zoo.networks.layers import full_precision
from zoo.networks.patch import PatchCritic
from zoo.networks.resnet import UpsampleConv
from zoo.networks.widths import in_steps

USAGE_SHARE = 0.05  # of the newest batch in the running mean of a code's use
OUT_OF_USE = 0.1  # of an even use: after 45 batches without it


@dataclass(frozen=True)
class Design:
    """How large the autoencoder is: channels at each size of its features, from the image's down to that of the codes."""

    widths: tuple[int, ...]
    code_width: int
    codes: int = 1024

    def side(self, resolution: int) -> int:
        """Codes along a side of an image of this resolution."""
        return resolution >> (len(self.widths) - 1)


PUBLISHED = Design((128, 128, 256, 256, 512), 256)


def proportionate(resolution: int, width: int = 128, codes: int = 1024) -> Design:
    """The fixed track's design; at 256 px the published one, of 128 channels next to the image.

    Codes lie 16 px apart at 256 px, 8 at 128 px and 4 at any other size.
    """
    first = in_steps(min(max(resolution, 32), 128) * width / 128)
    multiples = {256: (1, 1, 2, 2, 4), 128: (1, 2, 2, 4)}.get(resolution, (1, 2, 4))
    return Design(tuple(first * multiple for multiple in multiples), 2 * first, codes)


def critic_width(resolution: int, width: int = 128) -> int:
    """Channels of the critic's first layer on the fixed track, 64 from 128 px on."""
    return in_steps(min(max(resolution // 2, 16), 64) * width / 128)


def norm(width: int) -> nn.Module:
    """Group norm in 32 groups; in 8 where the width is no multiple of 32."""
    return nn.GroupNorm(8 if width % 32 else 32, width, eps=1e-6)


class Residual(nn.Module):
    """Two 3x3 convolutions behind norm and SiLU, plus the features, by a 1x1 convolution where the width changes."""

    def __init__(self, before: int, after: int):
        super().__init__()
        first = [norm(before), nn.SiLU(), nn.Conv2d(before, after, 3, padding=1)]
        self.branch = nn.Sequential(*first, norm(after), nn.SiLU(), nn.Conv2d(after, after, 3, padding=1))
        self.shortcut = nn.Identity() if before == after else nn.Conv2d(before, after, 1)

    def forward(self, features: Tensor) -> Tensor:
        return self.shortcut(features) + self.branch(features)


class Attention(nn.Module):
    """Features plus what every position attends to, one head, (N, C, h, w) -> the same shape."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = norm(width)
        self.query, self.key, self.value, self.out = (nn.Conv2d(width, width, 1) for _ in range(4))

    def forward(self, features: Tensor) -> Tensor:
        normed = self.norm(features)
        maps = (self.query(normed), self.key(normed), self.value(normed))
        seen = scaled_dot_product_attention(*(one.flatten(2).transpose(1, 2) for one in maps))
        return features + self.out(seen.transpose(1, 2).unflatten(2, features.shape[2:]))


def middle(width: int) -> list[nn.Module]:
    """What lies next to the codes, in the encoder and in the decoder."""
    return [Residual(width, width), Attention(width), Residual(width, width)]


class Encoder(nn.Sequential):
    """Images (N, C, H, W) -> features (N, Z, h, w)."""

    def __init__(self, channels: int, design: Design):
        widths = design.widths
        layers: list[nn.Module] = [nn.Conv2d(channels, widths[0], 3, padding=1)]
        for before, after in pairwise([widths[0], *widths[:-1]]):
            layers += [Residual(before, after), Residual(after, after)]
            layers += [nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(after, after, 3, 2)]
        low = widths[-1]
        layers += [Residual(widths[-2], low), Attention(low), Residual(low, low), Attention(low), *middle(low)]
        super().__init__(*layers, norm(low), nn.SiLU(), nn.Conv2d(low, design.code_width, 3, padding=1))


class Decoder(nn.Sequential):
    """Codes (N, Z, h, w) -> images (N, C, H, W), about in [-1, 1]."""

    def __init__(self, channels: int, design: Design):
        low, *rest = reversed(design.widths)
        layers: list[nn.Module] = [nn.Conv2d(design.code_width, low, 3, padding=1), *middle(low)]
        for _ in range(3):
            layers += [Residual(low, low), Attention(low)]
        for before, after in pairwise([low, *rest]):
            layers += [UpsampleConv(before, before), Residual(before, after)]
            layers += [Residual(after, after), Residual(after, after)]
        width = design.widths[0]
        super().__init__(*layers, norm(width), nn.SiLU(), nn.Conv2d(width, channels, 3, padding=1))


class Codebook(nn.Module):
    """Features (N, Z, h, w) -> the nearest code at every place, (N, Z, h, w), with a gradient for the codes.

    `restart` belongs after a step: a code that is hardly chosen any more starts again as a feature of the batch, picked at
    random (Dhariwal et al. 2020, arXiv:2005.00341, section 3.1). After the first step that is every code that no feature chose.
    """

    def __init__(self, codes: int, width: int):
        super().__init__()
        self.codes = nn.Embedding(codes, width)
        nn.init.uniform_(self.codes.weight, -1 / codes, 1 / codes)
        self.usage: Tensor
        self.register_buffer("usage", torch.zeros(codes))  # running mean, in shares of an even use

    @torch.no_grad()
    def restart(self, features: Tensor, random: torch.Generator) -> None:
        """Give the codes that are out of use features of this batch. Nothing waits for the device."""
        flat = features.movedim(1, -1).flatten(0, 2)
        count, rows = self.codes.num_embeddings, flat.shape[0]
        order = torch.randperm(rows, generator=random, device=flat.device).repeat(-(-count // rows))[:count]
        codes, idle = self.codes.weight, self.usage < OUT_OF_USE
        codes.copy_(torch.where(idle[:, None], flat[order].to(codes.dtype), codes))
        self.usage.masked_fill_(idle, 1.0)

    @torch.no_grad()
    def count(self, chosen: Tensor) -> None:
        """Take into the running means how often each code was chosen, as a multiple of the average."""
        uses = torch.zeros_like(self.usage).index_add_(0, chosen.flatten(), self.usage.new_ones(chosen.numel()))
        self.usage.lerp_(uses * (uses.shape[0] / chosen.numel()), USAGE_SHARE)

    def nearest(self, features: Tensor) -> Tensor:
        """Which code, (N, h, w) int64."""
        codes = self.codes.weight
        with full_precision(features.device):  # distances that differ little
            flat = features.movedim(1, -1).flatten(0, 2).to(codes.dtype)
            distances = codes.square().sum(1) - 2 * flat @ codes.T  # up to |features|^2, the same for all codes
        return distances.argmin(1).unflatten(0, (features.shape[0], *features.shape[2:]))

    def forward(self, features: Tensor) -> Tensor:
        chosen = self.nearest(features)
        if self.training:
            self.count(chosen)
        return self.codes(chosen).movedim(-1, 1)


def straight_through(features: Tensor, chosen: Tensor) -> Tensor:
    """The chosen codes in value; their gradient goes to the features as it is (van den Oord et al., section 3.2)."""
    return features + (chosen - features).detach()


class Autoencoder(nn.Module):
    """Images (N, C, H, W) -> reconstructions of that shape, features and their codes (N, Z, h, w)."""

    def __init__(self, channels: int, design: Design):
        super().__init__()
        self.encoder = Encoder(channels, design)
        self.before = nn.Conv2d(design.code_width, design.code_width, 1)
        self.codebook = Codebook(design.codes, design.code_width)
        self.after = nn.Conv2d(design.code_width, design.code_width, 1)
        self.decoder = Decoder(channels, design)

    @property
    def last_weight(self) -> Tensor:
        """Of the decoder's last convolution, where gradients are balanced."""
        return self.decoder[-1].get_parameter("weight")

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        features = self.before(self.encoder(images))
        chosen = self.codebook(features)
        return self.decoder(self.after(straight_through(features, chosen))), features, chosen


class Critic(PatchCritic):
    """Images (N, C, H, W) -> logits (N, P), and what its blocks saw."""

    def forward(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:  # pyright: ignore[reportIncompatibleMethodOverride]
        seen = self.features(images)
        return self.head(seen[-1]).flatten(1), seen

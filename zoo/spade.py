"""SPADE (GauGAN). Park, Liu, Wang, Zhu, "Semantic Image Synthesis with Spatially-Adaptive Normalization", CVPR 2019,
arXiv:1903.07291.

A label map would be washed away by the norms of a generator that takes it as input. Here it is in the norms: each feature is
normalised without parameters, then scaled and shifted by maps that two convolutions make of the label map at that size (figure 2,
equation 1). The generator starts from the label map at its smallest. Hinge loss on patches at two scales, and the distance
of the critics' features of photograph and translation, at ten times the weight. Rates of 1e-4 and 4e-4, halfway constant and
then linearly to 0.

Networks: figure 4 and appendix A, written from the paper: residual blocks of 16, 16, 16, 8, 4, 2 and 1 times 64 channels from 8 to
256 px, spectral normalisation in both players, critics as in zoo/networks/patch.py.

Departures: the label map is the picture of its colours, as data sets give it, not one map per label. Norms are instance norms, as
batches have one picture; the paper has batch norms synchronised over 32. No perceptual distance by VGG, which would have to be
downloaded, and no encoder of styles: the mapping is deterministic. Below 256 px fewer blocks, and patches shrink; one critic at 8
px. Fixed track: first layers half as wide as the image is high, 16 to 64 channels.

Measured here: facades, 32 px, 6,400 images in batches of 4, one seed: windows and floors are where the label maps have them, colours
swing; FID 165.9 to held-out facades (efficientnet-lite0).

Published: ADE20K 256 px: FID 33.9; Cityscapes: 71.8 (table 1).
"""

from dataclasses import dataclass
from functools import cached_property, partial

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, instance_norm, interpolate, leaky_relu

from bench.gan import GAN, ImageSpec, Player, Stage, Turn, Update, adam
from zoo.losses.objectives import Hinge
from zoo.losses.weighted import Weighted
from zoo.networks.layers import initialise
from zoo.networks.patch import PatchCritic
from zoo.networks.spectral import spectral
from zoo.training.paired import PairedTurn, translate
from zoo.training.parameters import checked
from zoo.training.rates import hold_then_decay
from zoo.training.translation import PUBLISHED_WIDTH, needs_sources, proportionate_width

SHALLOW = 2  # hidden channels of the layers that read the label map, in those of the width: 128


class Modulation(nn.Module):
    """Features (N, F, h, w), label maps (N, S, R, R) -> features, normalised, scaled and shifted place by place: equation 1."""

    def __init__(self, features: int, source: int, hidden: int):
        super().__init__()
        self.read = nn.Sequential(nn.Conv2d(source, hidden, 3, padding=1), nn.ReLU())
        self.scale, self.shift = (nn.Conv2d(hidden, features, 3, padding=1) for _ in range(2))

    def forward(self, features: Tensor, source: Tensor) -> Tensor:
        read = self.read(interpolate(source, size=features.shape[2:]))
        return instance_norm(features) * (1 + self.scale(read)) + self.shift(read)


class Block(nn.Module):
    """Two modulated 3x3 convolutions, plus a modulated 1x1 one where the width changes: figure 4. Size is kept."""

    def __init__(self, before: int, after: int, source: int, hidden: int):
        super().__init__()
        middle = min(before, after)
        self.norms = nn.ModuleList(Modulation(width, source, hidden) for width in (before, middle))
        self.convs = nn.ModuleList(
            nn.Conv2d(one, other, 3, padding=1) for one, other in ((before, middle), (middle, after))
        )
        self.skip_norm = Modulation(before, source, hidden) if before != after else None
        self.skip = nn.Conv2d(before, after, 1, bias=False) if before != after else None

    def forward(self, features: Tensor, source: Tensor) -> Tensor:
        hidden = features
        for norm, conv in zip(self.norms, self.convs, strict=True):
            hidden = conv(leaky_relu(norm(hidden, source), 0.2))
        if self.skip is not None and self.skip_norm is not None:
            features = self.skip(self.skip_norm(features, source))
        return features + hidden


def widths(resolution: int, width: int) -> list[int]:
    """Channels of the blocks, one for each size from the smallest on, R / 32 and at least 4 px: 16 W, 16 W, 8 W ... W."""
    doublings = (resolution // max(resolution // 32, 4)).bit_length() - 1
    return [width * min(1 << step, 16) for step in reversed(range(doublings + 1))]


class Generator(nn.Module):
    """Label maps (N, S, R, R) -> images (N, C, R, R) in [-1, 1]."""

    def __init__(self, spec: ImageSpec, width: int):
        super().__init__()
        channels, hidden = widths(spec.resolution, width), SHALLOW * width
        self.start = spec.resolution >> (len(channels) - 1)
        self.enter = nn.Conv2d(spec.source_channels, channels[0], 3, padding=1)
        before = [channels[0], *channels[:-1]]
        self.blocks = nn.ModuleList(
            Block(*pair, spec.source_channels, hidden) for pair in zip(before, channels, strict=True)
        )
        self.second = Block(channels[1], channels[1], spec.source_channels, hidden)  # another one at twice the start
        self.leave = nn.Conv2d(channels[-1], spec.channels, 3, padding=1)

    def forward(self, source: Tensor) -> Tensor:
        features = self.enter(interpolate(source, size=(self.start, self.start)))
        for level, block in enumerate(self.blocks):
            if level:
                features = interpolate(features, scale_factor=2.0)
            features = block(features, source)
            if level == 1:
                features = self.second(features, source)
        return self.leave(leaky_relu(features, 0.2)).tanh()


class Critic(nn.Module):
    """Label maps beside images (N, S + C, R, R) -> logits of patches at full and at half size (N, P), and the features behind."""

    def __init__(self, spec: ImageSpec, width: int):
        super().__init__()
        sizes = [spec.resolution, spec.resolution // 2] if spec.resolution > 8 else [spec.resolution]
        norm = partial(nn.InstanceNorm2d, affine=False)
        self.scales = nn.ModuleList(
            PatchCritic(spec.source_channels + spec.channels, size, width, norm) for size in sizes
        )

    def forward(self, pictures: Tensor) -> tuple[Tensor, list[Tensor]]:
        logits: list[Tensor] = []
        seen: list[Tensor] = []
        for scale in self.scales:
            assert isinstance(scale, PatchCritic)
            features = scale.features(pictures)
            logits.append(scale.head(features[-1]).flatten(1))
            seen += features
            pictures = avg_pool2d(pictures, 3, 2, 1, count_include_pad=False)
        return torch.cat(logits, 1), seen


class LabelTurn(PairedTurn):
    """The critic sees each image beside its label map, and what it sees of both is kept."""

    def look(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Logits (N, P), features."""
        return self.nets["critic"](torch.cat([self.source, images], 1))

    def judge(self, images: Tensor) -> Tensor:
        """D(s, x): logits, (N, P)."""
        return self.look(images)[0]

    @cached_property
    def fake_seen(self) -> tuple[Tensor, list[Tensor]]:
        """What the critic makes of the translations."""
        return self.look(self.fake)

    @cached_property
    def fake_logits(self) -> Tensor:
        """D(s, G(s)): logits, (N, P)."""
        return self.fake_seen[0]


@dataclass(frozen=True)
class FeatureDistance:
    """E |f(s, x) - f(s, G(s))|, the mean over each layer's numbers, then over layers: Wang et al. 2018, arXiv:1711.11585, eq. 4."""

    def __call__(self, turn: Turn) -> Tensor:
        assert isinstance(turn, LabelTurn)
        pairs = zip(turn.look(turn.real)[1], turn.fake_seen[1], strict=True)
        return torch.stack([(real.detach() - fake).abs().mean() for real, fake in pairs]).mean()


def glorot(net: nn.Module) -> nn.Module:
    """Weights as the paper starts them (section 4): Xavier normal, with a gain of 0.02 as its family of translators has it."""
    return initialise(net, partial(nn.init.xavier_normal_, gain=0.02))


@checked()
def spade(
    spec: ImageSpec,
    *,
    width: int = PUBLISHED_WIDTH,
    generator_lr: float = 1e-4,
    critic_lr: float = 4e-4,
    beta1: float = 0.0,
    beta2: float = 0.9,
    feature_matching: float = 10.0,
) -> GAN:
    """Adam with betas (0, 0.9). Raises UserError without pictures to translate.

    Args:
        width: Channels next to the image as published; narrower in proportion to images below 128 px, at least a quarter.
        feature_matching: Weight of the distance of the critics' features.
    """
    needs_sources(spec, "spade")
    narrow, betas = proportionate_width(spec.resolution, width), (beta1, beta2)
    generator, critic = (spectral(glorot(net(spec, narrow))) for net in (Generator, Critic))
    players = {
        "generator": Player(generator, adam(generator_lr, betas), rate=hold_then_decay),
        "critic": Player(critic, adam(critic_lr, betas), rate=hold_then_decay),
    }
    matching = Weighted(FeatureDistance(), feature_matching)
    updates = [
        Update("critic", {"adversarial": Hinge().critic}),
        Update("generator", {"adversarial": Hinge().generator, "feature_matching": matching}),
    ]
    return GAN(players, [Stage(updates, LabelTurn)], translate, task="paired")

"""FastGAN. Liu, Zhu, Song, Elgammal, "Towards Faster and Stabilized GAN Training for High-fidelity Few-shot Image Synthesis",
ICLR 2021, arXiv:2101.04775.

Made for a hundred pictures and a few hours: a generator of one gated convolution per size, in which small features choose the
channels of large ones (skip-layer excitation, figure 3), and a critic that must be able to draw what it has seen: two small
decoders redraw real images from its features, one the whole, the other a quarter (figure 4). Hinge loss; the critic sees
augmented images (DiffAugment's colours and shifts).

Networks: written from the paper (generator: zoo/networks/gated.py): widths of ngf = ndf = 64, latents of 256, spectral
normalisation of both players, noise at every size, margins of the hinge between 0.8 and 1 as in the authors' code.

Departures: the paper draws 256 to 1024 px. Small features excite those of R / 16 times their size, of four times below 64 px;
the critic ends at 8 px, at 4 px up to 32 px, and has no second path from a shrunken image. Redrawn images are compared by their
mean absolute difference, as no perceptual network comes with the bench. Every size has one convolution, where the authors
alternate one and two. Fixed track: nowhere wider than `width` R / size; at 256 px that is what was published.

Published: 100-shot Obama, 256 px: FID 41.05 (table 2).
"""

from functools import cached_property
from math import log2

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, l1_loss, relu

from bench.gan import GAN, Average, ImageSpec, Player, Turn, adam, gaussian
from zoo.augmentation.diffaugment import DiffAugment, colour, translation
from zoo.losses.weighted import Weighted
from zoo.networks.gated import LATENT, GatedTurn, Generator, channels, sample, sizes
from zoo.networks.layers import NORMAL, initialise
from zoo.networks.spectral import spectral
from zoo.training.parameters import checked
from zoo.training.two_player import two_player

AUGMENT = DiffAugment((colour, translation))


class DownBlock(nn.Module):
    """Half the size: the mean of two convolutions and of a pooled 1x1 one."""

    def __init__(self, before: int, after: int):
        super().__init__()
        self.main = nn.Sequential(*_judging(before, after, 4, 2, 1), *_judging(after, after, 3, 1, 1))
        self.direct = nn.Sequential(nn.AvgPool2d(2), *_judging(before, after, 1, 1, 0))

    def forward(self, features: Tensor) -> Tensor:
        return (self.main(features) + self.direct(features)) / 2


def _judging(before: int, after: int, kernel: int, stride: int, padding: int) -> list[nn.Module]:
    conv = nn.Conv2d(before, after, kernel, stride, padding, bias=False)
    return [conv, nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]


class Decoder(nn.Sequential):
    """Features (N, F, h, h) -> a picture (N, C, R / 2, R / 2) in [-1, 1]."""

    def __init__(self, spec: ImageSpec, features: int, size: int, width: int):
        layers, before = [], features
        for _ in range(int(log2(spec.resolution // 2 // size))):
            after = max(before // 2, width // 2)
            conv = nn.Conv2d(before, 2 * after, 3, padding=1, bias=False)
            layers += [nn.Upsample(scale_factor=2.0), conv, nn.BatchNorm2d(2 * after), nn.GLU(1)]
            before = after
        super().__init__(*layers, nn.Conv2d(before, spec.channels, 3, padding=1, bias=False), nn.Tanh())


class Critic(nn.Module):
    """Images (N, C, R, R) -> logits of P patches (N, P), and the last two sizes of features, which are redrawn from."""

    def __init__(self, spec: ImageSpec, width: int):
        super().__init__()
        wide = channels(spec.resolution, width)
        end = 4 if spec.resolution <= 32 else 8
        falling = [size for size in sizes(spec.resolution)[::-1] if size > end]
        self.first = nn.Sequential(nn.Conv2d(spec.channels, wide[spec.resolution], 3, padding=1), nn.LeakyReLU(0.2))
        self.blocks = nn.Sequential(*(DownBlock(wide[size], wide[size // 2]) for size in falling[:-1]))
        self.final = DownBlock(wide[2 * end], wide[end])
        self.head = nn.Sequential(*_judging(wide[end], wide[end], 1, 1, 0), nn.Conv2d(wide[end], 1, 4, bias=False))
        self.whole = Decoder(spec, wide[end], end, width)
        self.quarter = Decoder(spec, wide[2 * end], end, width)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        before = self.blocks(self.first(images))
        last = self.final(before)
        return self.head(last).flatten(1), last, before


class RedrawingTurn(GatedTurn):
    """The critic sees augmented images, and remembers what it saw of the real ones."""

    def judge(self, images: Tensor) -> Tensor:
        """D(T(x)): logits, (N, P)."""
        return self.nets["critic"](AUGMENT(images, self.random))[0]

    @cached_property
    def shown(self) -> Tensor:
        """The real images as the critic sees them, (N, C, R, R)."""
        return AUGMENT(self.real, self.random)

    @cached_property
    def seen(self) -> tuple[Tensor, Tensor, Tensor]:
        """What the critic makes of them."""
        return self.nets["critic"](self.shown)

    @cached_property
    def real_logits(self) -> Tensor:
        """D(T(x)): logits, (N, P)."""
        return self.seen[0]


class SoftHinge:
    """Hinge with a margin for each logit, uniform between 0.8 and 1."""

    def critic(self, turn: Turn) -> Tensor:
        """E max(0, m - D(x)) + E max(0, m + D(G(z)))."""
        real, fake = turn.real_logits, turn.fake_logits
        return relu(margins(real, turn) - real).mean() + relu(margins(fake, turn) + fake).mean()

    def generator(self, turn: Turn) -> Tensor:
        """-E D(G(z))."""
        return -turn.fake_logits.mean()


def margins(logits: Tensor, turn: Turn) -> Tensor:
    """Uniform in [0.8, 1), of the logits' shape."""
    return 0.8 + 0.2 * torch.rand(logits.shape, generator=turn.random, device=logits.device)


def quarters(images: Tensor, chosen: Tensor) -> Tensor:
    """One quarter of each picture, 0 to 3 from the top left: (N, C, H, W), (N,) -> (N, C, H / 2, W / 2)."""
    halves = [half for row in images.chunk(2, 2) for half in row.chunk(2, 3)]
    return torch.stack(halves)[chosen, torch.arange(images.shape[0], device=images.device)]


def redrawing(turn: Turn) -> Tensor:
    """E |whole - x| + E |quarter - its quarter of x| of real images, means over their numbers: equation 2."""
    assert isinstance(turn, RedrawingTurn)
    whole, quarter = (turn.nets["critic"].get_submodule(name) for name in ("whole", "quarter"))
    _, last, before = turn.seen
    chosen = torch.randint(4, (last.shape[0],), generator=turn.random, device=last.device)
    half = interpolate(turn.shown, scale_factor=0.5, mode="area")
    return l1_loss(whole(last), half) + l1_loss(quarter(quarters(before, chosen)), quarters(turn.shown, chosen))


@checked()
def fastgan(
    spec: ImageSpec,
    *,
    width: int = 64,
    lr: float = 2e-4,
    beta1: float = 0.5,
    beta2: float = 0.999,
    critic_steps: int = 1,
    reconstruction: float = 1.0,
) -> GAN:
    """Adam at 2e-4 with betas (0.5, 0.999); weights averaged at 0.999 per step.

    Args:
        width: Channels where features are as large as the image, in networks for small images; at 256 px twice as many as there.
    """
    optimiser = adam(lr, betas=(beta1, beta2))
    players = {
        "generator": Player(
            spectral(initialise(Generator(spec, width), NORMAL)), optimiser, Average(decay=0.999, standing_batches=16)
        ),
        "critic": Player(spectral(initialise(Critic(spec, width), NORMAL)), optimiser),
    }
    game = two_player(
        SoftHinge(),
        latents=gaussian(LATENT),
        turn=RedrawingTurn,
        critic_steps=critic_steps,
        critic_terms={"reconstruction": Weighted(redrawing, reconstruction)},
    )
    return GAN(players, [game], sample, gaussian(LATENT), least_batch=2)

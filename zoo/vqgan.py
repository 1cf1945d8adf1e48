"""VQGAN, first stage. Esser, Rombach, Ommer, "Taming Transformers for High-Resolution Image Synthesis", CVPR 2021,
arXiv:2012.09841.

Networks: the convolutional autoencoder of table 7 with a codebook of 1,024 codes and the PatchGAN critic, as configured in
CompVis/taming-transformers configs/imagenet_vqgan.yaml. Objective: absolute error and a perceptual distance, the codebook's
terms (eq. 4), and the hinge loss at the adaptive weight lambda (eq. 6 and 7) times 0.8; the critic's loss is halved. Adam
with betas (0.5, 0.9) at 4.5e-6 per image of a batch, taken for a batch of 64.

Departures: codes begin as features of the first batch, and again as features of a later one when they are out of use
(Jukebox's random restarts); the released code draws them close to 0 and leaves them there, and all features share a few of
them for thousands of steps. The perceptual distance is measured in the critic's own features (Larsen et al. 2016,
arXiv:1512.09300; Wang et al. 2018, arXiv:1711.11585, eq. 4) instead of LPIPS, whose VGG would have to be downloaded and has
seen ImageNet. So the critic learns from the first step on; the adversarial term joins after a quarter of the budget (the
configurations: after 10,000 to 250,001 steps). beta = 0.25 weighs the codes' term, as in the released code, which names that
a fault and keeps it for its published weights: eq. 4 has no beta, and van den Oord et al. 2017, arXiv:1711.00937, eq. 3,
have it at the other term, the commitment. Codes lie 16 px apart at 256 px, 8 at 128 px and 4 below; attention stays at their
size. Patches shrink with images below 64 px (zoo/patch.py). Fixed track: R channels at R px, 32 to 128, codes of twice as
many numbers, and a critic whose first layer has half of R, 16 to 64; at 256 px these are the published networks.

Known: once the adversarial term has joined, the critic hardly tells reconstructions from images, its loss stays at 1 and
lambda grows, with the released code (CompVis/taming-transformers issue 44) as here (results/cifar10-tokens-cpu).

Published: ImageNet at 256 px, 1,024 codes: FID 7.94 of reconstructions of the validation set (README of that repository).
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from bench.gan import GAN, ImageSpec, Nets, Player, Prompt, Stage, Turn, Update, adam
from zoo.layers import AROUND_ONE, NORMAL, full_precision, initialise
from zoo.objectives import Hinge
from zoo.patch import PatchCritic
from zoo.resnet import UpsampleConv

CODES_WEIGHT = 0.25
ADVERSARIAL_WEIGHT = 0.8
ADVERSARIAL_FROM = 0.25  # of the budget
RATE = 64 * 4.5e-6
USAGE_SHARE = 0.05  # of the newest batch in the running mean of a code's use
OUT_OF_USE = 0.1  # of an even use: after 45 batches without it


@dataclass(frozen=True)
class Design:
    """How large the autoencoder is: channels at each size of its features, from the image's down to that of the codes."""

    widths: tuple[int, ...]
    code_width: int
    codes: int = 1024


PUBLISHED = Design((128, 128, 256, 256, 512), 256)


def proportionate(resolution: int) -> Design:
    """The fixed track's design; at 256 px the published one."""
    first = min(max(resolution, 32), 128)
    multiples = {256: (1, 1, 2, 2, 4), 128: (1, 2, 2, 4)}.get(resolution, (1, 2, 4))
    return Design(tuple(first * multiple for multiple in multiples), 2 * first)


def norm(width: int) -> nn.Module:
    """Group norm in 32 groups."""
    return nn.GroupNorm(32, width, eps=1e-6)


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

    While it trains, a code that is hardly chosen any more starts again as a feature of the batch, picked at random (Dhariwal
    et al. 2020, arXiv:2005.00341, section 3.1): all of them do on the first batch.
    """

    def __init__(self, codes: int, width: int):
        super().__init__()
        self.codes = nn.Embedding(codes, width)
        nn.init.uniform_(self.codes.weight, -1 / codes, 1 / codes)
        self.usage: Tensor
        self.register_buffer("usage", torch.zeros(codes))  # running mean, in shares of an even use

    @torch.no_grad()
    def restart(self, features: Tensor) -> None:
        """Give the codes that are out of use features of this batch. Nothing waits for the device."""
        flat = features.movedim(1, -1).flatten(0, 2)
        count = self.codes.num_embeddings
        order = torch.randperm(flat.shape[0]).repeat(-(-count // flat.shape[0]))[:count].to(flat.device)
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
        if self.training:
            self.restart(features)
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


class ReconstructionTurn(Turn):
    """Fakes are reconstructions of the real images; one pass per iteration for each network that moves."""

    @cached_property
    def coded(self) -> tuple[Tensor, Tensor, Tensor]:
        """Reconstructions, features, codes."""
        made = self.nets["autoencoder"](self.real)
        self.draw.memo["fake"] = made[0].detach()
        return made

    @cached_property
    def fake(self) -> Tensor:
        """The reconstructions, (N, C, H, W); for the critic those that the autoencoder's update made."""
        return self.coded[0] if self.mover == "autoencoder" else self.draw.memo["fake"]

    @cached_property
    def fake_judged(self) -> tuple[Tensor, list[Tensor]]:
        """Logits and features of the reconstructions."""
        return self.nets["critic"](self.fake)

    @cached_property
    def real_judged(self) -> tuple[Tensor, list[Tensor]]:
        """Logits and features of the real images."""
        return self.nets["critic"](self.real)

    @cached_property
    def fake_logits(self) -> Tensor:
        """Per patch, (N, P)."""
        return self.fake_judged[0]

    @cached_property
    def real_logits(self) -> Tensor:
        """Per patch, (N, P)."""
        return self.real_judged[0]

    @cached_property
    def likeness(self) -> dict[str, Tensor]:
        """How far reconstructions are from the images: in pixels, and in the critic's features."""
        layers = zip(self.fake_judged[1], self.real_judged[1], strict=True)
        perceptual = torch.stack([(a - b).abs().mean() for a, b in layers]).mean()
        return {"pixels": (self.fake - self.real).abs().mean(), "perceptual": perceptual}


def pixels(turn: Turn) -> Tensor:
    """E |x - x^|, the mean over pixels."""
    assert isinstance(turn, ReconstructionTurn)
    return turn.likeness["pixels"]


def perceptual(turn: Turn) -> Tensor:
    """The mean absolute difference of the critic's features, over its layers."""
    assert isinstance(turn, ReconstructionTurn)
    return turn.likeness["perceptual"]


def codebook(turn: Turn) -> Tensor:
    """beta |sg[E(x)] - z|^2 + |sg[z] - E(x)|^2, means over numbers (eq. 4): codes follow features, features keep to codes."""
    assert isinstance(turn, ReconstructionTurn)
    _, features, chosen = turn.coded
    return CODES_WEIGHT * (chosen - features.detach()).square().mean() + (chosen.detach() - features).square().mean()


class Adversarial:
    """-lambda E D(x^), from a share of the budget on; lambda balances gradients at the decoder's last layer (eq. 7)."""

    differentiates = frozenset({"autoencoder", "critic"})  # gradients within the update: neither can be compiled

    def __call__(self, turn: Turn) -> Tensor:
        assert isinstance(turn, ReconstructionTurn)
        if turn.now.fraction < ADVERSARIAL_FROM:
            return turn.real.new_zeros(())
        loss = Hinge().generator(turn)
        autoencoder = turn.nets["autoencoder"]
        assert isinstance(autoencoder, Autoencoder)
        weight = balance(torch.stack([*turn.likeness.values()]).sum(), loss, autoencoder.last_weight)
        return ADVERSARIAL_WEIGHT * weight * loss


def balance(likeness: Tensor, adversarial: Tensor, weight: Tensor) -> Tensor:
    """|d likeness / d weight| / (|d adversarial / d weight| + 1e-4), at most 1e4, without a graph."""
    norms = [torch.autograd.grad(loss, weight, retain_graph=True)[0].norm() for loss in (likeness, adversarial)]
    return (norms[0] / (norms[1] + 1e-4)).clamp(max=1e4).detach()


def halved(turn: Turn) -> Tensor:
    """Half the hinge loss, as in the released code."""
    return Hinge().critic(turn) / 2


def rebuild(nets: Nets, prompt: Prompt) -> Tensor:
    """The prompt's pictures through the codes and back, (N, C, H, W) in [-1, 1]."""
    return nets["autoencoder"](prompt.source)[0].clamp(-1, 1)


def vqgan(spec: ImageSpec) -> GAN:
    """Adam at 2.88e-4 with betas (0.5, 0.9) for both; the critic's weights from N(0, 0.02)."""
    optimiser = adam(RATE, betas=(0.5, 0.9))
    width = min(max(spec.resolution // 2, 16), 64)
    critic = initialise(Critic(spec.channels, spec.resolution, width), NORMAL, AROUND_ONE)
    players = {
        "autoencoder": Player(Autoencoder(spec.channels, proportionate(spec.resolution)), optimiser),
        "critic": Player(critic, optimiser),
    }
    losses = {"pixels": pixels, "perceptual": perceptual, "codebook": codebook, "adversarial": Adversarial()}
    updates = [Update("autoencoder", losses), Update("critic", {"adversarial": halved})]
    return GAN(players, [Stage(updates, ReconstructionTurn)], rebuild, task="reconstruction")

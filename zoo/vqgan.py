"""VQGAN, first stage. Esser, Rombach, Ommer, "Taming Transformers for High-Resolution Image Synthesis", CVPR 2021,
arXiv:2012.09841.

Networks: the convolutional autoencoder of table 7 (zoo/networks/vqgan.py) with a codebook of 1,024 codes and the
PatchGAN critic, as configured in CompVis/taming-transformers configs/imagenet_vqgan.yaml. Objective: absolute error and
a perceptual distance, the codebook's terms (eq. 4), and the hinge loss at the adaptive weight lambda (eq. 6 and 7)
times 0.8; the critic's loss is halved. Adam with betas (0.5, 0.9) at 4.5e-6 per image of a batch, taken for a batch of
64.

Departures: codes that no feature of the first batch chose become features of it, and features of a later one whenever they are
out of use (Jukebox's random restarts); the released code draws them close to 0 and leaves them there, and all features share a few of
them for thousands of steps. The perceptual distance is measured in the critic's own features (Larsen et al. 2016,
arXiv:1512.09300; Wang et al. 2018, arXiv:1711.11585, eq. 4) instead of LPIPS, whose VGG would have to be downloaded and has
seen ImageNet. So the critic learns from the first step on; the adversarial term joins after a quarter of the budget (the
configurations: after 10,000 to 250,001 steps). beta = 0.25 weighs the codes' term, as in the released code, which names that
a fault and keeps it for its published weights: eq. 4 has no beta, and van den Oord et al. 2017, arXiv:1711.00937, eq. 3,
have it at the other term, the commitment. Codes lie 16 px apart at 256 px, 8 at 128 px and 4 below; attention stays at their
size. Patches shrink with images below 64 px (zoo/networks/patch.py). Fixed track: R channels at R px, 32 to 128, codes of twice as
many numbers, and a critic whose first layer has half of R, 16 to 64; at 256 px these are the published networks.

Known: once the adversarial term has joined, the critic hardly tells reconstructions from images, its loss stays at 1 and
lambda grows, with the released code (CompVis/taming-transformers issue 44) as here (results/cifar10-tokens-cpu).

Published: ImageNet at 256 px, 1,024 codes: FID 7.94 of reconstructions of the validation set (README of that repository).
"""

from dataclasses import dataclass
from functools import cached_property, partial
from typing import cast

import torch
from torch import Tensor

from bench.gan import GAN, ImageSpec, Nets, Player, Prompt, Stage, Turn, Update, adam
from zoo.losses.objectives import Hinge
from zoo.losses.weighted import Weighted
from zoo.networks.layers import AROUND_ONE, NORMAL, initialise
from zoo.networks.patch import PatchCritic
from zoo.networks.vqgan import Autoencoder, Design
from zoo.networks.widths import in_steps
from zoo.training.parameters import checked

RATE = 64 * 4.5e-6


PUBLISHED = Design((128, 128, 256, 256, 512), 256)


def proportionate(resolution: int, width: int = 128) -> Design:
    """The fixed track's design; at 256 px the published one, of 128 channels next to the image."""
    first = in_steps(min(max(resolution, 32), 128) * width / 128)
    multiples = {256: (1, 1, 2, 2, 4), 128: (1, 2, 2, 4)}.get(resolution, (1, 2, 4))
    return Design(tuple(first * multiple for multiple in multiples), 2 * first)


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

    @property
    def features(self) -> Tensor:
        """What is coded, (N, Z, h, w)."""
        return self.coded[1]

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


def pixel_distance(turn: Turn) -> Tensor:
    """E |x - x^|, the mean over pixels."""
    assert isinstance(turn, ReconstructionTurn)
    return turn.likeness["pixels"]


def perceptual_distance(turn: Turn) -> Tensor:
    """The mean absolute difference of the critic's features, over its layers."""
    assert isinstance(turn, ReconstructionTurn)
    return turn.likeness["perceptual"]


def codes(turn: Turn, weight: float = 0.25) -> Tensor:
    """beta |sg[E(x)] - z|^2 + |sg[z] - E(x)|^2, means over numbers (eq. 4): codes follow features, features keep to codes."""
    assert isinstance(turn, ReconstructionTurn)
    _, features, chosen = turn.coded
    return weight * (chosen - features.detach()).square().mean() + (chosen.detach() - features).square().mean()


@dataclass(frozen=True)
class Adversarial:
    """-lambda E D(x^), from a share of the budget on; lambda balances gradients at the decoder's last layer (eq. 7)."""

    weight: float = 0.8
    begins: float = 0.25  # share of the budget
    differentiates = frozenset({"autoencoder", "critic"})  # gradients within the update: neither can be compiled

    def __call__(self, turn: Turn) -> Tensor:
        assert isinstance(turn, ReconstructionTurn)
        if turn.now.fraction < self.begins:
            return turn.real.new_zeros(())
        loss = Hinge().generator(turn)
        autoencoder = turn.nets["autoencoder"]
        assert isinstance(autoencoder, Autoencoder)
        balanced = balance(torch.stack([*turn.likeness.values()]).sum(), loss, autoencoder.last_weight)
        return self.weight * balanced * loss


def balance(likeness: Tensor, adversarial: Tensor, weight: Tensor) -> Tensor:
    """|d likeness / d weight| / (|d adversarial / d weight| + 1e-4), at most 1e4, without a graph."""
    norms = [torch.autograd.grad(loss, weight, retain_graph=True)[0].norm() for loss in (likeness, adversarial)]
    return (norms[0] / (norms[1] + 1e-4)).clamp(max=1e4).detach()


def halved(turn: Turn) -> Tensor:
    """Half the hinge loss, as in the released code."""
    return Hinge().critic(turn) / 2


def restart_codes(turn: Turn) -> None:
    """After the autoencoder's step: codes that are out of use become features of the batch."""
    autoencoder = turn.nets["autoencoder"]
    assert isinstance(autoencoder, Autoencoder)
    autoencoder.codebook.restart(cast(ReconstructionTurn, turn).features, turn.random)


def rebuild(nets: Nets, prompt: Prompt) -> Tensor:
    """The prompt's pictures through the codes and back, (N, C, H, W) in [-1, 1]."""
    return nets["autoencoder"](prompt.source)[0].clamp(-1, 1)


@checked()
def vqgan(
    spec: ImageSpec,
    *,
    width: int = 128,
    lr: float = RATE,
    beta1: float = 0.5,
    beta2: float = 0.9,
    pixels: float = 1.0,
    perceptual: float = 1.0,
    codebook: float = 0.25,
    adversarial: float = 0.8,
    adversarial_from: float = 0.25,
) -> GAN:
    """Adam at 2.88e-4 with betas (0.5, 0.9) for both; the critic's weights from N(0, 0.02).

    Args:
        width: Channels of the autoencoder next to the image as published; fewer below 128 px.
    """
    optimiser = adam(lr, betas=(beta1, beta2))
    narrow = in_steps(min(max(spec.resolution // 2, 16), 64) * width / 128)
    critic = initialise(Critic(spec.channels, spec.resolution, narrow), NORMAL, AROUND_ONE)
    players = {
        "autoencoder": Player(Autoencoder(spec.channels, proportionate(spec.resolution, width)), optimiser),
        "critic": Player(critic, optimiser),
    }
    losses = {
        "pixels": Weighted(pixel_distance, pixels),
        "perceptual": Weighted(perceptual_distance, perceptual),
        "codebook": partial(codes, weight=codebook),
        "adversarial": Adversarial(adversarial, adversarial_from),
    }
    updates = [Update("autoencoder", losses, then=[restart_codes]), Update("critic", {"adversarial": halved})]
    return GAN(players, [Stage(updates, ReconstructionTurn)], rebuild, task="reconstruction", least_batch=2)

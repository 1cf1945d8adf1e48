"""Adaptive discriminator augmentation: Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data",
arXiv:2006.06676. The pipeline `bgc` (pixel blitting, general geometry, colour; appendix B) and the control of its
strength p (section 3). Written from the paper in plain tensor operations, differentiable twice.

Every transform is switched on with probability p, per image and independently of the others.
"""

from math import log, pi

import torch
from torch import Tensor, nn

from bench.gan import Turn
from zoo.augmentation.resample import Wavelet, blit
from zoo.networks.layers import full_precision

LN2 = log(2)


class Dice:
    """Random numbers, one per image, and the switch that leaves a transform out with probability 1 - p."""

    def __init__(self, count: int, random: torch.Generator):
        self.count = count
        self.random = random

    def uniform(self, low: float, high: float) -> Tensor:
        """(N,) in [low, high)."""
        return low + (high - low) * torch.rand(self.count, generator=self.random, device=self.random.device)

    def normal(self, deviation: float) -> Tensor:
        """(N,) from N(0, deviation^2)."""
        return deviation * torch.randn(self.count, generator=self.random, device=self.random.device)

    def choice(self, options: int) -> Tensor:
        """(N,) in 0 ... options - 1."""
        return torch.randint(options, (self.count,), generator=self.random, device=self.random.device)

    def sometimes(self, p: Tensor, value: Tensor, otherwise: float) -> Tensor:
        """The value with probability p, and else what changes nothing."""
        return torch.where(self.uniform(0, 1) < p, value, otherwise)


def blitting(images: Tensor, p: Tensor, dice: Dice) -> Tensor:
    """Mirrored, turned by quarters, shifted by up to 1/8 of the size in whole pixels: pixels are copied as they are."""
    height, width = images.shape[2:]
    mirror = dice.sometimes(p, dice.choice(2), 0)
    turns = dice.sometimes(p, dice.choice(4), 0)
    shifted = dice.uniform(0, 1) < p
    down = torch.where(shifted, (dice.uniform(-0.125, 0.125) * height).round(), 0)
    right = torch.where(shifted, (dice.uniform(-0.125, 0.125) * width).round(), 0)
    return blit(images, mirror, turns, down.long(), right.long())


def geometry(images: Tensor, p: Tensor, dice: Dice, wavelet: Wavelet) -> Tensor:
    """Scaled, turned, stretched, turned again, shifted by fractions of a pixel.

    The two turns are switched so that at least one happens with probability p.
    """
    p_turn = 1 - (1 - p).clamp(min=0).sqrt()
    scale = dice.sometimes(p, (dice.normal(0.2 * LN2)).exp(), 1)
    first = dice.sometimes(p_turn, dice.uniform(-pi, pi), 0)
    stretch = dice.sometimes(p, (dice.normal(0.2 * LN2)).exp(), 1)
    second = dice.sometimes(p_turn, dice.uniform(-pi, pi), 0)
    shifted = dice.uniform(0, 1) < p
    shift = torch.stack([torch.where(shifted, dice.normal(0.125), 0.0) for _ in "xy"], 1)  # (N, 2), share of the size
    zero = torch.zeros_like(stretch)
    squeeze = torch.stack([stretch, zero, zero, 1 / stretch], 1).view(-1, 2, 2)
    matrix = rotation(second) @ squeeze @ rotation(first) * scale[:, None, None]
    return wavelet.affine(images, matrix, shift * images.shape[3])


def rotation(angle: Tensor) -> Tensor:
    """(N,) in radians -> (N, 2, 2), on (x, y)."""
    sine, cosine = angle.sin(), angle.cos()
    return torch.stack([cosine, -sine, sine, cosine], 1).view(-1, 2, 2)


def colour(images: Tensor, p: Tensor, dice: Dice) -> Tensor:
    """Brightness, contrast, luma flip, hue, saturation, as one affine map of the colours.

    A grey image is treated as one with three equal channels, which hue and saturation leave grey.
    """
    brightness = dice.sometimes(p, dice.normal(0.2), 0)
    contrast = dice.sometimes(p, dice.normal(0.5 * LN2).exp(), 1)
    flip = dice.sometimes(p, dice.choice(2), 0)
    hue = dice.sometimes(p, dice.uniform(-pi, pi), 0)
    saturation = dice.sometimes(p, dice.normal(LN2).exp(), 1)
    return recolour(images, brightness, contrast, flip, hue, saturation)


def recolour(
    images: Tensor, brightness: Tensor, contrast: Tensor, flip: Tensor, hue: Tensor, saturation: Tensor
) -> Tensor:
    """Colours x -> S H F c (x + b), all about the grey axis (1, 1, 1) / sqrt(3). Arguments are (N,).

    F mirrors the luma, H turns the hue, S scales the distance from grey.
    """
    axis = torch.full((3, 3), 1 / 3, device=images.device)  # the projection on the grey axis
    eye = torch.eye(3, device=images.device)
    rest = eye - axis
    cross = (eye.roll(-1, 1) - eye.roll(1, 1)) / 3**0.5  # the cross product with the grey axis
    luma = (1 - 2 * flip).view(-1, 1, 1)
    cosine, sine, spread = (value.view(-1, 1, 1) for value in (hue.cos(), hue.sin(), saturation))
    matrix = luma * axis + spread * (cosine * rest + sine * cross)  # F, H and S commute: they share the axis
    matrix = matrix.to(images.dtype)
    images = images.expand(-1, 3, -1, -1) if (channels := images.shape[1]) == 1 else images
    images = (images + brightness.view(-1, 1, 1, 1)) * contrast.view(-1, 1, 1, 1)
    images = torch.einsum("nij,njhw->nihw", matrix, images)
    return images if channels == 3 else images.mean(1, keepdim=True)


class AdaptiveAugment(nn.Module):
    """The pipeline bgc, and the control of p, which is a buffer: put this into GAN.state.

    Every `interval` iterations p rises when r_t = E sign(D(real)) is above `target` and falls when it is below, at a speed
    that takes it from 0 to 1 in `images` images (section 3, eq. 1).
    """

    p: Tensor
    sign_sum: Tensor
    sign_count: Tensor

    def __init__(self, target: float = 0.6, interval: int = 4, images: float = 500_000):
        super().__init__()
        self.target = target
        self.interval = interval
        self.images = images
        self.wavelet = Wavelet()
        for name in ("p", "sign_sum", "sign_count"):
            self.register_buffer(name, torch.zeros(()))

    def forward(self, images: Tensor, random: torch.Generator) -> Tensor:
        dice = Dice(images.shape[0], random)
        with full_precision(images.device):  # coordinates need more than 8 bits
            images = blitting(images.to(self.p.dtype), self.p, dice)
            images = geometry(images, self.p, dice, self.wavelet)
            return colour(images, self.p, dice)

    def adjust(self, turn: Turn) -> None:
        """After the critic's step: look at its logits of the real images, and move p once per interval."""
        logits = turn.real_logits.detach()
        self.sign_sum += logits.sign().sum()
        self.sign_count += logits.shape[0]
        if (turn.now.step + 1) % self.interval == 0:
            above = (self.sign_sum / self.sign_count - self.target).sign()
            self.p.copy_((self.p + above * self.sign_count / self.images).clamp(0, 1))
            self.sign_sum.zero_()
            self.sign_count.zero_()

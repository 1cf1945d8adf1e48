"""Augmentation of what the critic sees, real and fake alike: turns, and DiffAugment.

An augmentation is a callable (images (N, C, H, W), random generator) -> images of the same shape, differentiable twice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from bench.gan import Context
from zoo.training.two_player import Latents, LatentTurn

Images = Float[Tensor, "N C H W"]
Augmentation = Callable[[Tensor, torch.Generator], Tensor]


def unchanged(images: Images, random: torch.Generator) -> Images:
    """No augmentation."""
    return images


class AugmentedTurn(LatentTurn):
    """The common game, with a critic that sees nothing but augmented images."""

    def __init__(
        self,
        context: Context,
        *,
        augment: Augmentation,
        latents: Latents,
        conditional: bool = False,
        reuse_fakes: bool = False,
        generator_batch: int = 1,
    ):
        super().__init__(
            context,
            latents=latents,
            conditional=conditional,
            reuse_fakes=reuse_fakes,
            generator_batch=generator_batch,
        )
        self.augment = augment

    def judge(self, images: Tensor) -> Tensor:
        """D(T(x)) or D(T(x), y): logits, (N,)."""
        return super().judge(self.augment(images, self.random))


def uniform(images: Images, random: torch.Generator, low: float, high: float) -> Float[Tensor, "N 1 1 1"]:
    """One number per image, (N, 1, 1, 1), uniform in [low, high]."""
    drawn = torch.rand(images.shape[0], 1, 1, 1, generator=random, device=images.device)
    return low + (high - low) * drawn


def colour(images: Images, random: torch.Generator) -> Images:
    """Brightness shifted by up to 0.5, saturation scaled by up to 2, contrast by 0.5 to 1.5, each uniformly."""
    images = images + uniform(images, random, -0.5, 0.5)
    grey = images.mean(1, keepdim=True)
    images = grey + (images - grey) * uniform(images, random, 0, 2)
    mean = images.mean((1, 2, 3), keepdim=True)
    return mean + (images - mean) * uniform(images, random, 0.5, 1.5)


def translation(images: Images, random: torch.Generator) -> Images:
    """Shifted by up to an eighth of the size each way, in whole pixels; what comes in is 0."""
    count, channels, height, width = images.shape
    reach = round(width / 8)
    offsets = torch.randint(0, 2 * reach + 1, (2, count, 1), generator=random, device=images.device)
    rows = offsets[0] + torch.arange(height, device=images.device)  # (N, H), into the padded image
    columns = offsets[1] + torch.arange(width, device=images.device)
    padded = pad(images, (reach,) * 4)
    index = rows[:, :, None] * (width + 2 * reach) + columns[:, None, :]
    index = index.view(count, 1, -1).expand(-1, channels, -1)
    return padded.flatten(2).gather(2, index).view_as(images)


def cutout(images: Images, random: torch.Generator) -> Images:
    """A square of half the size, centred anywhere, set to 0."""
    count, _, height, width = images.shape
    centres = torch.rand(2, count, 1, generator=random, device=images.device)
    side = height // 2

    def inside(centre: Tensor, size: int) -> Tensor:
        start = (centre * (size + 1)).floor() - side // 2
        place = torch.arange(size, device=images.device)
        return (place >= start) & (place < start + side)  # (N, size)

    hole = inside(centres[0], height)[:, :, None] & inside(centres[1], width)[:, None, :]
    return images * ~hole[:, None]


@dataclass(frozen=True)
class DiffAugment:
    """Zhao et al. 2020, arXiv:2006.10738: its strongest policy, "color, translation, cutout", in that order."""

    policy: Sequence[Augmentation] = (colour, translation, cutout)

    def __call__(self, images: Images, random: torch.Generator) -> Images:
        for augment in self.policy:
            images = augment(images, random)
        return images

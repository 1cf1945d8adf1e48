"""Distributions of latents other than the contract's Gaussian and uniform ones, and truncation."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import normalize
from torch.special import ndtr, ndtri


def spherical(width: int) -> Callable[[int, torch.Generator], Tensor]:
    """Latents uniform on the sphere of radius sqrt(width), (count, width): a Gaussian's length is near that anyway.

    White 2016, arXiv:1609.04468, argues that a Gaussian in many dimensions is this shell.
    """

    def draw(count: int, random: torch.Generator) -> Tensor:
        return normalize(torch.randn(count, width, generator=random, device=random.device)) * width**0.5

    return draw


def truncated(latents: Tensor, level: float) -> Tensor:
    """Normal latents made `level` times a normal that is cut off at +-2; at a level of 1 they stay as they are.

    The truncation trick of Brock et al. 2019, arXiv:1809.11096, section 3.1, on the scale of the authors' published
    models. Each number keeps its quantile, so that the same latents can be compared at several levels.
    """
    if level >= 1:
        return latents
    low, high = ndtr(latents.new_tensor(-2.0)), ndtr(latents.new_tensor(2.0))
    return level * ndtri(low + (high - low) * ndtr(latents)).clamp(-2, 2)

"""Distributions of latents, beside the Gaussian and the uniform of the contract."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import normalize


def spherical(width: int) -> Callable[[int, torch.Generator], Tensor]:
    """Latents uniform on the sphere of radius sqrt(width), (count, width): a Gaussian's length is near that anyway.

    White 2016, arXiv:1609.04468, section 2, argues that a Gaussian in many dimensions is this shell.
    """

    def draw(count: int, random: torch.Generator) -> Tensor:
        return normalize(torch.randn(count, width, generator=random, device=random.device)) * width**0.5

    return draw

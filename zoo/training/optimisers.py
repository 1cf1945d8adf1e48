"""Optimiser factories that change the step itself: gradients clipped before it, or the step left out."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from bench.gan import OptimiserFactory


def clipped(factory: OptimiserFactory, norm: float) -> OptimiserFactory:
    """Scale the player's whole gradient down to `norm` where it is longer: Pascanu et al. 2013, arXiv:1211.5063."""

    def build(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        weights = list(parameters)
        optimiser = factory(weights)

        def clip(*_: Any) -> None:
            torch.nn.utils.clip_grad_norm_(weights, norm)

        optimiser.register_step_pre_hook(clip)
        return optimiser

    return build


def gated(factory: OptimiserFactory, shut: Callable[[], Tensor]) -> OptimiserFactory:
    """Leave a step out, with all its moments, where `shut()` is 1 (a scalar on the device).

    The device decides, so nothing waits for it: this is the switch by which mixed precision leaves out a step whose
    gradients overflowed. `factory` must make a fused optimiser.
    """

    def build(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        optimiser = factory(parameters)

        def look(*_: Any) -> None:
            optimiser.found_inf = shut().float()  # pyright: ignore[reportAttributeAccessIssue] (read by fused kernels)

        optimiser.register_step_pre_hook(look)
        return optimiser

    return build

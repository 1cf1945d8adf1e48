"""Initialisation and precision that several members share unchanged."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn


def initialise(net: nn.Module, rule: Callable[[Tensor], object]) -> nn.Module:
    """Apply `rule` in place to every weight of a convolution, linear layer or embedding; biases become 0."""
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.Embedding):
            rule(layer.weight)
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear) and layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return net


def full_precision(device: torch.device) -> AbstractContextManager[object]:
    """Without autocast inside. The meta device, where networks have shapes and no numbers, knows no autocast at all."""
    return torch.autocast(device.type, enabled=False) if torch.amp.is_autocast_available(device.type) else nullcontext()

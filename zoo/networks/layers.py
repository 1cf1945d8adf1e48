"""Initialisation and precision that several members share unchanged."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import torch
from torch import Tensor, nn

Rule = Callable[[Tensor], object]  # fills a tensor in place, as the functions of torch.nn.init do

NORMAL: Rule = partial(nn.init.normal_, std=0.02)  # N(0, 0.02): DCGAN, section 4, and many after it
AROUND_ONE: Rule = partial(nn.init.normal_, mean=1.0, std=0.02)  # a norm's scale: soumith/dcgan.torch main.lua


def initialise(net: nn.Module, weights: Rule, scales: Rule | None = None) -> nn.Module:
    """Fill every weight of a convolution, linear layer or embedding by `weights`, and set biases to 0. In place.

    Where `scales` is given, it fills the scales of batch norms too, and their shifts become 0.
    """
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.Embedding):
            weights(layer.weight)
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear) and layer.bias is not None:
            nn.init.zeros_(layer.bias)
        if scales is not None and isinstance(layer, nn.BatchNorm2d):
            scales(layer.weight)
            nn.init.zeros_(layer.bias)
    return net


def full_precision(device: torch.device) -> AbstractContextManager[object]:
    """A context without autocast. On the meta device, which has no autocast, it does nothing."""
    return torch.autocast(device.type, enabled=False) if torch.amp.is_autocast_available(device.type) else nullcontext()

"""Layers and initialisations that several members share unchanged."""

from collections.abc import Callable

from torch import Tensor, nn


def initialise(net: nn.Module, rule: Callable[[Tensor], object]) -> nn.Module:
    """Apply `rule` in place to every weight of a convolution, linear layer or embedding; biases become 0."""
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.Embedding):
            rule(layer.weight)
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear) and layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return net

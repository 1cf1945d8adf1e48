"""Spectral normalisation: Miyato et al. 2018, arXiv:1802.05957, algorithm 1.

PyTorch's own (torch.nn.utils.parametrizations.spectral_norm) writes the singular vectors in place. A compiled critic that
judges twice before one backward pass then finds vectors changed that it had saved, and stops. Here every pass makes new
ones; the numbers are the same.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils.parametrize import register_parametrization

from zoo.networks.layers import full_precision

WARM_UP = 15  # power iterations before the first pass, as in PyTorch


class SpectralNorm(nn.Module):
    """A weight divided by its largest singular value, as one power iteration per training pass estimates it.

    The weight is seen as a matrix of one row per output channel. The vectors are buffers: u (rows,), v (columns,).
    """

    def __init__(self, weight: Tensor):
        super().__init__()
        matrix = weight.detach().flatten(1)
        self.u: Tensor
        self.v: Tensor
        self.register_buffer("u", normalize(torch.randn_like(matrix[:, 0]), dim=0))
        self.register_buffer("v", normalize(torch.randn_like(matrix[0]), dim=0))
        for _ in range(WARM_UP):
            self.iterate(matrix)

    def forward(self, weight: Tensor) -> Tensor:
        with full_precision(weight.device):  # an estimate in bfloat16 would be off by a percent
            matrix = weight.flatten(1)
            if self.training:
                self.iterate(matrix)
            return weight / torch.dot(self.u, matrix @ self.v)

    @torch.no_grad()
    def iterate(self, matrix: Tensor) -> None:
        """One power iteration."""
        self.u = normalize(matrix @ self.v, dim=0, eps=1e-12)
        self.v = normalize(matrix.T @ self.u, dim=0, eps=1e-12)


def spectral(net: nn.Module) -> nn.Module:
    """Normalise every convolution, linear layer and embedding. In place."""
    for layer in list(net.modules()):
        if isinstance(layer, nn.Conv2d | nn.Linear | nn.Embedding):
            register_parametrization(layer, "weight", SpectralNorm(layer.weight))
    return net

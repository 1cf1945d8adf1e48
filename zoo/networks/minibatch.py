"""Layers through which images of a batch see each other, or a fixed reference batch."""

import torch
from torch import Tensor, nn


class MinibatchDiscrimination(nn.Module):
    """Beside each image's features, how close it is to the others: (N, F) -> (N, F + kernels).

    Salimans et al. 2016, arXiv:1606.03498, section 3.2: M = f(x) T, c_b(i, j) = exp(-|M_ib - M_jb|_1), and
    o(x_i)_b is the sum over j. Each image's closeness to itself, always 1, is left out as in the authors' code
    (openai/improved-gan mnist_svhn_cifar10/nn.py).
    """

    def __init__(self, features: int, kernels: int = 100, dimensions: int = 5):
        super().__init__()
        self.kernels = kernels
        self.project = nn.Linear(features, kernels * dimensions, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        rows = self.project(features).unflatten(1, (self.kernels, -1))  # (N, B, C)
        distances = (rows[:, None] - rows[None, :]).abs().sum(3)  # (N, N, B)
        closeness = (-distances).exp().sum(1) - 1
        return torch.cat([features, closeness], 1)


class MinibatchHead(nn.Module):
    """A critic's end that sees the batch: features (N, F, 4, 4) -> logits (N, 1)."""

    def __init__(self, width: int, kernels: int = 100, dimensions: int = 5):
        super().__init__()
        self.compare = MinibatchDiscrimination(width * 16, kernels, dimensions)
        self.judge = nn.Linear(width * 16 + self.compare.kernels, 1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        return self.judge(self.compare(features.flatten(1)))


class VirtualBatchNorm2d(nn.Module):
    """Batch norm by the statistics of a fixed reference batch and the image itself: no image sees its batch.

    Salimans et al. 2016, arXiv:1606.03498, section 3.5, weighted as in the authors' code: the image counts as one of
    references + 1. The reference batch must come first in the batch; `WithReference` puts it there.
    """

    def __init__(self, width: int, references: int, eps: float = 1e-5):
        super().__init__()
        self.references = references
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, features: Tensor) -> Tensor:
        """(R + N, C, H, W), the R references first -> the same shape."""
        maps = features.float()
        reference, images = maps.split([self.references, maps.shape[0] - self.references])
        mean = reference.mean((0, 2, 3), keepdim=True)
        square = reference.square().mean((0, 2, 3), keepdim=True)
        own = 1 / (self.references + 1)
        means = torch.lerp(mean.expand(images.shape[0], -1, -1, -1), images.mean((2, 3), keepdim=True), own)
        squares = torch.lerp(
            square.expand(images.shape[0], -1, -1, -1), images.square().mean((2, 3), keepdim=True), own
        )
        normal = [self._normalise(reference, mean, square), self._normalise(images, means, squares)]
        scaled = torch.cat(normal) * self.weight[:, None, None] + self.bias[:, None, None]
        return scaled.to(features.dtype)

    def _normalise(self, maps: Tensor, mean: Tensor, square: Tensor) -> Tensor:
        return (maps - mean) * (square - mean.square() + self.eps).rsqrt()


class WithReference(nn.Module):
    """A network whose every batch begins with a fixed reference batch, for `VirtualBatchNorm2d`."""

    def __init__(self, net: nn.Module, reference: Tensor):
        super().__init__()
        self.net = net
        self.reference: Tensor
        self.register_buffer("reference", reference)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.net(torch.cat([self.reference, inputs]))[self.reference.shape[0] :]

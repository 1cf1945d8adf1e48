"""What class-conditional members share: labels as inputs, and normalisation and judgement that depend on the class."""

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from bench.errors import UserError
from bench.gan import ImageSpec


def needs_labels(spec: ImageSpec, member: str) -> None:
    """Raise UserError unless the data set is labelled."""
    if spec.classes == 0:
        raise UserError(
            f"{member} is class-conditional and this data set has no labels (classes = 0). "
            "Choose a labelled data set, or an unconditional member."
        )


def with_label(features: Tensor, labels: Tensor, classes: int) -> Tensor:
    """The features with the one-hot label appended: (N, F) -> (N, F + K), or as K constant maps: (N, F, H, W) -> (N, F + K, H, W)."""
    hot = one_hot(labels, classes).to(features.dtype)
    if features.ndim == 4:
        hot = hot[:, :, None, None].expand(-1, -1, *features.shape[2:])
    return torch.cat([features, hot], 1)


class ConditionalBatchNorm(nn.Module):
    """Batch norm whose scale and shift belong to a class; the statistics are those of the whole batch.

    Dumoulin et al. 2017, arXiv:1610.07629, eq. 5, on batch statistics as in Miyato & Koyama 2018, arXiv:1802.05637.
    """

    def __init__(self, width: int, classes: int):
        super().__init__()
        self.norm = nn.BatchNorm2d(width, affine=False)
        self.scale = nn.Parameter(torch.ones(classes, width))
        self.shift = nn.Parameter(torch.zeros(classes, width))

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Features (N, C, H, W) and labels (N,) -> (N, C, H, W)."""
        scale, shift = self.scale[labels][:, :, None, None], self.shift[labels][:, :, None, None]
        return self.norm(features) * scale + shift


class Projection(nn.Module):
    """The projection critic's last layer: w . h + b + e(y) . h. Miyato & Koyama 2018, arXiv:1802.05637, figure 1 (d)."""

    def __init__(self, width: int, classes: int):
        super().__init__()
        self.linear = nn.Linear(width, 1)
        self.embedding = nn.Embedding(classes, width)

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Features (N, F) and labels (N,) -> logits (N,)."""
        return self.linear(features).squeeze(1) + (self.embedding(labels) * features).sum(1)

"""Self-attention over positions: Zhang et al. 2019, arXiv:1805.08318, section 3."""

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, scaled_dot_product_attention


class SelfAttention(nn.Module):
    """Features plus gamma times what every position attends to, (N, C, H, W) -> (N, C, H, W). gamma starts at 0.

    As in the authors' code (brain-research/self-attention-gan non_local.py): queries and keys have C/8 channels and values
    C/2, keys and values are max-pooled to a quarter of the positions, and the 1x1 convolutions have no biases. Products
    are not scaled. C is at least 8.
    """

    def __init__(self, width: int):
        super().__init__()
        self.query = nn.Conv2d(width, width // 8, 1, bias=False)
        self.key = nn.Conv2d(width, width // 8, 1, bias=False)
        self.value = nn.Conv2d(width, width // 2, 1, bias=False)
        self.out = nn.Conv2d(width // 2, width, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, features: Tensor) -> Tensor:
        queries, keys, values = (
            maps.flatten(2).transpose(1, 2)
            for maps in (
                self.query(features),
                max_pool2d(self.key(features), 2),
                max_pool2d(self.value(features), 2),
            )
        )  # (N, HW, C/8), (N, HW/4, C/8), (N, HW/4, C/2)
        seen = scaled_dot_product_attention(queries, keys, values, scale=1.0)
        return features + self.gamma * self.out(seen.transpose(1, 2).unflatten(2, features.shape[2:]))

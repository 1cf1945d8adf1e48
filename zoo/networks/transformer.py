"""A small causal transformer over codes, as GPT-2's: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners"."""

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, pad, scaled_dot_product_attention


class Block(nn.Module):
    """Features (N, T, W) -> the same shape: causal attention, then a perceptron of four times the width, each behind a norm."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.project, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, features: Tensor) -> Tensor:
        normed = self.norms[0](features)
        heads = (one.unflatten(2, (self.heads, -1)).transpose(1, 2) for one in self.project(normed).chunk(3, 2))
        seen = scaled_dot_product_attention(*heads, is_causal=True)
        features = features + self.out(seen.transpose(1, 2).flatten(2))
        return features + self.narrow(gelu(self.widen(self.norms[1](features))))


class Prior(nn.Module):
    """The first T - 1 of T codes, (N, T - 1) int64 -> logits of all T, (N, T, K), each given those before it. T >= 1."""

    def __init__(self, codes: int, length: int, width: int, blocks: int, heads: int):
        super().__init__()
        self.start = codes  # a token of its own stands before the first code
        self.tokens = nn.Embedding(codes + 1, width)
        self.places = nn.Parameter(0.02 * torch.randn(length, width))
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(blocks)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, codes, bias=False)
        for layer in self.modules():
            if isinstance(layer, nn.Linear | nn.Embedding):
                nn.init.normal_(layer.weight, std=0.02)
            if isinstance(layer, nn.Linear) and layer.bias is not None:
                nn.init.zeros_(layer.bias)

    def forward(self, before: Tensor) -> Tensor:
        started = pad(before, (1, 0), value=self.start)
        features = self.tokens(started) + self.places[: started.shape[1]]
        return self.head(self.norm(self.blocks(features)))

"""Pools of old fakes, for a critic that should not forget them."""

import torch
from torch import Tensor, nn


class ReplayPool(nn.Module):
    """Old images and new ones, half and half: Shrivastava et al. 2017, arXiv:1612.07828, section 2.3.

    A call takes a batch of new fakes and returns one of which half are draws from the pool; as many of the new ones then
    replace random images of the pool. Until the pool is full it only takes. Put the pool into `GAN.state`.
    """

    def __init__(self, capacity: int, shape: tuple[int, int, int]):
        super().__init__()
        self.images: Tensor
        self.filled: Tensor
        self.register_buffer("images", torch.zeros(capacity, *shape))
        self.register_buffer("filled", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def forward(self, fakes: Tensor, random: torch.Generator) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W), without a graph."""
        capacity = self.images.shape[0]
        count = min(fakes.shape[0] // 2, capacity)
        full = self.filled >= capacity
        old = torch.randperm(capacity, generator=random, device=fakes.device)[:count]
        next_free = (self.filled + torch.arange(count, device=fakes.device)) % capacity
        mixed = fakes.clone()
        mixed[:count] = torch.where(full, self.images[old].to(fakes.dtype), fakes[:count])
        self.images[torch.where(full, old, next_free)] = fakes[:count].to(self.images.dtype)
        self.filled += count
        return mixed


class HistoryPool(nn.Module):
    """A coin for each new fake: the critic sees it, or an old one whose place it takes.

    Zhu et al. 2017, arXiv:1703.10593, section 4, as in junyanz/pytorch-CycleGAN-and-pix2pix util/image_pool.py; unlike
    `ReplayPool` it also serves batches of one. Until the pool is full it takes every fake and gives it back. A batch
    larger than the pool exchanges at most `capacity` images. Put the pool into `GAN.state`.
    """

    def __init__(self, capacity: int, shape: tuple[int, int, int]):
        super().__init__()
        self.images: Tensor
        self.filled: Tensor
        self.register_buffer("images", torch.zeros(capacity, *shape))
        self.register_buffer("filled", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def forward(self, fakes: Tensor, random: torch.Generator) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W), without a graph."""
        capacity, device = self.images.shape[0], fakes.device
        count = min(fakes.shape[0], capacity)
        full = self.filled >= capacity
        free = self.filled + torch.arange(count, device=device)
        heads = torch.rand(count, generator=random, device=device) < 0.5
        swapped = (full & heads)[:, None, None, None]
        taken = torch.where(full, heads, free < capacity)[:, None, None, None]
        places = torch.where(full, torch.randperm(capacity, generator=random, device=device)[:count], free % capacity)
        old, new = self.images[places], fakes[:count].to(self.images.dtype)
        self.images[places] = torch.where(taken, new, old)
        self.filled.copy_((self.filled + count).clamp(max=capacity))
        mixed = fakes.clone()
        mixed[:count] = torch.where(swapped, old.to(fakes.dtype), fakes[:count])
        return mixed

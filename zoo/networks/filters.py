"""Low-pass filters around a change of resolution: binomial taps such as [1, 2, 1] and [1, 3, 3, 1].

Zhang 2019, arXiv:1904.11486; in the StyleGANs since Karras et al. 2019, arXiv:1812.04948.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d


class Filter(nn.Module):
    """A separable low-pass filter with a gain of 1 at frequency 0. Features are (N, C, H, W), zero outside."""

    kernel: Tensor

    def __init__(self, taps: Sequence[float]):
        super().__init__()
        row = torch.tensor([tap / sum(taps) for tap in taps])
        self.register_buffer("kernel", row.outer(row)[None, None], persistent=False)
        self.taps = len(taps)

    def blur(self, features: Tensor, padding: int) -> Tensor:
        """The features filtered; the size grows by 2 * padding + 1 - taps."""
        channels = features.shape[1]
        return conv2d(features, self.kernel.expand(channels, -1, -1, -1), padding=padding, groups=channels)

    def up(self, features: Tensor) -> Tensor:
        """(N, C, 2H, 2W). The mean is kept: zeros are inserted, and a gain of 4 makes up for them."""
        channels = features.shape[1]
        kernel = self.kernel.expand(channels, -1, -1, -1) * 4
        padding, odd = (self.taps - 1) // 2, self.taps % 2
        return conv_transpose2d(features, kernel, stride=2, padding=padding, output_padding=odd, groups=channels)

    def down(self, features: Tensor) -> Tensor:
        """(N, C, H/2, W/2): filtered, then every second sample. A quarter of the adjoint of `up`."""
        channels = features.shape[1]
        kernel = self.kernel.expand(channels, -1, -1, -1)
        return conv2d(features, kernel, stride=2, padding=(self.taps - 1) // 2, groups=channels)

"""The layers of the zoo by their definitions, in NumPy and double precision: nothing here is shared with PyTorch or the zoo.

Features are (N, C, H, W), vectors (N, F). A convolution is the cross-correlation that deep learning calls so.
"""

from collections.abc import Mapping

import numpy as np

Array = np.ndarray


class Weights:
    """A network's arrays by name, and those below a name: weights.at("blocks.0").weight."""

    def __init__(self, arrays: Mapping[str, Array], prefix: str = ""):
        self.arrays, self.prefix = arrays, prefix

    def at(self, name: str | int) -> "Weights":
        return Weights(self.arrays, f"{self.prefix}{name}.")

    def __getattr__(self, name: str) -> Array:
        return self.arrays[self.prefix + name]

    def get(self, name: str) -> Array | None:
        return self.arrays.get(self.prefix + name)


def linear(x: Array, w: Weights) -> Array:
    bias = w.get("bias")
    return x @ w.weight.T + (0 if bias is None else bias)


def conv(x: Array, kernel: Array, bias: Array | None = None, stride: int = 1, pad: int = 0, groups: int = 1) -> Array:
    """out[n, o, i, j] = sum over c, y, x of kernel[o, c, y, x] * in[n, c, i s + y - p, j s + x - p], plus the bias."""
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[2:], (2, 3))[:, :, ::stride, ::stride]
    parts = [
        np.einsum("nchwyx,ocyx->nohw", window, part, optimize=True)
        for window, part in zip(np.split(windows, groups, 1), np.split(kernel, groups, 0), strict=True)
    ]
    out = np.concatenate(parts, 1)
    return out if bias is None else out + bias[:, None, None]


def convolved(x: Array, w: Weights, stride: int = 1, pad: int = 0, groups: int = 1) -> Array:
    return conv(x, w.weight, w.get("bias"), stride, pad, groups)


def spread(x: Array, step: int) -> Array:
    """Zeros between the samples: (H - 1) step + 1 rows."""
    n, c, h, w = x.shape
    out = np.zeros((n, c, (h - 1) * step + 1, (w - 1) * step + 1))
    out[:, :, ::step, ::step] = x
    return out


def transposed(x: Array, w: Weights, stride: int, pad: int, extra: int = 0) -> Array:
    """The adjoint of a convolution: zeros between the samples, then the kernel turned by 180 degrees."""
    kernel = w.weight[:, :, ::-1, ::-1].swapaxes(0, 1)
    margin = kernel.shape[2] - 1 - pad
    x = np.pad(spread(x, stride), ((0, 0), (0, 0), (margin, margin + extra), (margin, margin + extra)))
    return conv(x, kernel, w.get("bias"))


def repeat(x: Array) -> Array:
    """Twice the size by repeating pixels."""
    return x.repeat(2, 2).repeat(2, 3)


def pooled(x: Array) -> Array:
    """Half the size by 2x2 means."""
    n, c, h, w = x.shape
    return x.reshape(n, c, h // 2, 2, w // 2, 2).mean((3, 5))


def normed(x: Array, axes: tuple[int, ...], eps: float = 1e-5) -> Array:
    """Mean 0 and variance 1 over the axes."""
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


def scaled(x: Array, scale: Array | None, shift: Array | None) -> Array:
    """A scale and a shift per channel: (C,), or (N, C) for each image its own."""
    if scale is None or shift is None:
        return x
    tail = (..., *[None] * (x.ndim - 2))
    return x * scale[tail] + shift[tail]


def batch_norm(x: Array, w: Weights) -> Array:
    """By the statistics of the batch."""
    return scaled(normed(x, (0, *range(2, x.ndim))), w.get("weight"), w.get("bias"))


def instance_norm(x: Array, w: Weights | None = None) -> Array:
    return scaled(normed(x, (2, 3)), None if w is None else w.weight, None if w is None else w.bias)


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


def leaky(x: Array, slope: float = 0.2) -> Array:
    return np.where(x > 0, x, slope * x)


def softmax(x: Array) -> Array:
    """Over the last axis."""
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def attention(x: Array, w: Weights) -> Array:
    """Zhang et al. 2019, section 3, with keys and values pooled by 2x2 maxima: softmax(f^T g), gamma times the answer."""
    n, c, height, width = x.shape

    def maxima(maps: Array) -> Array:
        return maps.reshape(n, -1, height // 2, 2, width // 2, 2).max((3, 5)).reshape(n, maps.shape[1], -1)

    query = convolved(x, w.at("query")).reshape(n, c // 8, -1)
    key, value = maxima(convolved(x, w.at("key"))), maxima(convolved(x, w.at("value")))
    share = softmax(np.einsum("ncp,ncq->npq", query, key))
    seen = np.einsum("npq,ncq->ncp", share, value).reshape(n, c // 2, height, width)
    return x + w.gamma * convolved(seen, w.at("out"))


def one_hot(labels: Array, classes: int) -> Array:
    return np.eye(classes)[labels]


def blur(x: Array, taps: list[float], low: int, high: int) -> Array:
    """Filtered along rows and columns with taps of sum 1, `low` zeros before the image and `high` after it."""
    row = np.array(taps) / np.sum(taps)
    x = np.pad(x, ((0, 0), (0, 0), (low, high), (low, high)))
    kernel = np.outer(row, row)[None, None]
    n, c, h, w = x.shape
    out = conv(x.reshape(n * c, 1, h, w), kernel)
    return out.reshape(n, c, *out.shape[2:])

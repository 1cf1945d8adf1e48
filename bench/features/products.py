"""Matrix products of rows with rows, by the fastest correct route for where the rows are.

On the CPU that is NumPy's BLAS: it was measured faster than torch's on every machine tried, and it sees when both sides
are one array and then does half the work (syrk). Results go into a buffer that is used again: for large blocks the
operating system takes longer to hand out fresh memory than the arithmetic takes.
"""

import numpy as np
import torch
from torch import Tensor

TRIANGLE = 256  # columns of a triangular factor at a time


class Buffer:
    """Room for blocks of numbers, handed out again and again: what was returned before is overwritten."""

    def __init__(self, size: int, dtype: torch.dtype, device: torch.device):
        self.room = torch.empty(size, dtype=dtype, device=device)

    def block(self, rows: int, columns: int) -> Tensor:
        """A contiguous (rows, columns) tensor with undefined content."""
        return self.room[: rows * columns].view(rows, columns)


def inner(x: Tensor, y: Tensor, out: Tensor) -> Tensor:
    """x y', (N, M), into ``out``: the inner products of the rows of ``x`` (N, D) and ``y`` (M, D)."""
    if x.device.type != "cpu":
        return torch.mm(x, y.T, out=out)
    a = x.numpy()
    np.matmul(a, (a if x is y else y.numpy()).T, out=out.numpy())
    return out


def outer(x: Tensor) -> Tensor:
    """x' x, (D, D): the sum of the outer products of the rows of ``x`` (N, D)."""
    if x.device.type != "cpu":
        return x.T @ x
    a = x.numpy()
    return torch.from_numpy(a.T @ a)


def congruence(lower: Tensor, symmetric: Tensor) -> Tensor:
    """The lower triangle of L' S L for lower triangular L and symmetric S, both (D, D); what is above is undefined.

    By blocks that leave out what is zero in L and what symmetry gives: D^3 + D^3 / 3 multiplications and additions in the
    place of 4 D^3.
    """
    if lower.device.type != "cpu":
        return lower.T @ symmetric @ lower
    factor, middle = lower.numpy(), symmetric.numpy()
    width = len(factor)
    right, product = np.empty((width, width), factor.dtype), np.zeros((width, width), factor.dtype)
    parts = [slice(start, min(start + TRIANGLE, width)) for start in range(0, width, TRIANGLE)]
    for part in parts:  # S L
        np.matmul(middle[:, part.start :], factor[part.start :, part], out=right[:, part])
    for part in parts:  # L' (S L), up to the diagonal
        np.matmul(factor[part.start :, part].T, right[part.start :, : part.stop], out=product[part, : part.stop])
    return torch.from_numpy(product)

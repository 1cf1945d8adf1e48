"""Which of many candidates are kept."""

import torch
from torch import Tensor

from bench.errors import UserError


def candidates(count: int, rate: float) -> int:
    """How many are drawn so that `count` are kept at a rate in (0, 1]. Raises UserError for another rate."""
    if not 0 < rate <= 1:
        raise UserError(f"rate {rate:g}: expected a share above 0, at most 1.")
    return max(count, round(count / rate))


def best(scores: Tensor, count: int, labels: Tensor | None = None) -> Tensor:
    """The places of the `count` best, (count,) int64 ascending; of equal ones the earlier.

    With classes (N,) an image is compared with those of its class alone, so that the shares of classes stay as they were drawn.
    """
    found = scores if labels is None else _within(scores, labels)
    return found.sort(descending=True, stable=True).indices[:count].sort().values


def _within(scores: Tensor, labels: Tensor) -> Tensor:
    """The share of its class that each one is better than or equal to, in (0, 1]; of equal ones the earlier is higher."""
    found = torch.empty(len(scores), dtype=torch.float64)
    for label in labels.unique():
        places = (labels == label).nonzero().flatten()
        order = scores[places].sort(descending=True, stable=True).indices
        found[places[order]] = 1 - torch.arange(len(places), dtype=torch.float64) / len(places)
    return found

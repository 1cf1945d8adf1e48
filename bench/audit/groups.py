"""How much of each group a sampler reaches, and how dense its samples lie there."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bench.metrics.precision_recall import KYNKAANNIEMI, NAEEM, overlap

FEWEST = 30  # images of a group on either side


@dataclass(frozen=True)
class Group:
    """One group, by as many real images as samples; None where there are fewer than 30 of either."""

    value: str
    images: int  # compared on each side
    recall: float | None  # share of the group's real images inside a ball of its samples (k = 3)
    density: float | None  # real balls around a sample (k = 5); 1 is expected for equal distributions


def groups(
    values: Sequence[str], real: tuple[Tensor, np.ndarray], fake: tuple[Tensor, np.ndarray], seed: int = 0
) -> tuple[Group, ...]:
    """Recall and density within each value; each side is features (N, D) and the value of each image (N,).

    All groups are measured at the size of the smallest that is measured: both figures depend on the number of images.
    """
    generator = np.random.default_rng(seed)
    counts = [min(int((side[1] == k).sum()) for side in (real, fake)) for k in range(len(values))]
    size = min((count for count in counts if count >= FEWEST), default=0)
    found: list[Group] = []
    for k, value in enumerate(values):
        if counts[k] < FEWEST:
            found.append(Group(value, counts[k], None, None))
            continue
        x, y = (_some(features, places == k, size, generator) for features, places in (real, fake))
        found.append(Group(value, size, overlap(x, y, KYNKAANNIEMI).recall, overlap(x, y, NAEEM).density))
    return tuple(found)


def _some(features: Tensor, mine: np.ndarray, size: int, generator: np.random.Generator) -> Tensor:
    return features[torch.from_numpy(generator.permutation(np.flatnonzero(mine))[:size])]

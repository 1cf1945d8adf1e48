"""Mean and covariance of features."""

from dataclasses import dataclass

import torch
from torch import Tensor

from bench.errors import UserError
from bench.features.features import Features
from bench.features.memoise import cached_by_identity
from bench.features.products import outer

CHUNK = 4096  # rows per pass: bounds memory, does not change the value beyond rounding in float64


@dataclass(frozen=True, eq=False)
class Statistics:
    """Mean and covariance of N features of width D, float64; the covariance as itself or, when N <= D, by its factor."""

    mean: Tensor  # (D,)
    count: int  # N; 0 where statistics made elsewhere do not say
    covariance: Tensor | None = None  # (D, D)
    factor: Tensor | None = None  # (N, D): centred rows / sqrt(N - 1), so that covariance = factor' factor

    @property
    def variances(self) -> Tensor:
        """The diagonal of the covariance, (D,)."""
        if self.factor is not None:
            return self.factor.square().sum(0)
        assert self.covariance is not None
        return self.covariance.diagonal()

    @property
    def width(self) -> int:
        """D."""
        return len(self.mean)


def statistics_of(features: Tensor) -> Statistics:
    """Mean and covariance of ``features`` (N, D), N >= 2, computed in float64 in two passes (mean, then centred)."""
    count, width = features.shape
    if count < 2:
        raise UserError(f"a covariance needs at least 2 samples, got {count}. Draw more samples.")
    mean = torch.stack([chunk.double().sum(0) for chunk in features.split(CHUNK)]).sum(0) / count
    if count <= width:
        return Statistics(mean, count, factor=(features.double() - mean) / (count - 1) ** 0.5)
    scatter = torch.zeros(width, width, dtype=torch.float64, device=features.device)
    for chunk in features.split(CHUNK):
        scatter += outer(chunk.double() - mean)
    return Statistics(mean, count, covariance=scatter / (count - 1))


@cached_by_identity
def statistics(sample: Features) -> Statistics:
    """The statistics of one sample, computed once per ``Features`` object."""
    return statistics_of(sample.features)

"""Fréchet distance between two Gaussians fitted to features, in float64.

    FID = |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2)

Heusel et al. 2017 (arXiv:1706.08500), equation 6, after Dowson & Landau 1982. Covariances are the unbiased 1/(N-1) kind.

Only the last term is work. With any roots R1'R1 = S1 and R2'R2 = S2 it is the nuclear norm of R1 R2', which gives the
routes below; none of them needs the square root of a non-symmetric matrix, so nothing imaginary can appear.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from bench.errors import UserError
from bench.features.memoise import once
from bench.features.products import congruence, outer
from bench.metrics.contract import Features

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


@once
def statistics(sample: Features) -> Statistics:
    """The statistics of one sample, computed once per ``Features`` object."""
    return statistics_of(sample.features)


def frechet_distance(real: Statistics, fake: Statistics) -> float:
    """FID between two fitted Gaussians of equal width; symmetric, >= 0 (rounding below zero is cut off)."""
    if real.width != fake.width:
        raise UserError(
            f"FID compares features of one network: the real statistics have {real.width} dimensions, the fake ones "
            f"{fake.width}. Make both with the same extractor."
        )
    means = (real.mean - fake.mean).square().sum()
    spread = real.variances.sum() + fake.variances.sum() - 2 * _root_trace(real, fake)
    return max(float(means + spread), 0.0)


def fid(real: Features, fake: Features) -> float:
    """FID of two samples; see ``frechet_distance``."""
    return frechet_distance(statistics(real), statistics(fake))


def _root_trace(first: Statistics, second: Statistics) -> Tensor:
    """tr (S1 S2)^(1/2)."""
    # A dimension that is constant in either sample adds nothing; without it dead units would make S singular.
    alive = (first.variances > 0) & (second.variances > 0)
    if not alive.any():
        return first.mean.new_zeros(())
    first, second = _restrict(first, alive), _restrict(second, alive)
    if first.factor is not None and second.factor is not None:
        return torch.linalg.svdvals(first.factor @ second.factor.T).sum()
    if first.factor is None and second.factor is not None:
        first, second = second, first
    assert second.covariance is not None
    if first.factor is not None:  # N centred rows have rank N - 1: the smallest eigenvalue is zero up to rounding
        return _sum_of_roots(first.factor @ second.covariance @ first.factor.T, rank=len(first.factor) - 1)
    assert first.covariance is not None
    lower, failed = torch.linalg.cholesky_ex(first.covariance)
    if not failed:
        return _sum_of_roots(congruence(lower, second.covariance))
    lower, failed = torch.linalg.cholesky_ex(second.covariance)
    if not failed:
        return _sum_of_roots(congruence(lower, first.covariance))
    root = _symmetric_root(first.covariance)
    return _sum_of_roots(root @ second.covariance @ root)


def _restrict(statistics: Statistics, alive: Tensor) -> Statistics:
    """The statistics of the dimensions in ``alive`` (D,) bool."""
    if alive.all():
        return statistics
    index = alive.nonzero().squeeze(1)
    covariance = None if statistics.covariance is None else statistics.covariance[index][:, index]
    factor = None if statistics.factor is None else statistics.factor[:, index]
    return Statistics(statistics.mean[index], statistics.count, covariance, factor)


def _sum_of_roots(matrix: Tensor, rank: int | None = None) -> Tensor:
    """Sum of the square roots of the ``rank`` largest eigenvalues of a positive semi-definite matrix: its lower half."""
    eigenvalues = torch.linalg.eigvalsh(matrix, UPLO="L")
    return eigenvalues[len(matrix) - (len(matrix) if rank is None else rank) :].clamp(min=0).sqrt().sum()


def _symmetric_root(matrix: Tensor) -> Tensor:
    """The positive semi-definite square root; works for singular matrices, where Cholesky does not."""
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T

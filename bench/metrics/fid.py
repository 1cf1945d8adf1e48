"""Fréchet distance between two Gaussians fitted to features, in float64.

    FID = |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2)

Heusel et al. 2017 (arXiv:1706.08500), equation 6, after Dowson & Landau 1982. Covariances are the unbiased 1/(N-1) kind.

Only the last term is work. With any roots R1'R1 = S1 and R2'R2 = S2 it is the nuclear norm of R1 R2', which gives the
routes below; none of them needs the square root of a non-symmetric matrix, so nothing imaginary can appear.
"""

import torch
from torch import Tensor

from bench.errors import UserError
from bench.features.features import Features
from bench.features.products import congruence
from bench.features.statistics import Statistics, statistics


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


def fid_of_statistics(real_statistics: Statistics, fake_statistics: Statistics) -> float:
    """FID of two sides of which mean and covariance suffice."""
    return frechet_distance(real_statistics, fake_statistics)


def sfid(real_spatial: Statistics, fake_spatial: Statistics) -> float:
    """FID of feature maps before their pooling, which know where things are (Nash et al. 2021, arXiv:2103.03841)."""
    return frechet_distance(real_spatial, fake_spatial)


def reconstruction_fid(target_statistics: Statistics, output_statistics: Statistics) -> float:
    """FID between reconstructions and their originals."""
    return frechet_distance(target_statistics, output_statistics)


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

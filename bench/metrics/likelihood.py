"""Feature likelihood divergence: how likely are unseen images under a density that the fakes carry?

Jiralerspong, Bose, Gemp, Qin, Bachrach & Gidel 2023 (arXiv:2302.04440). Every fake becomes the centre of an isotropic
Gaussian whose variance is fitted so that the training images are likely; the mean negative log-likelihood of the held-out
images per feature dimension, less that under the same density around half of the training images, times 100, is FLD. A
fake that copies a training image gets a variance near zero and covers nothing unseen. The gap is the same for training
minus held-out images: far below zero, the fakes sit on the training images.

Conventions are those of the authors' code (marcojira/fld, MoG.py, FLD.py at 245ac7c): features standardised by the held-out
images, at most 10,000 fakes, log-variances by 50 steps of Adam (0.5) from the distance to the nearest training image, and
beside the Gaussians, while fitting alone, a wide one around the training mean, so that no image is hopeless.

Departure: at most 10,000 training images fit the variances (one batch of the code), in an order that is fixed here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import log, pi

import numpy as np
import torch
from torch import Tensor

from bench.errors import UserError
from bench.features.features import Features
from bench.features.memoise import cached_by_identity
from bench.metrics.contract import Estimate

CENTRES, FITTED = 10_000, 10_000  # most fakes, most training images that fit the variances
STEPS, RATE, NEAREST = 50, 0.5, 1e-3  # of Adam; added to the distance of the nearest image, so that it is not zero
BACKGROUND = 0.9**2  # by which squared distances of the wide Gaussian are multiplied
LOWEST, HIGHEST = -40.0, 20.0  # of log-variances
MEMORISED = -1000.0  # the gap at which the authors' code warns
SEED, CHUNK, SCALE = 2020, 1000, 100.0


def fld(train: Features, held_out: Features, fake: Features) -> Estimate:
    """100 * (nats per dimension of held-out images under the fakes' density - under that of half the training images).

    0: as good as training images; the lower the better. Raises UserError for fewer than 4 training images.
    """
    return Estimate(
        SCALE * (_nats(train, held_out, fake).held_out - _reference(train, held_out, min(len(fake), CENTRES)))
    )


def fld_gap(train: Features, held_out: Features, fake: Features) -> Estimate:
    """100 * (nats per dimension of training images - of held-out images) under the fakes' density; flagged below -1000."""
    nats = _nats(train, held_out, fake)
    value = SCALE * (nats.train - nats.held_out)
    flags = (
        (f"memorised: training images are far likelier than held-out ones, by {-value:.0f}",)
        if value < MEMORISED
        else ()
    )
    return Estimate(value, flags=flags)


@dataclass(frozen=True)
class _Nats:
    """Mean negative log-likelihood per dimension, nats."""

    train: float
    held_out: float


@cached_by_identity
def _nats(train: Features, held_out: Features, fake: Features) -> _Nats:
    x, y, centres = (_standardised(side.features, held_out) for side in (_some(train), held_out, _some(fake)))
    variances = fitted(centres, x)
    return _Nats(*(-float(log_density(points, centres, variances).mean()) / x.shape[1] for points in (x, y)))


def _reference(train: Features, held_out: Features, count: int) -> float:
    """Nats per dimension of held-out images, where some training images carry the density and others fit it."""
    if len(train) < 4:
        raise UserError(f"FLD needs at least 4 training images, got {len(train)}. Give more real images.")
    order = _order(len(train))
    half = min(count, len(train) // 2)
    centres, rest = order[:half], order[half : half + FITTED]
    mu, x = (_standardised(train.features[rows], held_out) for rows in (centres, rest))
    y = _standardised(held_out.features, held_out)
    return -float(log_density(y, mu, fitted(mu, x)).mean()) / y.shape[1]


def log_density(points: Tensor, centres: Tensor, log_variances: Tensor) -> Tensor:
    """Log of the mean over j of N(centre_j, variance_j I) at each point: (N, D), (M, D), (M,) -> (N,) float64."""
    parts = [
        (_logs(distances, log_variances, centres.shape[1]) - log(len(centres))).logsumexp(1)
        for distances in _distances(points, centres)
    ]
    return torch.cat(parts)


def fitted(centres: Tensor, points: Tensor) -> Tensor:
    """Log-variances (M,) under which ``points`` (N, D) are likely, see the head of this file; float64."""
    width = centres.shape[1]
    distances = torch.cat([part.float() for part in _distances(points, centres)])  # (N, M): half the memory
    around = BACKGROUND * (points - points.mean(0)).square().sum(1, keepdim=True).float()  # (N, 1)
    logs = ((distances.amin(0).double() + NEAREST) / width).log()
    wide = logs.new_zeros(1)
    optimiser = torch.optim.Adam([logs, wide], lr=RATE)
    for _ in range(STEPS):
        logs.grad, wide.grad = gradients(distances, around, logs, wide, width)
        optimiser.step()
        logs.clamp_(LOWEST, HIGHEST)
    return logs


def gradients(distances: Tensor, around: Tensor, logs: Tensor, wide: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Of the mean negative log-likelihood per dimension by the log-variances (M,) and by that of the wide Gaussian (1,).

    An image i answers for the Gaussian j with the share r_ij of its density, which pulls by 1/2 - d_ij / (2 D variance_j).
    """
    of_logs, of_wide = torch.zeros_like(logs), torch.zeros_like(wide)
    for part, far in zip(distances.split(CHUNK), around.split(CHUNK), strict=True):
        near = _logs(part, logs, width) - log(len(logs))
        both = torch.cat([near, _logs(far, wide, width)], 1)
        share = both.sub_(both.logsumexp(1, keepdim=True)).exp_()
        pull = share[:, :-1]
        of_logs += pull.sum(0) / 2 - (pull * part).sum(0) / (2 * width * logs.exp())
        of_wide += share[:, -1].sum() / 2 - (share[:, -1:] * far).sum() / (2 * width * wide.exp())
    return of_logs / len(distances), of_wide / len(distances)


def _logs(distances: Tensor, log_variances: Tensor, width: int) -> Tensor:
    """Log-densities of Gaussians at squared distances (N, M), in the distances' precision."""
    scale = (-0.5 * torch.exp(-log_variances)).to(distances.dtype)
    constant = (-width / 2 * (log_variances + log(2 * pi))).to(distances.dtype)
    return distances * scale + constant


def _distances(points: Tensor, centres: Tensor) -> Iterator[Tensor]:
    """Squared distances, (CHUNK, M) at a time, from a product in float64."""
    norms = centres.square().sum(1)
    for rows in points.split(CHUNK):
        yield (rows.square().sum(1)[:, None] + norms - 2 * rows @ centres.T).clamp_(min=0)


def _standardised(features: Tensor, held_out: Features) -> Tensor:
    """(features - mean) / deviation of the held-out images, float64; a dimension without variation there is only centred."""
    known = held_out.features.double()
    spread = known.std(0)
    return (features.double() - known.mean(0)) / torch.where(spread > 0, spread, 1.0)


def _order(count: int) -> Tensor:
    return torch.from_numpy(np.random.RandomState(SEED).permutation(count))


def _some(sample: Features) -> Features:
    """The sample, or 10,000 of it."""
    most = min(CENTRES, FITTED)
    return sample if len(sample) <= most else Features(sample.features[_order(len(sample))[:most]])

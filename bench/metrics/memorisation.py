"""Memorisation: are the fakes nearer to the training images than unseen real images are?

Every figure stands beside the one that held-out real images get in the fakes' place. None of the published metrics can
tell copying from low diversity or blur by itself (Stein et al. 2023, arXiv:2306.04675, section 5); the flag says only
what was counted.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
import torch
from torch import Tensor

from bench.features.features import Features
from bench.features.memoise import cached_by_identity
from bench.metrics.contract import Estimate
from bench.metrics.nearest import nearest, nearest_to

NEAR = 0.01  # "near" is nearer than this share of the held-out images
SUSPICIOUS = 0.05  # share of near fakes from which the flag is raised: five times what held-out images show
CELLS, COMPONENTS, FEWEST_IN_CELL, SEED = 3, 64, 20, 2020


def nearest_train(train: Features, held_out: Features, fake: Features) -> Estimate:
    """Mean distance of a fake to its nearest training image; baseline: of a held-out image."""
    return Estimate(
        float(_to_train(fake, train)[0].mean()),
        baseline=float(_to_train(held_out, train)[0].mean()),
        flags=_flags(train, held_out, fake),
    )


def copies(train: Features, held_out: Features, fake: Features) -> Estimate:
    """Share of fakes nearer to a training image than 99 % of held-out images are; baseline: by one half for the other."""
    held = _to_train(held_out, train)[0]
    first, second = _halves(held)
    return Estimate(_near(_to_train(fake, train)[0], held), baseline=_near(first, second),
                    flags=_flags(train, held_out, fake))  # fmt: skip


def auth_pct(train: Features, held_out: Features, fake: Features) -> Estimate:
    """AuthPct: percentage of fakes farther from their nearest training image than that image from its own nearest.

    Alaa et al. 2022 (arXiv:2102.08921), section 3.3. Independent samples do not get 50 %: read it beside the baseline.
    """
    return Estimate(_authentic(fake, train), baseline=_authentic(held_out, train), flags=_flags(train, held_out, fake))


def c_t(train: Features, held_out: Features, fake: Features) -> Estimate:
    """C_T: Mann-Whitney z of distances to the training set, fakes against held-out, averaged over three cells.

    Meehan et al. 2020 (arXiv:2004.05675), section 3.2, with the cells of Stein et al. 2023 (64 principal components,
    k-means). Far below zero: fakes lie nearer to the training images than held-out images do. It grows with sqrt(N).
    The baseline pits one half of the held-out images against the other.
    """
    held = _placed(held_out, train)
    first, second = _halves(torch.arange(len(held_out)))
    return Estimate(
        _copying_score(_placed(fake, train), held),
        baseline=_copying_score(held.rows(first), held.rows(second)),
        flags=_flags(train, held_out, fake),
    )


@cached_by_identity
def _to_train(sample: Features, train: Features) -> tuple[Tensor, Tensor]:
    """Distance (N,) to the nearest training image, and which one (N,)."""
    squared, index = nearest_to(sample.features, train.features, 1)
    return squared[:, 0].sqrt(), index[:, 0]


@cached_by_identity
def _own_distances(train: Features) -> Tensor:
    return nearest(train.features, 1)[:, 0].sqrt()


def _authentic(sample: Features, train: Features) -> float:
    distance, index = _to_train(sample, train)
    return 100 * float((distance > _own_distances(train)[index]).double().mean())


@cached_by_identity
def _flags(train: Features, held_out: Features, fake: Features) -> tuple[str, ...]:
    share = _near(_to_train(fake, train)[0], _to_train(held_out, train)[0])
    if share < SUSPICIOUS:
        return ()
    return (f"memorised: {share:.0%} of fakes are nearer to a training image than 99% of held-out images are",)


def _near(distances: Tensor, reference: Tensor) -> float:
    return float((distances < torch.quantile(reference, NEAR)).double().mean())


def _halves(rows: Tensor) -> tuple[Tensor, Tensor]:
    order = torch.from_numpy(np.random.RandomState(SEED).permutation(len(rows)))
    half = len(rows) // 2
    return rows[order[:half]], rows[order[half:]]


@dataclass(frozen=True)
class _Placed:
    """Distances to the training set with the cell in which each nearest training image lies."""

    distance: Tensor  # (N,)
    cell: Tensor  # (N,) int64

    def rows(self, index: Tensor) -> "_Placed":
        return _Placed(self.distance[index], self.cell[index])


def _placed(sample: Features, train: Features) -> _Placed:
    distance, index = _to_train(sample, train)
    return _Placed(distance, _cells(train)[index])


@cached_by_identity
def _cells(train: Features) -> Tensor:
    """Cell of each training image, (N,): k-means in the leading principal components."""
    from sklearn.cluster import KMeans

    centred = train.features.double() - train.features.mean(0, dtype=torch.float64)
    axes = torch.linalg.eigh(centred.T @ centred).eigenvectors[:, -COMPONENTS:]
    means = KMeans(CELLS, n_init=10, random_state=SEED)  # pyright: ignore[reportArgumentType] - read off the default
    found = means.fit_predict((centred @ axes).cpu().numpy())
    return torch.from_numpy(found.astype(np.int64))


def _copying_score(fakes: _Placed, held: _Placed) -> float:
    """Mean z over the cells with enough fakes, weighted by the share of held-out images in them."""
    total = weight = 0.0
    for cell in range(CELLS):
        q, p = fakes.distance[fakes.cell == cell], held.distance[held.cell == cell]
        if len(q) >= FEWEST_IN_CELL and len(p) > 0:
            total += len(p) * mann_whitney_z(q, p)
            weight += len(p)
    return total / weight if weight else 0.0


def mann_whitney_z(q: Tensor, p: Tensor) -> float:
    """z of the number of pairs with q > p (ties count half), normal approximation without tie correction."""
    ordered = p.sort().values
    below = torch.searchsorted(ordered, q, side="left").double()
    not_above = torch.searchsorted(ordered, q, side="right").double()
    u = float((below + not_above).sum()) / 2
    n, m = len(q), len(p)
    return (u - n * m / 2) / sqrt(n * m * (n + m + 1) / 12)

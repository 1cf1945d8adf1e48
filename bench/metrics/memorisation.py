"""Memorisation: are the fakes nearer to the training images than unseen real images are?

Every figure stands beside the one that held-out real images get in the fakes' place. None of the published metrics can
tell copying from low diversity or blur by itself (Stein et al. 2023, arXiv:2306.04675, section 5); the flag says only
what was counted.

Held-out images that are training images say nothing about unseen ones: they are counted, said, and left out of what
fakes are held against. So are near-duplicates where the flag is decided: CIFAR-10 has 3 % of them (Barz & Denzler 2020).
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
import torch
from scipy.stats import hypergeom  # pyright: ignore[reportMissingTypeStubs]
from torch import Tensor

from bench.features.features import Features
from bench.features.memoise import cached_by_identity
from bench.metrics.contract import Estimate
from bench.metrics.nearest import nearest, nearest_to

NEAR = 0.01  # "near" is nearer than this share of the held-out images
SUSPICIOUS = 0.05  # share of near fakes from which the flag is raised
TIMES = 5  # and so many times the share of held-out images that are as near
CHANCE = 1e-3  # and so improbable were fakes and held-out images of one distribution
DUPLICATE = 0.1  # share of the median distance of held-out images within which one is a near-duplicate
ROUNDING = 1e-5  # relative: features of equal images differ by less
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
    held = _unseen(train, held_out)
    first, second = _halves(held)
    near = _to_train(fake, train)[0] < _radius(held)
    return Estimate(
        float((near | _is_copy(fake, train)).double().mean()),
        baseline=float((first < _radius(second)).double().mean()) if len(held) > 1 else None,
        flags=_flags(train, held_out, fake),
    )


def auth_pct(train: Features, held_out: Features, fake: Features) -> Estimate:
    """AuthPct: percentage of fakes farther from their nearest training image than that image from its own nearest.

    Alaa et al. 2022 (arXiv:2102.08921), section 3.3. Independent samples do not get 50 %: read it beside the baseline.
    """
    return Estimate(_authentic(fake, train), baseline=_authentic(held_out, train), flags=_flags(train, held_out, fake))


def c_t(train: Features, held_out: Features, fake: Features) -> Estimate:
    """C_T: Mann-Whitney z of distances to the training set, fakes against held-out, averaged over three cells.

    Meehan et al. 2020 (arXiv:2004.05675), section 3.2, with three cells by k-means in 64 principal components, as Stein
    et al. 2023 have them. Far below zero: fakes lie nearer to the training images than held-out images do. It grows with
    sqrt(N). The baseline pits one half of the held-out images against the other.

    It is not the number of Stein et al.'s code (dgm-eval, metrics/ct.py). There distances are taken in the 64 components
    and to the training images of the sample's own cell, which k-means predicts, U has a continuity correction of 1/2, a
    cell counts from 21 fakes on, and k-means has no seed. Here distances are those of all features to the nearest of all
    training images, whose cell is the sample's, and a cell counts from 20 fakes on: one search serves every metric of
    this file, and the same images give the same number.
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
    seen = int(_is_copy(held_out, train).sum())
    leak = f"{seen} of {len(held_out)} held-out images are training images"
    return (*_memorised(train, held_out, fake), *((leak,) if seen else ()))


def _memorised(train: Features, held_out: Features, fake: Features) -> tuple[str, ...]:
    """Whether many more fakes than unseen images are very near to a training image, and not by chance."""
    held, copied = _unseen(train, held_out), _is_copy(fake, train)
    if len(held) == 0:  # there is nothing to hold the fakes against, and copies are copies
        share = float(copied.double().mean())
        return (f"memorised: {share:.0%} of fakes are training images",) if share >= SUSPICIOUS else ()
    radius = max(_radius(held), DUPLICATE * float(held.median()))
    near = int(((_to_train(fake, train)[0] < radius) | copied).sum())
    near_held = int((held < radius).sum())
    share, expected = near / len(fake), max(near_held / len(held), NEAR)
    # Fisher's exact test; one more than the held-out images that are near, because the radius is drawn from them.
    chance = float(hypergeom.sf(near - 1, len(fake) + len(held) + 1, near + near_held + 1, len(fake)))
    if share < SUSPICIOUS or share < TIMES * expected or chance > CHANCE:
        return ()
    farther = 1 - near_held / len(held)
    return (
        f"memorised: {share:.0%} of fakes are nearer to a training image than {farther:.0%} of held-out images are",
    )


def _radius(held: Tensor) -> float:
    """The distance than which NEAR of the held-out images are nearer; 0 where there are none."""
    return float(torch.quantile(held, NEAR)) if len(held) else 0.0


@cached_by_identity
def _unseen(train: Features, held_out: Features) -> Tensor:
    """Distances to the training set of those held-out images that are no training images, (M,)."""
    return _to_train(held_out, train)[0][~_is_copy(held_out, train)]


@cached_by_identity
def _is_copy(sample: Features, train: Features) -> Tensor:
    """Which images have the features of a training image, up to rounding, (N,) bool."""
    length = sample.features.square().sum(1).sqrt()
    return _to_train(sample, train)[0] <= ROUNDING * length


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

"""Precision, recall, density and coverage: who lies in whose nearest-neighbour balls.

Precision and recall: Kynkäänniemi et al. 2019 (arXiv:1904.06991), equations 1 and 2: k = 3, balls closed (distance <=
radius). Density and coverage: Naeem et al. 2020 (arXiv:2002.09797), equations 5 and 8: k = 5, balls open (<).
The radius of a point is the distance to its k-th nearest other point of its own sample.

All four come from one pass over the distances.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from bench.errors import UserError
from bench.features.features import Features
from bench.features.memoise import cached_by_identity
from bench.metrics.contract import Estimate
from bench.metrics.nearest import balls, nearest


@dataclass(frozen=True)
class Ball:
    """A convention: reach of the balls, and whether their border belongs to them."""

    k: int
    closed: bool


@dataclass(frozen=True)
class Overlap:
    """The four shares under one convention, each in [0, 1] except density, which is >= 0."""

    precision: float
    recall: float
    density: float
    coverage: float


KYNKAANNIEMI = Ball(k=3, closed=True)
NAEEM = Ball(k=5, closed=False)
REACH = max(KYNKAANNIEMI.k, NAEEM.k)


def precision(real: Features, fake: Features) -> float:
    """Share of fakes inside the ball of any real sample (k = 3, closed)."""
    return _overlaps(real, fake)[0].precision


def recall(real: Features, fake: Features) -> float:
    """Share of real samples inside the ball of any fake (k = 3, closed)."""
    return _overlaps(real, fake)[0].recall


def density(real: Features, fake: Features) -> float:
    """Mean number of real balls around a fake, divided by k (k = 5, open); 1 is expected for equal distributions."""
    return _overlaps(real, fake)[1].density


def coverage(real: Features, fake: Features) -> Estimate:
    """Share of real samples whose ball holds a fake (k = 5, open); baseline: what fakes like the real samples would get."""
    return Estimate(_overlaps(real, fake)[1].coverage, baseline=expected_coverage(len(real), len(fake), NAEEM.k))


def expected_coverage(real: int, fake: int, k: int) -> float:
    """The coverage of M fakes of the same distribution as N real samples: 1 - prod_{i=1..k} (N - i) / (N + M - i).

    Of a real sample's N - 1 + M neighbours in random order, the k nearest are all real with that product's probability
    (Naeem et al. 2020, lemma 2, for N and M that differ). It is well below 1 where there are fewer fakes than real samples.
    """
    return 1 - math.prod((real - i) / (real + fake - i) for i in range(1, k + 1))


def overlap(real: Tensor, fake: Tensor, ball: Ball) -> Overlap:
    """All four shares of ``real`` (N, D) and ``fake`` (M, D) under one convention; N, M > k."""
    return _count(real, fake, nearest(real, ball.k), nearest(fake, ball.k), [ball])[0]


@cached_by_identity
def _overlaps(real: Features, fake: Features) -> list[Overlap]:
    radii = squared_radii(real), squared_radii(fake)
    return _count(real.features, fake.features, *radii, [KYNKAANNIEMI, NAEEM])


@cached_by_identity
def squared_radii(sample: Features) -> Tensor:
    """(N, k) for both conventions; the real side's are computed once for a whole training run."""
    if len(sample) <= REACH:
        raise UserError(f"a ball that reaches the {REACH}th neighbour needs at least {REACH + 1} samples, "
                        f"got {len(sample)}. Draw more samples.")  # fmt: skip
    return nearest(sample.features, REACH)


def _count(
    real: Tensor, fake: Tensor, real_radii: Tensor, fake_radii: Tensor, conventions: list[Ball]
) -> list[Overlap]:
    """One pass over all pairs; squared radii (N, K) and (M, K), column k - 1 for the k-th neighbour."""
    tallies = [_Tally(len(real), len(fake), ball) for ball in conventions]
    for a, b, block in balls(real, fake):
        for tally in tallies:
            k, closed = tally.ball.k, tally.ball.closed
            in_real = block.inside(real_radii[a, k - 1, None], closed)
            tally.balls_around_fake[b] += in_real.sum(0).cpu()
            tally.real_ball_hit[a] |= in_real.any(1).cpu()
            in_fake = block.inside(fake_radii[b, k - 1][None], closed)  # in the place of in_real
            tally.real_in_fake[a] |= in_fake.any(1).cpu()
    return [tally.overlap() for tally in tallies]


class _Tally:
    """Counts under one convention."""

    def __init__(self, real: int, fake: int, ball: Ball):
        self.ball = ball
        self.balls_around_fake = torch.zeros(fake, dtype=torch.int64)
        self.real_ball_hit = torch.zeros(real, dtype=torch.bool)
        self.real_in_fake = torch.zeros(real, dtype=torch.bool)

    def overlap(self) -> Overlap:
        return Overlap(
            precision=_share(self.balls_around_fake > 0),
            recall=_share(self.real_in_fake),
            density=float(self.balls_around_fake.double().mean()) / self.ball.k,
            coverage=_share(self.real_ball_hit),
        )


def _share(mask: Tensor) -> float:
    return float(mask.double().mean())

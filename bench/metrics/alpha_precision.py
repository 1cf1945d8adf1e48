"""Alpha-precision and beta-recall: are the fakes as typical, and the real images as well covered, as they should be?

Alaa, van Breugel, Saveliev & van der Schaar 2022 (arXiv:2102.08921), sections 3 and 4. The alpha-support of a sample is the
ball around its mean that holds the share alpha of it. P(alpha), the share of fakes in that ball of the real images, should
be alpha; R(beta), the share of real images that are covered by fakes of their beta-support, should be beta. Each curve
becomes one number in [0, 1], 1 - 2 times the area between it and the diagonal. Authenticity, the third of the paper's
scores, is ``auth-pct``.

Departures: the paper first maps features into a sphere by a one-class network trained on the real images; here the balls are
those of the extractor's own features, as in the authors' code without that network. A real image is covered when its
nearest fake is not farther than its 5th real neighbour, as in coverage here, where the code takes the first: equal
distributions would then get 0.5. Areas are exact, not sums over 30 steps.
"""

import torch
from torch import Tensor

from bench.features.features import Features
from bench.metrics.contract import Estimate
from bench.metrics.nearest import centre_of, nearest_to
from bench.metrics.precision_recall import NAEEM, expected_coverage, squared_radii

BRIDGE = 0.6267  # sqrt(2 pi) / 4: twice the mean area under the absolute value of a Brownian bridge


def alpha_precision(real: Features, fake: Features) -> Estimate:
    """1 - 2 * the area between P and the diagonal; baseline: equal distributions, 1 - 0.63 sqrt(1/N + 1/M).

    P(alpha) is the share of fakes not farther from the real images' mean than the share alpha of real images. With few
    real images for many dimensions even equal distributions stay below the baseline: the mean is fitted to the real side.
    """
    value = agreement(_shares_nearer(_radii(real.features, real), _radii(fake.features, real)))
    return Estimate(value, baseline=max(1 - BRIDGE * (1 / len(real) + 1 / len(fake)) ** 0.5, 0.0))


def beta_recall(real: Features, fake: Features) -> Estimate:
    """1 - 2 * the area between R and the diagonal; baseline: equal distributions, whose coverage is the limit.

    R(beta) is the share of real images that are covered by a fake which is among the share beta of them nearest to the
    fakes' mean: of the fakes that are nearest to some real image, as the authors' code has it.
    """
    distance, index = nearest_to(real.features, fake.features, 1)
    radii = _radii(fake.features, fake)[index[:, 0]]
    covered = distance[:, 0] <= squared_radii(real)[:, NAEEM.k - 1]
    shares = torch.where(covered, _shares_nearer(radii, radii), torch.inf)
    return Estimate(agreement(shares), baseline=expected_coverage(len(real), len(fake), NAEEM.k))


def agreement(levels: Tensor) -> float:
    """1 - 2 * the integral of |F(x) - x| over [0, 1]; F(x) is the share of ``levels`` (N,) below x.

    Levels are >= 0; one that is 1 or more is never reached. 1 for levels that are evenly spread, 0 when all are 0 or none
    is ever reached.
    """
    ends = torch.cat([levels.new_zeros(1), levels.clamp(max=1).sort().values, levels.new_ones(1)])
    height = torch.arange(len(levels) + 1, dtype=levels.dtype) / len(levels)  # of F between the ends
    area = _signed_square(ends[1:] - height) - _signed_square(ends[:-1] - height)
    return min(max(1 - 2 * float(area.sum()), 0.0), 1.0)


def _signed_square(x: Tensor) -> Tensor:
    """The antiderivative of |x|."""
    return x * x.abs() / 2


def _radii(points: Tensor, centred_on: Features) -> Tensor:
    """Distance of each row from the mean of a sample, (N,) float64."""
    centre = centre_of(centred_on.features)
    return torch.cat([(rows.double() - centre).square().sum(1).sqrt() for rows in points.split(4096)]).cpu()


def _shares_nearer(reference: Tensor, radii: Tensor) -> Tensor:
    """The share of ``reference`` (N,) that is smaller than each of ``radii`` (M,)."""
    return torch.searchsorted(reference.sort().values, radii).double() / len(reference)

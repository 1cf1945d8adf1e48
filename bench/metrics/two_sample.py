"""Two-sample tests: can the fakes be told from the real images?

Lopez-Paz & Oquab 2017 (arXiv:1610.06545). Both sides get equally many images, the first of a fixed permutation of the
larger one, so that guessing is right half of the time.

The 1-nearest-neighbour classifier (section 2 there; Xu et al. 2018, arXiv:1806.07755, section 3.1, found it the best of
the usual scores) leaves one out: an image is right when its nearest other image is of its own kind.
"""

import numpy as np
import torch
from torch import Tensor

from bench.features.features import Features
from bench.metrics.contract import Estimate
from bench.metrics.nearest import nearest, nearest_to
from bench.metrics.precision_recall import squared_radii

SEED = 2020


def nn_accuracy(real: Features, fake: Features) -> Estimate:
    """Leave-one-out accuracy of the 1-nearest-neighbour classifier over N real and N fake images; ties count half.

    1: real and fake lie apart. The baseline, (N - 1) / (2N - 1), is what equal distributions give: of an image's other
    2N - 1 images, N - 1 are of its own kind. Below it lie fakes that sit on real images, and the value is flagged.
    """
    count = min(len(real), len(fake))
    x, y = _rows(real, count), _rows(fake, count)
    right = torch.cat([_nearer(_own(real, x), x, y), _nearer(_own(fake, y), y, x)])
    value, baseline = float(right.mean()), (count - 1) / (2 * count - 1)
    near = value < baseline - 3 / (2 * count) ** 0.5  # six deviations of a coin thrown 2N times: neighbours depend
    flags = (f"nearer to real images than unseen ones are: accuracy {value:.0%} below {baseline:.0%}",) if near else ()
    return Estimate(value, baseline=baseline, flags=flags)


def _rows(sample: Features, count: int) -> Tensor:
    """``count`` of the rows, all of them where there are no more."""
    if len(sample) == count:
        return sample.features
    return sample.features[torch.from_numpy(np.random.RandomState(SEED).permutation(len(sample))[:count])]


def _own(sample: Features, rows: Tensor) -> Tensor:
    """Squared distance of each row to its nearest other row, (N,); shared with precision where the sample is whole."""
    return (squared_radii(sample) if rows is sample.features else nearest(rows, 1))[:, 0]


def _nearer(own: Tensor, rows: Tensor, others: Tensor) -> Tensor:
    """1 where a row's own kind is nearer, 0 where the others are, 1/2 for a tie; (N,) float64."""
    other = nearest_to(rows, others, 1)[0][:, 0]
    return (own < other).double() + (own == other).double() / 2

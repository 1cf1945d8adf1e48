"""Two-sample tests: can the fakes be told from the real images?

Lopez-Paz & Oquab 2017 (arXiv:1610.06545). Both sides get equally many images, the first of a fixed permutation of the
larger one, so that guessing is right half of the time.

The 1-nearest-neighbour classifier, which Xu et al. 2018 (arXiv:1806.07755) found the best of the usual scores,
leaves one out: an image is right when its nearest other image is of its own kind.

The classifier two-sample test (section 3) trains logistic regression on the features of one half of the images and asks it
about the other half. That classifier is convex and has no seed; theirs is a small network.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import hypergeom  # pyright: ignore[reportMissingTypeStubs]
from torch import Tensor

from bench.errors import UserError
from bench.features.features import Features
from bench.features.memoise import cached_by_identity
from bench.metrics.conditional import probe
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


def c2st(real: Features, fake: Features) -> Estimate:
    """Accuracy of a classifier, real or fake, on images that it was not trained on; 1/2: it learned no difference.

    The error is the standard deviation of guessing, 1 / (2 sqrt(images tested)).
    """
    seen = _verdict(real, fake)
    return Estimate(seen.right / (2 * seen.each), error=0.5 / (2 * seen.each) ** 0.5, baseline=0.5)


def c2st_p(real: Features, fake: Features) -> float:
    """How probable so many right answers or more were if real images and fakes were of one distribution, in (0, 1]."""
    return p_value(_verdict(real, fake))


@dataclass(frozen=True)
class Verdict:
    """What a classifier said of ``each`` real images and as many fakes that it had not seen."""

    each: int
    called_fake: int  # of all images
    fakes_found: int  # of the fakes

    @property
    def right(self) -> int:
        """Answers that are right: of the real images, those that were not called fake."""
        return self.fakes_found + self.each - (self.called_fake - self.fakes_found)


def p_value(seen: Verdict) -> float:
    """Fisher's exact test, one-sided: exact for every classifier and every number of images.

    Under one distribution each choice of ``each`` images among those tested is as likely to be the fakes: how many of
    them are among those called fake is hypergeometric. (The paper's normal approximation takes the answers
    for independent coins.)
    """
    return float(hypergeom.sf(seen.fakes_found - 1, 2 * seen.each, seen.each, seen.called_fake))


@cached_by_identity
def _verdict(real: Features, fake: Features) -> Verdict:
    """Train on one half of both sides, ask about the other. Raises UserError for fewer than 2 images on a side."""
    count = min(len(real), len(fake))
    if count < 2:
        raise UserError(
            f"a classifier test trains on half of the images and needs 2 on each side, got {count}. Draw more samples."
        )
    x, y = (
        _rows(side, count)[torch.from_numpy(np.random.RandomState(SEED + 1).permutation(count))]
        for side in (real, fake)
    )
    half = count // 2
    label = torch.arange(2, device=x.device)
    fitted = Features(torch.cat([x[:half], y[:half]]), labels=label.repeat_interleave(half))
    tested = torch.cat([x[half:], y[half:]])
    called = probe(fitted, tested).bool()
    return Verdict(count - half, int(called.sum()), int(called[count - half :].sum()))

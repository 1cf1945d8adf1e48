"""Precision and recall within classes: who lies in whose balls among images of one class.

Kynkäänniemi et al. 2019 (arXiv:1904.06991), equations 1 and 2 (k = 3, border inside), class by class. Over all images a
fake is precise when it looks like any real image; here it must look like one of the class that was asked for, and recall
shows a class that lost its variety behind a good total.
"""

import torch
from torch import Tensor

from bench.errors import UserError
from bench.features.features import Features
from bench.features.memoise import cached_by_identity
from bench.metrics.conditional import labels_of
from bench.metrics.contract import Estimate
from bench.metrics.precision_recall import KYNKAANNIEMI, Overlap, overlap

FEWEST = KYNKAANNIEMI.k + 1  # images of a class: a ball reaches the third other one
ENOUGH = 50  # of a class: with fewer the balls are wide


def class_precision(real: Features, fake: Features) -> Estimate:
    """Mean over the real classes of the precision within the class; the error is the standard deviation over classes."""
    return _mean({label: found.precision for label, found in within(real, fake).items()}, real, fake)


def class_recall(real: Features, fake: Features) -> Estimate:
    """Mean over the real classes of the recall within the class; the error is the standard deviation over classes."""
    return _mean({label: found.recall for label, found in within(real, fake).items()}, real, fake)


@cached_by_identity
def within(real: Features, fake: Features) -> dict[int, Overlap]:
    """Precision, recall, density and coverage (k = 3, closed) of every real class.

    Raises UserError where a side has no labels, or fewer than 4 images of a class.
    """
    groups = {int(label): (_of(real, int(label)), _of(fake, int(label))) for label in labels_of(real).unique()}
    for label, sides in groups.items():
        for kind, rows in zip(("real images", "fakes"), sides, strict=True):
            if len(rows) < FEWEST:
                raise UserError(
                    f"precision and recall within classes need at least {FEWEST} {kind} of every class; class {label} has "
                    f"{len(rows)}. Draw more samples, or leave the metric out."
                )
    return {label: overlap(x, y, KYNKAANNIEMI) for label, (x, y) in groups.items()}


def _of(sample: Features, label: int) -> Tensor:
    return sample.features[labels_of(sample) == label]


def _mean(values: dict[int, float], real: Features, fake: Features) -> Estimate:
    every = torch.tensor(list(values.values()), dtype=torch.float64)
    fewest = min(len(_of(side, label)) for side in (real, fake) for label in values)
    flags = (f"only {fewest} images in a class: at least {ENOUGH} are needed to trust it",) if fewest < ENOUGH else ()
    return Estimate(float(every.mean()), error=float(every.std()) if len(every) > 1 else None, flags=flags)

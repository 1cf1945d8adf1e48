"""Mode coverage: which classes a classifier sees among the fakes, and how evenly.

Modes hit and KL(fake || real): Metz et al. 2017 (arXiv:1611.02163), section 3.3, and Lin et al. 2018 (PacGAN,
arXiv:1712.04086), section 4. A stacked image carries one digit per channel, hence 1000 modes; the classifier sees each
channel by itself. With few samples even real images miss modes: 26,000 draws of 1000 modes miss none, 2,000 miss 135.
"""

import torch
from torch import Tensor

from bench.errors import UserError
from bench.features.features import Features
from bench.metrics.contract import Estimate

MISSED = 0.5  # modes missed by chance from which a number of modes is flagged
BIAS = 0.05  # nats by which too few samples raise a divergence from which it is flagged


def modes(fake: Features) -> Estimate:
    """Number of classes that at least one fake is put in."""
    predicted = _predicted(fake)
    return Estimate(float(predicted.unique().numel()), flags=_missed(len(predicted), _classes(fake)))


def mode_kl(real: Features, fake: Features) -> Estimate:
    """KL, in nats, from the classes of the fakes to those of the real images."""
    truth = _predicted(real) if real.labels is None else real.labels
    return divergence(_predicted(fake), truth)


def stacked_modes(fake_channels: Features) -> Estimate:
    """Number of combinations of three classes that at least one fake shows."""
    shown = _stacked(fake_channels)
    return Estimate(float(shown.unique().numel()), flags=_missed(len(shown), _classes(fake_channels) ** 3))


def stacked_mode_kl(real_labels: Tensor, fake_channels: Features) -> Estimate:
    """KL, in nats, from the combinations the fakes show to the labels (N,) of the real images."""
    return divergence(_stacked(fake_channels), real_labels)


def divergence(fake: Tensor, real: Tensor) -> Estimate:
    """KL(p || q) in nats of the class frequencies p of ``fake`` (N,) and q of ``real`` (M,).

    Fakes in classes that no real image has cannot be weighed: they are left out of the sum and flagged.
    """
    kinds = int(torch.maximum(fake.max(), real.max())) + 1
    p = torch.bincount(fake, minlength=kinds).double() / len(fake)
    q = torch.bincount(real, minlength=kinds).double() / len(real)
    stray = float(p[q == 0].sum())
    shared = (p > 0) & (q > 0)
    flags = [f"{stray:.1%} of fakes are in classes that no real image has"] if stray else []
    bias = (int((q > 0).sum()) - 1) / (2 * len(fake))  # of the KL of equal frequencies (Miller 1955)
    if bias > BIAS:
        flags.append(f"{len(fake)} fakes for {int((q > 0).sum())} classes: about {bias:.2g} nats too high")
    return Estimate(max(float((p[shared] * (p[shared] / q[shared]).log()).sum()), 0.0), flags=tuple(flags))


def _missed(count: int, classes: int) -> tuple[str, ...]:
    """What ``count`` draws of equal classes miss by chance: K (1 - 1/K)^N of them are expected to."""
    missed = classes * (1 - 1 / classes) ** count
    return (f"{count} draws of {classes} equal modes miss {missed:.2g} by chance",) if missed > MISSED else ()


def _classes(sample: Features) -> int:
    assert sample.logits is not None
    return sample.logits.shape[1]


def _predicted(sample: Features) -> Tensor:
    if sample.logits is None:
        raise UserError("mode coverage needs an extractor that classifies (see `bench list extractors`).")
    return sample.logits.argmax(1)


def _stacked(channels: Features) -> Tensor:
    """Classes of three consecutive channels as one number: 100 a + 10 b + c for ten classes."""
    predicted = _predicted(channels).view(-1, 3)
    assert channels.logits is not None
    base = channels.logits.shape[1]
    return (predicted * predicted.new_tensor([base * base, base, 1])).sum(1)

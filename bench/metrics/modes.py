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


def modes(fake: Features) -> float:
    """Number of classes that at least one fake is put in."""
    return float(_predicted(fake).unique().numel())


def mode_kl(real: Features, fake: Features) -> Estimate:
    """KL, in nats, from the classes of the fakes to those of the real images."""
    truth = _predicted(real) if real.labels is None else real.labels
    return divergence(_predicted(fake), truth)


def stacked_modes(fake_channels: Features) -> float:
    """Number of combinations of three classes that at least one fake shows."""
    return float(_stacked(fake_channels).unique().numel())


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
    flags = (f"{stray:.1%} of fakes are in classes that no real image has",) if stray else ()
    return Estimate(max(float((p[shared] * (p[shared] / q[shared]).log()).sum()), 0.0), flags=flags)


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

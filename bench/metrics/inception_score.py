"""Inception Score on the extractor's logits: exp of the mean KL from a sample's class distribution to the marginal.

Salimans et al. 2016 (arXiv:1606.03498), section 4. Only with the Inception-v3 of 2015 is it *the* Inception Score; on any
other classifier it is the same formula on other classes, which is why the extractor stands in the metric's id.
"""

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from bench.errors import UserError
from bench.features.features import Features
from bench.metrics.contract import Estimate

SPLITS, SEED = 10, 2020
PER_CLASS = 4  # images per class in a split: the entropy of K classes in n images is (K - 1) / 2n too low (Miller 1955)


def inception_score(fake: Features) -> Estimate:
    """Mean over 10 splits after torch-fidelity's fixed shuffle; the error is the splits' standard deviation (ddof 0)."""
    if fake.logits is None:
        raise UserError(
            "the Inception Score needs class logits and this extractor has none. Choose an extractor that classifies "
            "(see `bench list extractors`)."
        )
    # Samples may come ordered by class; unshuffled splits would then see a few classes each.
    order = np.random.RandomState(SEED).permutation(len(fake.logits))
    scores = split_scores(fake.logits[torch.from_numpy(order)], SPLITS)
    count, classes = len(order) // SPLITS, fake.logits.shape[1]
    few = count < PER_CLASS * classes
    flags = (f"{count} fakes in each of {SPLITS} splits for {classes} classes: too low",) if few else ()
    return Estimate(float(scores.mean()), error=float(scores.std(correction=0)), flags=flags)


def split_scores(logits: Tensor, splits: int) -> Tensor:
    """The score of each of ``splits`` consecutive parts of ``logits`` (N, K); (splits,) float64, each in [1, K]."""
    count = len(logits)
    if count < splits:
        raise UserError(f"the Inception Score over {splits} splits needs at least {splits} samples, got {count}.")
    bounds = [index * count // splits for index in range(splits + 1)]
    return torch.stack([_score(logits[a:b].double()) for a, b in pairwise(bounds)])


def _score(logits: Tensor) -> Tensor:
    """exp(H(marginal) - mean H(conditional)): the same as the mean KL, with 0 log 0 = 0."""
    log_p = logits.log_softmax(1)
    p = log_p.exp()
    marginal = p.mean(0)
    conditional = torch.where(p > 0, p * log_p, 0.0).sum(1).mean()
    return (conditional - torch.xlogy(marginal, marginal).sum()).exp()

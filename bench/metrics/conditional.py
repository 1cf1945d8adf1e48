"""Metrics of class-conditional generation: FID within classes, and the two classification accuracies.

Intra-FID: Miyato & Koyama 2018 (arXiv:1802.05637), section 4. GAN-test and GAN-train: Shmelkov et al. 2018
(arXiv:1807.09499); the latter is Ravuri & Vinyals' classification accuracy score (2019, arXiv:1905.10887). Here its
classifier is multinomial logistic regression on the extractor's features, which is convex, so that its only source of
randomness is the sample; the same classifier trained on equally many real images is its baseline.
"""

import numpy as np
import torch
from torch import Tensor

from bench.errors import UserError
from bench.features.features import Features
from bench.features.memoise import cached_by_identity
from bench.features.statistics import Statistics, statistics_of
from bench.metrics.contract import Estimate
from bench.metrics.fid import frechet_distance

PENALTY = 1e-3  # L2 on the weights of the logistic regression, per mean cross-entropy
SEED = 2020


def intra_fid(real: Features, fake: Features) -> Estimate:
    """Mean over the real classes of the FID within the class; needs labels on both sides and two fakes per class."""
    wanted, found = _class_statistics(real), _class_statistics(fake)
    absent = [label for label in wanted if label not in found]
    if absent:
        raise UserError(
            f"intra-FID needs at least 2 fakes of every class; class {absent[0]} has fewer ({len(absent)} such classes). "
            f"Draw more samples."
        )
    values = [frechet_distance(statistics, found[label]) for label, statistics in wanted.items()]
    fewest, width = min(found[label].count for label in wanted), real.features.shape[1]
    flags = (f"only {fewest} fakes in a class for {width} feature dimensions",) if fewest <= width else ()
    return Estimate(float(np.mean(values)), flags=flags)


def gan_test(fake: Features, held_out: Features) -> Estimate:
    """Share of fakes that the extractor's classifier puts in the class asked for; baseline: held-out real images."""
    return Estimate(_accuracy(fake), baseline=_accuracy(held_out))


def gan_train(train: Features, held_out: Features, fake: Features) -> Estimate:
    """Held-out accuracy of a classifier trained on the fakes; baseline: trained on as many real training images."""
    count = min(len(fake), len(train))
    rows = torch.from_numpy(np.random.RandomState(SEED).permutation(len(train))[:count])
    real = Features(train.features[rows], labels=labels_of(train)[rows])
    return Estimate(probe_accuracy(fake, held_out), baseline=probe_accuracy(real, held_out))


def probe_accuracy(fitted: Features, tested: Features) -> float:
    """Accuracy on ``tested`` of a logistic regression on the standardised features of ``fitted``."""
    truth = labels_of(tested)
    found = probe(fitted, tested.features, classes=int(max(labels_of(fitted).max(), truth.max())) + 1)
    return float((found == truth).double().mean())


def probe(fitted: Features, tested: Tensor, classes: int = 2) -> Tensor:
    """The classes (M,) that a logistic regression on the standardised features of ``fitted`` gives ``tested`` (M, D)."""
    mean = fitted.features.mean(0, dtype=torch.float64)
    spread = fitted.features.double().std(0).clamp(min=1e-12)
    x, y = ((features.double() - mean) / spread for features in (fitted.features, tested))
    weight, bias = _logistic_regression(x, labels_of(fitted), classes)
    return (y @ weight + bias).argmax(1)


def labels_of(sample: Features) -> Tensor:
    """The labels, or a UserError that says what lacks them."""
    if sample.labels is None:
        raise UserError(
            "this metric compares classes and the images have no class labels. Use a labelled data set and a "
            "class-conditional member, or leave out the metric."
        )
    return sample.labels


def _accuracy(sample: Features) -> float:
    if sample.logits is None:
        raise UserError("GAN-test needs an extractor that classifies (see `bench list extractors`).")
    labels = labels_of(sample)
    if int(labels.max()) >= sample.logits.shape[1]:
        raise UserError(
            f"GAN-test: labels go up to {int(labels.max())} but the extractor knows {sample.logits.shape[1]} classes. "
            f"Choose the extractor trained on this data set's classes."
        )
    return float((sample.logits.argmax(1) == labels).double().mean())


@cached_by_identity
def _class_statistics(sample: Features) -> dict[int, Statistics]:
    """Statistics of each class with at least two samples."""
    labels = labels_of(sample)
    kinds, counts = labels.unique(return_counts=True)
    return {int(k): statistics_of(sample.features[labels == k]) for k, n in zip(kinds, counts, strict=True) if n > 1}


@torch.enable_grad()
def _logistic_regression(x: Tensor, labels: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Weights (D, K) and bias (K,) that minimise mean cross-entropy + PENALTY / 2 |w|^2."""
    weight = torch.zeros(x.shape[1], classes, dtype=x.dtype, device=x.device, requires_grad=True)
    bias = torch.zeros(classes, dtype=x.dtype, device=x.device, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=200, tolerance_grad=1e-6, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        value = torch.nn.functional.cross_entropy(x @ weight + bias, labels) + PENALTY / 2 * weight.square().sum()
        value.backward()
        return value

    optimiser.step(loss)  # pyright: ignore[reportArgumentType] - the stub says float, the optimiser takes tensors
    return weight.detach(), bias.detach()

"""Perceptual distances: LPIPS with its own networks, and a named substitute on any other extractor.

LPIPS (Zhang et al. 2018, arXiv:1801.03924, equation 1) is a squared Euclidean distance between weighted, unit-normalised
activations; the extractors ``lpips-alex``, ``lpips-vgg`` and ``lpips-squeeze`` give exactly that embedding, so that
|a - b|^2 of their features is LPIPS. On any other extractor the squared distance of unit-normalised features is called
perceptual distance, never LPIPS: another name, another column.

Diversity is the mean distance over fixed pairs of fakes in which each fake occurs once, so the pairs are independent and
the standard error is honest (a mean over all pairs has no simple one).
"""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from bench.errors import UserError
from bench.features.features import Features
from bench.metrics.conditional import labels_of
from bench.metrics.contract import Estimate

LPIPS_NETWORKS = ("lpips-alex", "lpips-vgg", "lpips-squeeze")
SEED, CHUNK = 2020, 100


class Network(Protocol):
    """What of an extractor is used here."""

    @property
    def name(self) -> str: ...

    def __call__(self, images: Tensor, /) -> tuple[Tensor, Tensor | None]: ...


def lpips_diversity(fake_images: Tensor, extractor: Network) -> Estimate:
    """Mean LPIPS over random pairs of fakes; the error is the standard error of the mean."""
    _demand_lpips(extractor)
    return _mean(_lpips_of_pairs(fake_images, random_pairs(len(fake_images)), extractor))


def lpips_diversity_within(fake_images: Tensor, fake_labels: Tensor, extractor: Network) -> Estimate:
    """Mean LPIPS over random pairs of one class."""
    _demand_lpips(extractor)
    return _mean(_lpips_of_pairs(fake_images, pairs_within(fake_labels), extractor))


def perceptual_diversity(fake: Features) -> Estimate:
    """Mean perceptual distance over random pairs of fakes, in [0, 4]; the error is the standard error."""
    return _mean(_distances_of_pairs(fake.features, random_pairs(len(fake))))


def perceptual_diversity_within(fake: Features) -> Estimate:
    """Mean perceptual distance over random pairs of one class."""
    return _mean(_distances_of_pairs(fake.features, pairs_within(labels_of(fake))))


def lpips(output_images: Tensor, target_images: Tensor, extractor: Network) -> Estimate:
    """Mean LPIPS between paired images (N, C, H, W) uint8; the error is the standard error."""
    _demand_lpips(extractor)
    return _mean(torch.cat(list(_lpips_chunks(output_images, target_images, extractor))))


def perceptual_distance(output: Features, target: Features) -> Estimate:
    """Mean perceptual distance between paired images; the error is the standard error."""
    return _mean(squared_distance(output.features, target.features))


def squared_distance(a: Tensor, b: Tensor) -> Tensor:
    """|a/|a| - b/|b||^2 of rows, (N, D) twice => (N,) float64."""
    unit_a, unit_b = (torch.nn.functional.normalize(x.double(), dim=1) for x in (a, b))
    return (unit_a - unit_b).square().sum(1)


def embedding_distance(name: str, a: Tensor, b: Tensor) -> Tensor:
    """LPIPS or perceptual distance of features, whichever the extractor ``name`` stands for; (N,) float64."""
    return (a.double() - b.double()).square().sum(1) if name in LPIPS_NETWORKS else squared_distance(a, b)


def random_pairs(count: int) -> Tensor:
    """(count // 2, 2): every sample at most once, the same pairs for the same count."""
    order = torch.from_numpy(np.random.RandomState(SEED).permutation(count))
    return order[: count // 2 * 2].view(-1, 2)


def pairs_within(labels: Tensor) -> Tensor:
    """(P, 2) rows of equal label, every sample at most once."""
    groups = [(labels == label).nonzero().squeeze(1) for label in labels.unique()]
    pairs = torch.cat([group[random_pairs(len(group))] for group in groups])
    if len(pairs) < 2:
        raise UserError("diversity within classes needs at least two pairs of fakes of one class. Draw more samples.")
    return pairs


def _distances_of_pairs(features: Tensor, pairs: Tensor) -> Tensor:
    return squared_distance(features[pairs[:, 0]], features[pairs[:, 1]])


def _lpips_of_pairs(images: Tensor, pairs: Tensor, extractor: Network) -> Tensor:
    return torch.cat(list(_lpips_chunks(images[pairs[:, 0]], images[pairs[:, 1]], extractor)))


@torch.no_grad()
def _lpips_chunks(a: Tensor, b: Tensor, extractor: Network) -> Iterator[Tensor]:
    """The embedding is large, so it is never kept for a whole sample."""
    for first, second in zip(a.split(CHUNK), b.split(CHUNK), strict=True):
        yield embedding_distance(extractor.name, extractor(first)[0], extractor(second)[0]).cpu()


def _demand_lpips(extractor: Network) -> None:
    if extractor.name not in LPIPS_NETWORKS:
        raise UserError(
            f"LPIPS is defined on {', '.join(LPIPS_NETWORKS)}, not on {extractor.name!r}. Write for instance "
            f"lpips-diversity@lpips-alex, or perceptual-diversity@{extractor.name} for the distance on this network."
        )


def _mean(values: Tensor) -> Estimate:
    return Estimate(float(values.mean()), error=float(values.std()) / len(values) ** 0.5)

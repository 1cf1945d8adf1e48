"""Perceptual distances: the LPIPS embedding against the lpips library, pairs, and names that may not be mixed up."""

import pytest
import torch

from bench.errors import UserError
from bench.features.features import Features
from bench.metrics.perceptual import (
    embedding_distance,
    lpips_diversity,
    pairs_within,
    perceptual_distance,
    perceptual_diversity,
    perceptual_diversity_within,
    random_pairs,
    squared_distance,
)


def normal(n: int, d: int, seed: int) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


class Plain:
    name = "plain"

    def __call__(self, images):
        return images.flatten(1).float(), None


class Pretender(Plain):
    """An embedding under an LPIPS name: squared distance without normalisation."""

    name = "lpips-alex"


def test_squared_distance_by_hand():
    a, b = torch.tensor([[3.0, 0], [1, 1], [2, 0]]), torch.tensor([[0.0, 5], [4, 4], [-1, 0]])
    assert squared_distance(a, b).tolist() == pytest.approx([2, 0, 4], abs=1e-6)


def test_lpips_embeddings_are_not_normalised_again():
    a, b = torch.tensor([[3.0, 0]]), torch.tensor([[0.0, 4]])
    assert embedding_distance("lpips-vgg", a, b).tolist() == [25]
    assert embedding_distance("digits-cnn", a, b).tolist() == pytest.approx([2])


def test_pairs_use_each_sample_once():
    for count in (2, 9, 100):
        pairs = random_pairs(count)
        assert pairs.shape == (count // 2, 2)
        assert pairs.unique().numel() == pairs.numel()


def test_pairs_within_stay_within():
    labels = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1, 0, 3])
    pairs = pairs_within(labels)
    assert (labels[pairs[:, 0]] == labels[pairs[:, 1]]).all()
    assert len(pairs) == 4


def test_collapse_has_no_diversity_and_noise_has_two():
    assert perceptual_diversity(Features(torch.ones(50, 8))).value == 0
    found = perceptual_diversity(Features(normal(4000, 64, 0)))
    assert found.error is not None
    assert found.value == pytest.approx(2, abs=4 * found.error)


def test_diversity_within_classes_is_smaller_where_classes_differ():
    labels = torch.arange(400) % 4
    sample = Features(10 * torch.eye(4, 8)[labels] + normal(400, 8, 0), labels=labels)
    assert perceptual_diversity_within(sample).value < perceptual_diversity(sample).value / 2


def test_lpips_on_another_network_is_refused_with_its_own_name():
    with pytest.raises(UserError, match="perceptual-diversity@plain"):
        lpips_diversity(torch.zeros(4, 1, 2, 2, dtype=torch.uint8), Plain())


def test_lpips_diversity_is_the_mean_over_the_pairs():
    images = torch.randint(0, 256, (301, 1, 2, 2), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    pairs = random_pairs(301)
    values = (images[pairs[:, 0]].double() - images[pairs[:, 1]].double()).square().sum((1, 2, 3))
    found = lpips_diversity(images, Pretender())
    assert found.value == pytest.approx(float(values.mean()), rel=1e-9)
    assert found.error == pytest.approx(float(values.std()) / 150**0.5, rel=1e-9)


def test_paired_distance_of_a_thing_to_itself():
    sample = Features(normal(10, 4, 0))
    assert perceptual_distance(sample, sample).value == 0

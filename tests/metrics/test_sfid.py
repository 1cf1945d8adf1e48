"""Spatial FID: its features beside the pooled ones, its value, and that it sees what FID cannot."""

import pytest
import torch
from torch import nn

from bench import data
from bench.errors import UserError
from bench.features import networks
from bench.features.networks.spatial import AtLayer, spatial
from bench.features.sample import Sample
from bench.features.statistics import statistics_of
from bench.metrics.fid import fid_of_statistics, frechet_distance, sfid
from bench.metrics.measure import measure


@pytest.fixture(scope="module")
def digits() -> torch.Tensor:
    return torch.tensor(data.load("digits").train.images)


def test_the_map_is_what_the_network_pools(digits):
    """digits-cnn takes the maximum over the map: of the first seven channels that is its first seven features."""
    network = networks.load("digits-cnn")
    found, logits = spatial(network)(digits[:10])
    assert found.shape == (10, 7 * 3 * 3)
    assert logits is None
    pooled = found.view(10, 7, 9).amax(2)
    assert pooled.numpy() == pytest.approx(network(digits[:10])[0][:, :7].numpy(), abs=1e-5)


@pytest.mark.parametrize("name", ["mnist-cnn", "cifar10-cnn"])
def test_every_shipped_classifier_has_a_map_of_three_by_three(name):
    assert spatial(networks.load(name))(torch.zeros(2, 3, 32, 32, dtype=torch.uint8))[0].shape == (2, 63)


def test_inceptions_map_has_seventeen_by_seventeen_places():
    inception = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")
    block = inception.InceptionC(768, channels_7x7=160).eval()
    network = AtLayer(nn.Sequential(block), "0.branch1x1.conv")
    maps = torch.rand(2, 768, 17, 17, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        found, _ = network(maps)
        truth = block.branch1x1.conv(maps)[:, :7].flatten(1)
    assert found.shape == (2, 2023)
    assert torch.equal(found, truth)


def test_the_value_is_the_distance_of_those_features(digits):
    network = networks.load("digits-cnn")
    real, fake = digits[:300], digits[300:600]
    sides = [statistics_of(spatial(network)(images)[0]) for images in (real, fake)]
    samples = [Sample.of(images, name="digits") for images in (real, fake)]
    (found,) = measure(["sfid@digits-cnn"], samples[0], None, samples[1], networks.load)
    assert found.value == pytest.approx(frechet_distance(*sides), rel=1e-9)
    assert found.value == pytest.approx(sfid(*sides), rel=1e-12)
    assert not any("feature dimensions" in flag for flag in found.flags)


def test_few_images_for_its_width_are_flagged(digits):
    samples = [Sample.of(images, name="digits") for images in (digits[:100], digits[100:200])]
    (found,) = measure(["sfid@digits-cnn"], samples[0], None, samples[1], networks.load)
    assert "100 real samples for 63 feature dimensions" in found.flags


def test_a_map_turned_round_is_seen_by_it_and_not_by_pooled_features():
    """The same pooled maxima, each at the opposite place: means differ by 3 at two places of seven channels."""
    maps = torch.randn(400, 7, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    maps[:, :, 0] += 3
    turned = maps.flip(2)
    assert fid_of_statistics(*(statistics_of(x.amax(2)) for x in (maps, turned))) == pytest.approx(0, abs=1e-9)
    assert sfid(*(statistics_of(x.flatten(1)) for x in (maps, turned))) == pytest.approx(7 * 2 * 9, rel=0.2)


def test_other_networks_are_refused():
    with pytest.raises(UserError, match="'random-cnn' has no spatial features"):
        spatial(networks.load("random-cnn"))

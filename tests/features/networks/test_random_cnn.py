"""The network of last resort: the same random weights everywhere."""

import pytest
import torch

from bench.errors import UserError
from bench.features import networks
from bench.features.networks import random_cnn


def test_weights_are_drawn_from_the_seed():
    net = random_cnn.RandomCNN()
    card = networks.card("random-cnn")
    assert random_cnn.fill(net, random_cnn.SEED) == card.digest
    assert sum(weight.numel() for weight in net.parameters()) == card.parameters
    first = net.convs[0].get_parameter("weight").clone()
    assert random_cnn.fill(net, random_cnn.SEED + 1) != card.digest
    assert not torch.equal(net.convs[0].get_parameter("weight"), first)


def test_weights_have_the_variance_of_he_and_no_mean():
    net = random_cnn.RandomCNN()
    random_cnn.fill(net, random_cnn.SEED)
    weight = net.project.weight
    assert weight.var().item() == pytest.approx(2 / weight.shape[1], rel=0.02)
    assert weight.mean().abs().item() < 3 * (weight.var() / weight.numel()).sqrt().item()


def test_other_weights_than_those_of_the_card_are_refused(monkeypatch):
    monkeypatch.setattr(random_cnn, "SEED", 1)
    with pytest.raises(UserError, match="drew weights with sha256"):
        random_cnn.build("random-cnn")


def test_it_gives_no_logits_and_tells_noise_from_digits():
    from bench import data

    digits = torch.tensor(data.load("digits").held_out.images[:200])
    noise = torch.randint(0, 256, digits.shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    extractor = networks.load("random-cnn")
    half, logits = extractor(digits[:100])
    other, _ = extractor(digits[100:])
    far, _ = extractor(noise)
    assert logits is None
    assert extractor.classes is None
    assert (half.mean(0) - far.mean(0)).norm() > 5 * (half.mean(0) - other.mean(0)).norm()

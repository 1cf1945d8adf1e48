"""The training of the extractors: what it draws, what it keeps, what it writes."""

import dataclasses
from pathlib import Path

import pytest
import torch

from bench import data
from bench.errors import UserError
from bench.features.fitting import fit, train
from bench.features.fitting.augment import FlipAndShift, RandomAffine
from bench.features.fitting.fit import Labelled
from bench.features.fitting.recipes import RECIPES
from bench.features.networks import cards, convnet
from bench.features.networks.architectures import ConvNet


@pytest.fixture(scope="module")
def sets() -> train.Sets:
    return train.labelled(RECIPES["digits-cnn"], None)


@pytest.fixture(scope="module")
def small(sets: train.Sets) -> Labelled:
    return Labelled(sets.train.images[:256], sets.train.labels[:256])


SHORT = dataclasses.replace(RECIPES["digits-cnn"], epochs=3, batch_size=64)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_an_interrupted_training_ends_with_the_same_weights(small, tmp_path, monkeypatch, capsys):
    whole = fit.fit(SHORT, small, small, tmp_path / "whole.pt")
    measured, honest = [], fit.accuracy

    def interrupted(net: ConvNet, labelled: Labelled) -> float:
        measured.append(1)
        if len(measured) == 2:
            raise KeyboardInterrupt
        return honest(net, labelled)

    monkeypatch.setattr(fit, "accuracy", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit.fit(SHORT, small, small, tmp_path / "stopped.pt")
    continued = fit.fit(SHORT, small, small, tmp_path / "stopped.pt")
    assert len(measured) == 3
    for name, value in whole.state_dict().items():
        assert torch.equal(value, continued.state_dict()[name]), name


def test_the_order_of_the_files_does_not_matter(small, tmp_path):
    order = torch.randperm(len(small.images), generator=generator())
    shuffled = Labelled(small.images[order], small.labels[order])
    a = fit.fit(dataclasses.replace(SHORT, epochs=1), small, small, tmp_path / "a.pt")
    b = fit.fit(dataclasses.replace(SHORT, epochs=1), shuffled, small, tmp_path / "b.pt")
    assert torch.equal(a.head.weight, b.head.weight)


def test_the_rate_is_a_triangle():
    assert fit.triangle(0.0, 0.25) == 0.2
    assert fit.triangle(0.125, 0.25) == pytest.approx(0.6)
    assert fit.triangle(0.25, 0.25) == 1.0
    assert fit.triangle(1.0, 0.25) == pytest.approx(0.07)


def test_whitened_patches_have_unit_covariance(sets):
    spec = dataclasses.replace(RECIPES["digits-cnn"].network, whiten_kernel=2)
    net, images = ConvNet(spec), sets.train.images[:1000].float() / 255
    net.fit_whitening(images, epsilon=0.0)
    found = net.whiten((images - net.mean) / net.std).detach()
    patch = spec.channels * 4
    assert torch.allclose(found[:, :patch], -found[:, patch:], atol=1e-4)
    flat = found[:, :patch].transpose(0, 1).flatten(1)
    torch.testing.assert_close(flat @ flat.T / flat.shape[1], torch.eye(patch), rtol=1e-2, atol=1e-2)


def test_every_picture_is_seen_in_both_forms_in_two_epochs():
    images, indices = torch.rand(64, 3, 8, 8, generator=generator()), torch.arange(64)
    augment = FlipAndShift(pixels=0)
    first, second, third = (augment(images, indices, epoch, generator()) for epoch in range(3))
    assert torch.equal(first.flip(3), second)
    assert torch.equal(first, third)
    mirrored = sum(not torch.equal(a, b) for a, b in zip(first, images, strict=True))
    assert 16 < mirrored < 48


def test_shifts_move_by_at_most_the_stated_pixels_and_reflect():
    picture = torch.zeros(1, 1, 9, 9)
    picture[0, 0, 4, 4] = 1.0
    moved = FlipAndShift(pixels=2)(picture.expand(500, -1, -1, -1), torch.arange(500), 0, generator())
    rows, columns = moved[:, 0].flatten(1).argmax(1) // 9, moved[:, 0].flatten(1).argmax(1) % 9
    assert set(rows.tolist()) == set(columns.tolist()) == {2, 3, 4, 5, 6}
    assert (moved.sum((1, 2, 3)) == 1).all()


def test_an_affine_map_of_size_nought_changes_nothing():
    images = torch.rand(4, 1, 16, 16, generator=generator())
    same = RandomAffine(degrees=0, scale=0, shear=0, shift=0)(images, torch.arange(4), 0, generator())
    torch.testing.assert_close(same, images, rtol=1e-4, atol=1e-4)


def test_an_affine_shift_moves_the_centre_of_mass_by_at_most_its_share():
    picture = torch.zeros(200, 1, 20, 20)
    picture[:, :, 9:11, 9:11] = 1.0
    moved = RandomAffine(degrees=0, scale=0, shear=0, shift=0.2)(picture, torch.arange(200), 0, generator())
    centre = (moved.sum(2).squeeze(1) * torch.arange(20.0)).sum(1) / moved.sum((1, 2, 3))
    assert (centre - 9.5).abs().max() <= 0.2 * 20 + 1e-3
    assert (centre - 9.5).abs().max() > 3


def test_calibration_makes_the_mean_confidence_the_accuracy(sets, tmp_path):
    net = fit.fit(SHORT, sets.train, sets.held_out, tmp_path / "net.pt")
    before = fit.logits_of(net, sets.held_out.images)
    train.calibrate(net, sets.held_out)
    after = fit.logits_of(net, sets.held_out.images)
    right = int((before.argmax(1) == sets.held_out.labels).sum())
    assert torch.equal(before.argmax(1), after.argmax(1))
    assert after.softmax(1).amax(1).mean().item() == pytest.approx((right + 1) / (len(after) + 2), abs=1e-4)


def test_what_is_written_can_be_loaded_and_is_what_the_card_says(sets, tmp_path):
    net = ConvNet(RECIPES["digits-cnn"].network)
    card = train.export("digits-cnn", net, sets, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["digits-cnn.safetensors", "digits-cnn.toml"]
    extractor = convnet.build("digits-cnn", folder=tmp_path)
    assert extractor.card == card == cards.read("digits-cnn", tmp_path)
    stored = extractor.network
    assert isinstance(stored, ConvNet)
    torch.testing.assert_close(stored.head.weight, net.head.weight.detach(), rtol=1e-3, atol=1e-4)


def test_half_precision_costs_nothing():
    """The shipped features differ from those of the float32 training by less than a thousandth of their spread."""
    net = ConvNet(RECIPES["digits-cnn"].network).eval()
    images = torch.tensor(data.load("digits").held_out.images)[:100].float() / 255
    stored = convnet.parse_into(RECIPES["digits-cnn"].network, convnet.weights(net)).eval()
    with torch.no_grad():
        exact, rounded = net(images)[0], stored(images)[0]
    assert ((exact - rounded).abs().max() / exact.std()).item() < 5e-3


def test_an_unknown_recipe_is_refused(capsys):
    with pytest.raises(SystemExit) as stop:
        train.main(["digit-cnn"])
    assert stop.value.code == 2
    assert "Did you mean 'digits-cnn'" in capsys.readouterr().err
    with pytest.raises(UserError, match="unknown extractor to train"):
        train.make("nothing", None, Path())

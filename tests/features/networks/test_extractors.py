"""Extractors as the rest of the bench sees them."""

import hashlib
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from bench import data
from bench.errors import UserError
from bench.features import networks
from bench.features.networks import cards, convnet, efficientnet, official

SHIPPED = sorted(networks.SHIPPED)
LOADABLE = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            name == "efficientnet-lite0" and importlib.util.find_spec(efficientnet.PACKAGE) is None,
            reason="the extra gan-bench[photos] is not installed",
        ),
    )
    for name in SHIPPED
]


@pytest.fixture(scope="module")
def digits() -> data.DataSet:
    return data.load("digits")


@pytest.fixture(scope="module")
def images(digits: data.DataSet) -> torch.Tensor:
    return torch.tensor(digits.held_out.images[:40])


@pytest.mark.parametrize("name", LOADABLE)
def test_the_card_says_what_is_loaded(name):
    extractor = networks.load(name)
    card = networks.card(name)
    assert extractor.card == card
    assert extractor.name == name
    assert extractor.preprocessing == card.preprocessing
    assert extractor.digest == card.digest
    features, logits = extractor(torch.zeros(2, 3, 32, 32, dtype=torch.uint8))
    assert features.shape == (2, extractor.width)
    assert features.dtype == torch.float32
    if extractor.classes is None:
        assert logits is None
    else:
        assert logits is not None
        assert logits.shape == (2, extractor.classes)
        assert logits.dtype == torch.float32
    assert not features.requires_grad


@pytest.mark.parametrize("name", [name for name in SHIPPED if name.split("-")[0] in ("digits", "mnist", "cifar10")])
def test_a_trained_network_has_a_complete_card(name):
    card = networks.card(name)
    assert None not in card.model_dump().values()
    assert card.command.startswith(f"python -m bench.features.fitting.train {name}")
    weights = cards.WEIGHTS / f"{name}.safetensors"
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == card.digest
    assert weights.stat().st_size <= 5_000_000


def test_every_card_in_the_package_can_be_asked_for():
    assert sorted(path.stem for path in cards.WEIGHTS.glob("*.toml")) == SHIPPED
    assert set(SHIPPED) <= set(networks.names())


def test_the_table_of_the_official_networks_is_complete():
    assert sorted(networks.OFFICIAL) == official.names()
    for name in networks.OFFICIAL:
        assert networks.card(name).name == name


def test_a_card_survives_writing(tmp_path):
    card = networks.card("digits-cnn").model_copy(update={"purpose": 'a "quoted" \\ purpose', "seed": None})
    (tmp_path / "digits-cnn.toml").write_text(cards.dumps(card), encoding="utf-8")
    assert cards.read("digits-cnn", tmp_path) == card


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UserError, match=r"unknown extractor 'digit-cnn'.*Did you mean 'digits-cnn'"):
        networks.load("digit-cnn")
    with pytest.raises(UserError, match="unknown extractor"):
        networks.card("nothing like it")


def test_a_flipped_byte_in_the_weights_is_refused(tmp_path):
    for suffix in (".toml", ".safetensors"):
        shutil.copy(cards.WEIGHTS / f"digits-cnn{suffix}", tmp_path)
    assert convnet.build("digits-cnn", folder=tmp_path).width == 64
    path = tmp_path / "digits-cnn.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"'digits-cnn'.*{path}.*sha256.*expected.*reinstall"):
        convnet.build("digits-cnn", folder=tmp_path)
    path.unlink()
    with pytest.raises(UserError, match="no weight file"):
        convnet.build("digits-cnn", folder=tmp_path)


def test_names_and_cards_need_no_torch():
    code = "import sys; from bench.features.networks import card, names; names(), card('digits-cnn'); print('torch' in sys.modules)"
    root = str(Path(networks.__file__).parents[3])
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert answer.stdout.strip() == "False"


def test_features_do_not_depend_on_the_batch_or_the_neighbours(images):
    extractor = networks.load("digits-cnn")
    features, logits = extractor(images)
    assert logits is not None
    for size in (1, 7):
        parts = [extractor(part) for part in images.split(size)]
        torch.testing.assert_close(torch.cat([f for f, _ in parts]), features, rtol=1e-6, atol=2e-6)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(extractor(images[order])[0], features[order], rtol=1e-6, atol=2e-6)


def test_features_are_those_of_the_network_itself(images):
    extractor = networks.load("digits-cnn")
    features, logits = extractor(images)
    expected = extractor.network(images.float() / 255)
    torch.testing.assert_close((features, logits), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", LOADABLE)
def test_a_grey_picture_is_the_same_in_one_and_in_three_channels(name, images):
    extractor = networks.load(name)
    grey, _ = extractor(images[:4])
    colour, _ = extractor(images[:4].expand(-1, 3, -1, -1))
    assert torch.equal(grey, colour)


@pytest.mark.parametrize("name", LOADABLE)
@pytest.mark.parametrize("side", [8, 28, 256])
def test_any_resolution_is_read(name, side):
    extractor = networks.load(name)
    pictures = torch.randint(0, 256, (2, 3, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    features, _ = extractor(pictures)
    assert torch.isfinite(features).all()
    assert not torch.equal(features[0], features[1])


def test_unquantised_images_agree_with_quantised_ones(images):
    extractor = networks.load("digits-cnn")
    torch.testing.assert_close(extractor.of_float(images / 127.5 - 1)[0], extractor(images)[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "wrong",
    [
        torch.zeros(2, 1, 16, 16),
        torch.zeros(16, 16, dtype=torch.uint8),
        torch.zeros(2, 2, 16, 16, dtype=torch.uint8),
        torch.zeros(2, 1, 4, 16, dtype=torch.uint8),
        torch.zeros(0, 1, 16, 16, dtype=torch.uint8),
    ],
)
def test_other_inputs_are_refused(wrong):
    with pytest.raises(UserError, match=r"expected uint8 images of shape"):
        networks.load("digits-cnn")(wrong)


def test_digits_cnn_reproduces_its_accuracy(digits):
    card = networks.card("digits-cnn")
    assert digits.digest == card.data_digest
    _, logits = networks.load("digits-cnn")(torch.tensor(digits.held_out.images))
    assert logits is not None
    right = (logits.argmax(1) == torch.tensor(digits.held_out.labels)).double().mean().item()
    assert right == pytest.approx(card.accuracy, abs=1e-6)
    assert right >= 0.98

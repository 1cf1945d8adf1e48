"""Official networks without their weights: random ones under a table of their own stand in, digests and all."""

import dataclasses
import warnings
from pathlib import Path

import pytest
import torch
import torchvision

from bench.errors import UserError
from bench.features import networks
from bench.features.networks import official, weight_files
from bench.features.networks.weight_files import WeightFile
from bench.files import sha256_of
from bench.metrics.path_length import LatentPath, ppl_z_end
from bench.metrics.perceptual import lpips

CARDS = official.names()


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """An empty cache, and no network."""

    def refuse(*_, **__):
        raise OSError("no network in tests")

    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("urllib.request.urlopen", refuse)
    return tmp_path


def published(monkeypatch, name: str, path: Path) -> WeightFile:
    """Let a local file be what the table says of ``name``."""
    file = WeightFile(path.name, path.stat().st_size, sha256_of(path), "https://example.org/weights")
    network = dataclasses.replace(official.OFFICIAL[name], file=file)
    monkeypatch.setattr(official, "OFFICIAL", {**official.OFFICIAL, name: network})
    return file


@pytest.fixture
def squeezenet(nowhere, monkeypatch):
    """SqueezeNet with random weights in a file, as torchvision saves them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        torch.save(torchvision.models.squeezenet1_1().state_dict(), nowhere / "squeezenet.pth")
    published(monkeypatch, "lpips-squeeze", nowhere / "squeezenet.pth")
    return nowhere / "squeezenet.pth"


@pytest.mark.parametrize("name", CARDS)
def test_every_network_has_a_card_and_says_how_to_get_its_weights(name):
    card = official.card(name)
    file = official.OFFICIAL[name].file
    assert card.width > 0
    assert not official.is_here(name)
    with pytest.raises(UserError) as caught:
        official.build(name)
    message = str(caught.value)
    assert file.name in message
    assert file.sha256 in message
    assert f"bench extractors import {name} FILE" in message
    assert "where there is a network" in message


def test_they_can_be_asked_for_by_name():
    assert tuple(CARDS) == networks.OFFICIAL
    assert set(CARDS) < set(networks.names())
    assert networks.card("inception-v3").digest == official.INCEPTION.sha256
    with pytest.raises(UserError, match="bench extractors import vgg16 FILE"):
        networks.load("vgg16")


def test_networks_on_one_file_have_digests_of_their_own():
    assert len({official.card(name).digest for name in CARDS}) == len(CARDS)


def test_imported_weights_are_found(squeezenet):
    target = official.import_weights("lpips-squeeze", squeezenet)
    assert target.parent == weight_files.folder()
    assert official.is_here("lpips-squeeze")
    assert official.build("lpips-squeeze").name == "lpips-squeeze"


def test_weights_in_the_cache_of_torch_are_found(squeezenet, nowhere):
    place = nowhere / "torch" / "hub" / "checkpoints" / squeezenet.name
    place.parent.mkdir(parents=True)
    squeezenet.rename(place)
    official.build("lpips-squeeze")


def test_a_wrong_file_is_not_imported(squeezenet):
    with squeezenet.open("ab") as stream:
        stream.write(b"!")
    with pytest.raises(UserError, match="is damaged or another one"):
        official.import_weights("lpips-squeeze", squeezenet)
    assert not weight_files.folder().exists()


def test_wrong_weights_under_the_right_name_are_refused(squeezenet):
    """What the standard library takes without a word."""
    place = weight_files.folder() / squeezenet.name
    place.parent.mkdir(parents=True)
    place.write_bytes(b"not these")
    with pytest.raises(UserError, match="its sha256 is"):
        official.build("lpips-squeeze")


def test_a_download_is_verified_and_whole(squeezenet, monkeypatch):
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: squeezenet.open("rb"))
    assert weight_files.verified("lpips-squeeze", official.OFFICIAL["lpips-squeeze"].file).is_file()


def test_a_download_that_is_cut_off_leaves_nothing(squeezenet, monkeypatch, nowhere):
    half = nowhere / "half"
    half.write_bytes(squeezenet.read_bytes()[:1000])
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: half.open("rb"))
    with pytest.raises(UserError, match="expected"):
        weight_files.verified("lpips-squeeze", official.OFFICIAL["lpips-squeeze"].file)
    assert list(weight_files.folder().iterdir()) == []


def test_a_file_that_is_not_there():
    with pytest.raises(UserError, match="Name the weight file"):
        official.import_weights("inception-v3", Path("nowhere.pth"))
    with pytest.raises(UserError, match="Did you mean 'inception-v3'"):
        official.build("inception")


def pictures(seed: int, count: int = 4, channels: int = 3, side: int = 64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, channels, side, side), generator=generator, dtype=torch.uint8)


def test_the_embedding_is_lpips(squeezenet):
    """Squared distance of embeddings against the lpips library with the same trunk."""
    library = pytest.importorskip("lpips")
    official.import_weights("lpips-squeeze", squeezenet)
    extractor = official.build("lpips-squeeze")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = library.LPIPS(net="squeeze", pnet_rand=True, verbose=False)
    weights = torch.load(squeezenet, weights_only=True)
    model.net.load_state_dict({key: weights["features." + key.split(".", 1)[1]] for key in model.net.state_dict()})
    a, b = pictures(0), pictures(1)
    with torch.no_grad():
        theirs = model(a / 127.5 - 1, b / 127.5 - 1).flatten()
    assert lpips(a, b, extractor).value == pytest.approx(float(theirs.mean()), rel=1e-5)
    assert lpips(a, a, extractor).value == 0
    assert lpips(a[:, :1], b[:, :1], extractor).value > 0


def test_lpips_refuses_tiny_images(squeezenet):
    official.import_weights("lpips-squeeze", squeezenet)
    with pytest.raises(UserError, match="at least 32 pixels"):
        official.build("lpips-squeeze")(pictures(0, side=16))


def test_path_length_on_lpips(squeezenet):
    """Images that do not move have length 0; those that move along a line have a finite one."""
    official.import_weights("lpips-squeeze", squeezenet)
    extractor = official.build("lpips-squeeze")
    base = pictures(0, 1).float() / 127.5 - 1

    def draw(count, random):
        return torch.randn(count, 4, generator=random)

    still = LatentPath(draw, lambda z, _: base.expand(len(z), -1, -1, -1), count=10)
    moving = LatentPath(draw, lambda z, _: (base * (1 + 0.1 * z[:, :1, None, None])).clamp(-1, 1), count=10)
    assert ppl_z_end(still, extractor).value == pytest.approx(0, abs=1e-2)
    assert ppl_z_end(moving, extractor).value > 0


def test_building_leaves_global_randomness_alone(squeezenet):
    official.import_weights("lpips-squeeze", squeezenet)
    before = torch.get_rng_state()
    official.build("lpips-squeeze")
    assert torch.equal(torch.get_rng_state(), before)


def test_grey_images_reach_the_network_in_colour(nowhere, monkeypatch):
    network = dataclasses.replace(official.OFFICIAL["vgg16"], open=lambda name, path: Spy(path))
    (nowhere / "weights.pth").write_bytes(b"weights")
    monkeypatch.setattr(official, "OFFICIAL", {"vgg16": network})
    file = published(monkeypatch, "vgg16", nowhere / "weights.pth")
    official.import_weights("vgg16", nowhere / "weights.pth")
    features, logits = official.build("vgg16")(pictures(0, channels=1))
    assert features.shape == (4, 3)
    assert logits is None
    assert official.card("vgg16").digest == file.sha256


class Spy(torch.nn.Module):
    def __init__(self, path):
        super().__init__()
        assert path.read_bytes() == b"weights"

    def forward(self, images):
        assert images.dtype == torch.uint8
        assert images.shape[1] == 3
        return images.flatten(2).float().mean(2), None

"""Images made anywhere against the embedded digits, other images and reference statistics: both sides go one way."""

import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from bench import data
from bench.errors import UserError
from bench.features import networks
from bench.features.sample import Sample
from bench.features.statistics import statistics
from bench.metrics.defaults import default_ids
from bench.metrics.reference_statistics import read_statistics
from bench.metrics.score import score

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path_factory.getbasetemp() / "score-home"))
    monkeypatch.delenv("BENCH_DATA", raising=False)


@pytest.fixture(scope="module")
def digits():
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("BENCH_DATA", raising=False)
        yield data.load("digits")


def save(path, images: np.ndarray, labels: np.ndarray | None = None):
    pixels = images.transpose(0, 2, 3, 1)
    if labels is None:
        np.savez(path, pixels)
    else:
        np.savez(path, pixels, labels)
    return path


def smooth(count: int, width: int, height: int, seed: int, colours: int = 3) -> np.ndarray:
    """Synthetic pictures of few frequencies, (N, C, H, W) uint8."""
    small = np.random.default_rng(seed).integers(0, 256, (count, 5, 5, colours), dtype=np.uint8)
    pictures = [Image.fromarray(x.squeeze()).resize((width, height), Image.Resampling.BICUBIC) for x in small]
    return np.stack([np.asarray(p).reshape(height, width, colours).transpose(2, 0, 1) for p in pictures])


def folder(path, images: np.ndarray, suffix: str = "png"):
    path.mkdir(parents=True)
    for index, image in enumerate(images):
        pixels = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
        Image.fromarray(pixels).save(path / f"{index:04}.{suffix}")
    return path


def values(found) -> dict[str, float]:
    return {item.metric: item.value for item in found}


def test_held_out_images_score_well_and_noise_badly(digits, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, digits.held_out.images.shape, dtype=np.uint8)
    good = values(score("digits", save(tmp_path / "good.npz", np.asarray(digits.held_out.images))))
    bad = values(score("digits", save(tmp_path / "bad.npz", noise)))
    assert good["fid@digits-cnn"] < bad["fid@digits-cnn"] / 10
    assert good["fid@digits-cnn:held-out"] == pytest.approx(0, abs=1e-3)
    assert good["coverage@digits-cnn"] > 0.5 > bad["coverage@digits-cnn"]
    assert good["modes@digits-cnn"] == 10
    assert good["precision@digits-cnn"] > 0.8 > bad["precision@digits-cnn"]


def test_copies_of_the_training_set_are_flagged_and_held_out_images_are_not(digits, tmp_path):
    ids = ["nearest-train@digits-cnn", "auth-pct@digits-cnn", "copies@digits-cnn", "c-t@digits-cnn"]
    copied = score("digits", save(tmp_path / "copies.npz", np.asarray(digits.train.images)), ids)
    honest = score("digits", save(tmp_path / "honest.npz", np.asarray(digits.held_out.images)), ids)
    assert all(any(flag.startswith("memorised") for flag in item.flags) for item in copied)
    assert all(item.flags == () for item in honest)
    assert all(item.baseline is not None for item in copied)


def test_a_folder_of_png_equals_an_npz_and_jpeg_is_flagged(digits, tmp_path):
    images = np.asarray(digits.held_out.images)[:60]
    ids = ["fid@digits-cnn", "kid-full@digits-cnn"]
    packed = score("digits", save(tmp_path / "images.npz", images), ids)
    assert values(score("digits", folder(tmp_path / "png", images), ids)) == pytest.approx(values(packed), rel=1e-6)
    lossy = score("digits", folder(tmp_path / "jpg", images, "jpg"), ids)
    assert all("read from JPEG files: their losses are scored too" in item.flags for item in lossy)


@pytest.mark.parametrize(
    ("width", "height", "colours", "extractor"),
    [(28, 28, 1, "mnist-cnn"), (32, 32, 3, "cifar10-cnn"), (48, 48, 3, "random-cnn"), (100, 75, 3, "random-cnn"),
     (17, 240, 1, "mnist-cnn"), (300, 299, 3, "random-cnn"), (8, 1024, 3, "random-cnn")],
)  # fmt: skip
def test_images_against_themselves_are_at_distance_zero(tmp_path, width, height, colours, extractor):
    """Of any size and shape: one rule prepares both sides, nothing is left out, nothing is resized."""
    images = smooth(40, width, height, 1, colours)
    same = folder(tmp_path / "same", images)
    fid, precision = score(same, same, [f"fid@{extractor}", f"precision@{extractor}"])
    assert fid.value == pytest.approx(0, abs=1e-4)
    assert precision.value == 1
    assert (fid.samples_real, fid.samples_fake) == (40, 40)


@pytest.mark.parametrize("side", [28, 32])
def test_a_border_is_no_difference(tmp_path, side):
    """28 pixels are padded to 32 on both sides by the network made for them: as if both had been padded before."""
    edge = (32 - side) // 2
    real, fake = (
        np.pad(smooth(80, side, side, seed, 1), ((0, 0), (0, 0), (edge, edge), (edge, edge))) for seed in (1, 2)
    )
    inner = slice(edge, edge + side)
    small = [save(tmp_path / f"{n}.npz", x[:, :, inner, inner]) for n, x in (("r", real), ("f", fake))]
    large = [save(tmp_path / f"{n}32.npz", x) for n, x in (("r", real), ("f", fake))]
    of_small, of_large = (score(r, f, ["fid@mnist-cnn"])[0].value for r, f in (small, large))
    assert of_small == pytest.approx(of_large, rel=1e-6)


def test_every_form_of_the_same_images_is_the_same_side(tmp_path):
    images, others = smooth(60, 32, 32, 1), smooth(60, 32, 32, 2)
    plain = folder(tmp_path / "plain", images)
    pixels = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
    np.save(tmp_path / "images.npy", pixels)
    save(tmp_path / "images.npz", images)
    (tmp_path / "IMAGES.NPZ").write_bytes((tmp_path / "images.npz").read_bytes())
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as file:
        for path in sorted(plain.iterdir()):
            file.write(path, f"00000/{path.name}")
        file.writestr("dataset.json", json.dumps({"labels": None}))
    fake = save(tmp_path / "fake.npz", others)
    forms = [
        plain,
        f"folder:{plain}",
        *(tmp_path / n for n in ("images.npy", "images.npz", "IMAGES.NPZ", "images.zip")),
    ]
    found = [score(form, fake, ["fid@random-cnn"])[0].value for form in forms]
    assert found == pytest.approx([found[0]] * len(forms), rel=1e-9)
    turned = [score(fake, str(form).removeprefix("folder:"), ["fid@random-cnn"])[0].value for form in forms]
    assert turned == pytest.approx(found, rel=1e-9)


def test_sizes_that_differ_are_refused_and_resized_only_when_asked_on_both_sides(tmp_path):
    real, fake = folder(tmp_path / "r", smooth(40, 64, 48, 1)), folder(tmp_path / "f", smooth(40, 40, 40, 1))
    with pytest.raises(UserError, match=r"40 x 40 pixels, .* of 64 x 48"):
        score(real, fake, ["fid@random-cnn"])
    notes: list[str] = []
    score(real, fake, ["fid@random-cnn"], resolution=32, say=notes.append)
    assert {note.partition(":")[0] for note in notes if "resize to 32" in note} == {"real", "fake"}
    (itself,) = score(real, real, ["fid@random-cnn"], resolution=32)
    assert itself.value == pytest.approx(0, abs=1e-4)


def test_splits_of_a_reference_are_used_as_splits(tmp_path):
    for seed, part in enumerate(("train", "test")):
        folder(tmp_path / "d" / part, smooth(120, 32, 32, seed))
    fake = folder(tmp_path / "f", smooth(110, 32, 32, 0))
    found = score(tmp_path / "d", fake, ["copies@random-cnn", "fid@random-cnn", "fid@random-cnn:held-out"])
    assert found[0].value == 1
    assert found[0].flags[0].startswith("memorised: 100%")
    assert found[1].value < found[2].value
    whole = folder(tmp_path / "whole", smooth(120, 32, 32, 0))
    with pytest.raises(UserError, match="needs held-out images"):
        score(whole, fake, ["copies@random-cnn"])
    with pytest.raises(UserError, match="needs held-out images"):
        score(whole, fake, ["fid@random-cnn:held-out"])


def test_defaults_are_those_that_can_be_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(networks, "missing", lambda name: "not here")
    real, fake = folder(tmp_path / "r", smooth(150, 32, 32, 1)), folder(tmp_path / "f", smooth(60, 32, 32, 2))
    names = [item.metric for item in score(real, fake)]
    assert names == [
        f"{n}@random-cnn" for n in ("fid", "kid-full", "precision", "recall", "density", "coverage", "vendi")
    ]
    few = folder(tmp_path / "few", smooth(3, 32, 32, 2))
    assert [item.metric.partition("@")[0] for item in score(real, few)] == ["fid", "kid-full", "vendi"]
    one = folder(tmp_path / "one", smooth(1, 32, 32, 2))
    with pytest.raises(UserError, match="none of the default metrics"):
        score(real, one)


def test_default_ids_follow_the_data_set():
    assert "inception-score@digits-cnn" in default_ids("digits")
    assert not any("inception-score" in text for text in default_ids("celeba"))
    assert default_ids("digits", pairs=True)[-3:] == ["ssim", "psnr", "l1"]
    assert {"fid@cifar10-cnn", "fid@cifar10-cnn:held-out", "copies@cifar10-cnn"} <= set(default_ids("cifar10"))


def test_labels_of_the_fakes_are_used(tmp_path):
    kinds = [smooth(40, 32, 32, seed) for seed in range(3)]
    for name, images in zip("abc", kinds, strict=True):
        folder(tmp_path / "c" / name, images)
    labels = np.repeat(np.arange(3), 40)
    right = save(tmp_path / "right.npz", np.concatenate(kinds), labels)
    wrong = save(tmp_path / "wrong.npz", np.concatenate(kinds), labels[::-1])
    named = tmp_path / "named"
    for name, images in zip("cba", reversed(kinds), strict=True):
        folder(named / name, images)
    intra = [score(tmp_path / "c", fake, ["intra-fid@random-cnn"])[0].value for fake in (right, wrong, named)]
    assert intra[0] == pytest.approx(0, abs=1e-4)
    assert intra[1] > 1
    assert intra[2] == pytest.approx(0, abs=1e-4)


def test_labels_that_cannot_be_matched_are_left_out_and_said(tmp_path):
    for name in "ab":
        folder(tmp_path / "c" / name, smooth(40, 32, 32, ord(name)))
        folder(tmp_path / "f" / f"batch-{name}", smooth(40, 32, 32, ord(name)))
    notes: list[str] = []
    score(tmp_path / "c", tmp_path / "f", ["fid@random-cnn"], say=notes.append)
    assert any("labels are not used" in note for note in notes)
    with pytest.raises(UserError, match="needs class labels"):
        score(tmp_path / "c", tmp_path / "f", ["intra-fid@random-cnn"])


def test_reference_statistics_serve_on_either_side_of_fid(digits, tmp_path):
    fake = np.asarray(digits.held_out.images)
    extractor = networks.load("digits-cnn")
    for name, split in (("real", digits.train), ("fake", digits.held_out)):
        made = statistics(Sample.of(split.images, name=name).features(extractor))
        np.savez(tmp_path / f"{name}.npz", mu=made.mean.numpy(), sigma=made.covariance.numpy())
    packed, ids = save(tmp_path / "images.npz", fake), ["fid@digits-cnn"]
    expected = score("digits", packed, ids)[0].value
    sides = [
        (tmp_path / "real.npz", packed),
        ("digits", tmp_path / "fake.npz"),
        (tmp_path / "real.npz", tmp_path / "fake.npz"),
    ]
    found = [score(real, made, ids)[0] for real, made in sides]
    assert [item.value for item in found] == pytest.approx([expected] * 3, rel=1e-6)
    assert [(item.samples_real > 0, item.samples_fake > 0) for item in found] == [
        (False, True),
        (True, False),
        (False, False),
    ]
    for real, made in sides[:2]:
        with pytest.raises(UserError, match="serve FID only"):
            score(real, made, ["kid@digits-cnn"])
        with pytest.raises(UserError, match="do not say which network"):
            score(real, made)


def test_statistics_of_another_network_are_refused(tmp_path, digits):
    np.savez(tmp_path / "reference.npz", mu=np.zeros(7), sigma=np.eye(7))
    packed = save(tmp_path / "fake.npz", np.asarray(digits.held_out.images))
    for real, made in ((tmp_path / "reference.npz", packed), ("digits", tmp_path / "reference.npz")):
        with pytest.raises(UserError, match="7"):
            score(real, made, ["fid@digits-cnn"])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (dict(mu=np.zeros(3)), "sigma"),
        (dict(mu=np.zeros(3), sigma=np.eye(4)), "mu has shape"),
        (dict(mu=np.full(3, np.nan), sigma=np.eye(3)), "NaN"),
        (dict(mu=np.zeros(2), sigma=np.array([[1.0, 2], [0, 1]])), "not symmetric"),
        (dict(mu=np.zeros(2), sigma=np.array([[1.0, 0], [0, -1]])), "negative"),
        (dict(mu=np.array(["a", "b"]), sigma=np.eye(2)), "not real numbers"),
        (dict(mu=np.zeros(2), sigma=np.eye(2) * (1 + 1j)), "not real numbers"),
        (dict(mu=np.array([None, 1]), sigma=np.eye(2)), "pickled objects"),
    ],
)
def test_other_files_are_not_statistics(tmp_path, arrays, message):
    np.savez(tmp_path / "reference.npz", **arrays)
    with pytest.raises(UserError, match=message):
        read_statistics(tmp_path / "reference.npz")


def test_a_truncated_file_is_not_statistics(tmp_path):
    np.savez(tmp_path / "whole.npz", mu=np.zeros(3), sigma=np.eye(3))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "whole.npz").read_bytes()[:200])
    with pytest.raises(UserError, match="cannot be read"):
        read_statistics(tmp_path / "cut.npz")


def test_a_header_that_claims_more_than_there_is_allocates_nothing(tmp_path):
    """A mean of 10^12 numbers in a file of a few bytes."""
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"
    npy = b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + header.ljust(117) + b"\n"
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w") as file:
        file.writestr("mu.npy", npy)
        file.writestr("sigma.npy", npy)
    with pytest.raises(UserError, match="claims 8,000,000,000,000 bytes"):
        read_statistics(tmp_path / "bomb.npz")


def test_images_in_colour_are_no_digits_unless_their_channels_are_equal(tmp_path, digits):
    grey = np.asarray(digits.held_out.images)
    ids, plain = ["fid@digits-cnn"], save(tmp_path / "grey.npz", grey)
    repeated = score("digits", save(tmp_path / "rgb.npz", np.repeat(grey, 3, axis=1)), ids)
    assert values(repeated) == values(score("digits", plain, ids))
    colour = np.repeat(grey, 3, axis=1)
    colour[3, 0, 4, 4] ^= 255
    with pytest.raises(UserError, match="image 3 has colour"):
        score("digits", save(tmp_path / "colour.npz", colour), ids)
    with pytest.raises(UserError, match="those of digits are square"):
        score("digits", save(tmp_path / "flat.npz", grey[:, :, :8]))


def test_mnist_at_its_own_size_gets_the_border_of_the_data_set(tmp_path, monkeypatch):
    """As torchvision saves it: RGB with equal channels, 28 x 28."""
    from bench.data.dataset import DataSet, Split
    from bench.metrics import score as module

    images = np.random.default_rng(0).integers(0, 256, (60, 1, 28, 28), dtype=np.uint8)
    split = Split(np.pad(images, ((0, 0), (0, 0), (2, 2), (2, 2))), np.arange(60) % 10)
    asked = []

    def load(name, resolution=None, data_root=None):
        asked.append(resolution)
        return DataSet("mnist", split, split, tuple("0123456789"), "d", "pad 28 to 32 with zeros; uint8")

    monkeypatch.setattr(module.data, "load", load)
    fake = folder(tmp_path / "f", np.repeat(images, 3, axis=1))
    (found,) = score("mnist", fake, ["fid@mnist-cnn"])
    assert asked == [32]
    assert found.value == pytest.approx(0, abs=1e-4)


def test_an_unknown_metric_gets_a_hint(tmp_path, digits):
    with pytest.raises(UserError, match="Did you mean 'fid'"):
        score("digits", save(tmp_path / "fake.npz", np.asarray(digits.held_out.images)), ["fidd@digits-cnn"])


def test_broken_files_are_refused_or_left_out_on_both_sides(tmp_path, digits):
    for side, first in (("real", 0), ("fake", 120)):
        folder = tmp_path / side
        folder.mkdir()
        for number, image in enumerate(digits.train.images[first : first + 120]):
            Image.fromarray(np.asarray(image)[0]).save(folder / f"{number}.png")
    whole = score(tmp_path / "real", tmp_path / "fake", ["fid@digits-cnn"])
    (tmp_path / "fake" / "zz.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    cut = (tmp_path / "real" / "7.png").read_bytes()[:-30]  # a header that is sound, and pixels that are not
    (tmp_path / "real" / "zz.png").write_bytes(cut)
    with pytest.raises(UserError, match=r"zz\.png.*--skip-broken"):
        score(tmp_path / "real", tmp_path / "fake", ["fid@digits-cnn"])
    said: list[str] = []
    kept = score(tmp_path / "real", tmp_path / "fake", ["fid@digits-cnn"], skip_broken=True, say=said.append)
    assert kept[0].value == whole[0].value
    assert sum("zz.png" in line for line in said) == 2

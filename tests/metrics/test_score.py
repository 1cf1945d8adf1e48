"""Images made anywhere against the embedded digits and against reference statistics."""

import numpy as np
import pytest
from PIL import Image

from bench import data
from bench.errors import UserError
from bench.features import networks
from bench.features.sample import Sample
from bench.features.statistics import statistics
from bench.metrics.reference_statistics import read_statistics
from bench.metrics.score import score


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path_factory.getbasetemp() / "score-home"))
    monkeypatch.delenv("BENCH_DATA", raising=False)


@pytest.fixture(scope="module")
def digits():
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("BENCH_DATA", raising=False)
        yield data.load("digits")


def save(path, images: np.ndarray):
    np.savez(path, arr_0=images.transpose(0, 2, 3, 1))
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
    for suffix in ("png", "jpg"):
        (tmp_path / suffix).mkdir()
        for index, image in enumerate(images):
            Image.fromarray(image[0]).save(tmp_path / suffix / f"{index:03}.{suffix}")
    ids = ["fid@digits-cnn", "kid-full@digits-cnn"]
    packed = score("digits", save(tmp_path / "images.npz", images), ids)
    assert values(score("digits", tmp_path / "png", ids)) == pytest.approx(values(packed), rel=1e-6)
    lossy = score("digits", tmp_path / "jpg", ids)
    assert all("read from JPEG files: their losses are scored too" in item.flags for item in lossy)


def test_reference_statistics_serve_as_the_real_side_of_fid(digits, tmp_path):
    fake = np.asarray(digits.held_out.images)
    extractor = networks.load("digits-cnn")
    found = statistics(Sample.of(digits.train.images, name="train").features(extractor))
    np.savez(tmp_path / "reference.npz", mu=found.mean.numpy(), sigma=found.covariance.numpy())
    packed = save(tmp_path / "fake.npz", fake)
    (by_statistics,) = score(str(tmp_path / "reference.npz"), packed, ["fid@digits-cnn"])
    (by_images,) = score("digits", packed, ["fid@digits-cnn"])
    assert by_statistics.value == pytest.approx(by_images.value, rel=1e-6)
    assert by_statistics.samples_real == 0
    with pytest.raises(UserError, match="serve FID only"):
        score(str(tmp_path / "reference.npz"), packed, ["kid@digits-cnn"])
    with pytest.raises(UserError, match="do not say which network"):
        score(str(tmp_path / "reference.npz"), packed)


def test_statistics_of_another_network_are_refused(tmp_path, digits):
    np.savez(tmp_path / "reference.npz", mu=np.zeros(7), sigma=np.eye(7))
    packed = save(tmp_path / "fake.npz", np.asarray(digits.held_out.images))
    with pytest.raises(UserError, match="7 dimensions"):
        score(str(tmp_path / "reference.npz"), packed, ["fid@digits-cnn"])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (dict(mu=np.zeros(3)), "sigma"),
        (dict(mu=np.zeros(3), sigma=np.eye(4)), "mu has shape"),
        (dict(mu=np.full(3, np.nan), sigma=np.eye(3)), "NaN"),
        (dict(mu=np.zeros(2), sigma=np.array([[1.0, 2], [0, 1]])), "not symmetric"),
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


def test_images_of_another_kind_are_refused(tmp_path, digits):
    colour = np.repeat(np.asarray(digits.held_out.images), 3, axis=1)
    with pytest.raises(UserError, match="Equal shapes were expected"):
        score("digits", save(tmp_path / "colour.npz", colour))
    with pytest.raises(UserError, match="square images"):
        score("digits", save(tmp_path / "flat.npz", np.asarray(digits.held_out.images)[:, :, :8]))


def test_mnist_at_its_own_size_is_padded_as_the_data_set_is():
    from bench.metrics.score import _padded

    padded = _padded(np.full((2, 1, 28, 28), 9, np.uint8))
    assert padded.shape == (2, 1, 32, 32)
    assert padded[:, :, 2:-2, 2:-2].min() == 9
    assert padded.sum() == 9 * 2 * 28 * 28


def test_an_unknown_metric_gets_a_hint(tmp_path, digits):
    with pytest.raises(UserError, match="Did you mean 'fid'"):
        score("digits", save(tmp_path / "fake.npz", np.asarray(digits.held_out.images)), ["fidd@digits-cnn"])

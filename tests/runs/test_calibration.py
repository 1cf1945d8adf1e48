import numpy as np
import pytest

from bench.data import DataSet, Split
from bench.errors import UserError
from bench.runs import calibration as module
from bench.runs.calibration import CALIBRATIONS, calibration


def dataset(train: np.ndarray, held_out: np.ndarray) -> DataSet:
    return DataSet("made up", Split(train), Split(held_out), classes=(), digest="d", preprocessing="none")


def numbered(count: int, first: int = 0) -> np.ndarray:
    """Images whose every pixel is their number."""
    return np.broadcast_to(np.arange(first, first + count, dtype=np.uint8)[:, None, None, None], (count, 1, 8, 8))


NUMBERED = dataset(numbered(50), numbered(20, first=100))


@pytest.mark.parametrize("name", CALIBRATIONS)
def test_shape_dtype_and_seed(name: str):
    make = calibration(name)
    images = make(NUMBERED, 30, 0)
    assert (images.shape, images.dtype) == ((30, 1, 8, 8), np.uint8)
    assert np.array_equal(images, make(NUMBERED, 30, 0))
    assert not np.array_equal(images, make(NUMBERED, 30, 1))


def test_real_shows_every_held_out_image_equally_often():
    numbers = calibration("real")(NUMBERED, 50, 0)[:, 0, 0, 0]
    shown = np.bincount(numbers, minlength=120)[100:]
    assert set(shown) == {2, 3}
    assert not np.array_equal(numbers, np.sort(numbers))


def test_copycat_repeats_training_images():
    numbers = calibration("copycat")(NUMBERED, 5_000, 0)[:, 0, 0, 0]
    assert set(numbers) == set(range(50))
    shown = np.bincount(numbers, minlength=50)
    chi_squared = ((shown - 100) ** 2 / 100).sum()
    assert chi_squared < 85.4  # 0.1 % point of chi-squared with 49 degrees of freedom


def test_gaussian_has_the_mean_and_the_covariance_of_the_pixels():
    random = np.random.default_rng(0)
    mixing = random.normal(size=(64, 64)) * 2  # correlated pixels that stay well within 0 to 255
    pixels = 128 + random.normal(size=(400, 64)) @ mixing
    train = pixels.round().clip(0, 255).astype(np.uint8).reshape(-1, 1, 8, 8)
    drawn = calibration("gaussian")(dataset(train, train[:2]), 100_000, 0).reshape(-1, 64).astype(float)
    flat = train.reshape(-1, 64).astype(float)
    scale = flat.std()
    assert np.abs(drawn.mean(0) - flat.mean(0)).max() < 0.02 * scale
    # Rounding adds 1/12 to each variance; the rest is sampling error of 100,000 draws.
    difference = np.cov(drawn.T) - np.cov(flat.T) - np.eye(64) / 12
    assert np.abs(difference).max() < 0.03 * scale**2


def test_gaussian_uses_no_more_images_than_it_says(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "MOMENT_IMAGES", 1)
    images = calibration("gaussian")(NUMBERED, 5, 3)
    assert len(np.unique(images)) == 1  # one image has no covariance: its mean alone is left


def test_an_unknown_name():
    with pytest.raises(UserError, match=r"unknown calibration row 'copykat'\. Did you mean 'copycat'"):
        calibration("copykat")


def test_pairs_have_the_held_out_images_as_targets():
    """Real images are their own targets, the ceiling of every distance between pairs; others face the held-out images."""
    images = calibration("real")(NUMBERED, 30, 0)
    assert np.array_equal(module.targets("real", NUMBERED, images), images)
    faced = module.targets("gaussian", NUMBERED, calibration("gaussian")(NUMBERED, 30, 0))
    assert faced[:, 0, 0, 0].tolist() == [100 + index % 20 for index in range(30)]


def test_gaussian_is_the_same_whether_made_at_once_or_in_parts(monkeypatch: pytest.MonkeyPatch):
    whole = calibration("gaussian")(NUMBERED, 30, 0).astype(int)
    monkeypatch.setattr(module, "CHUNK", 7)
    assert np.abs(calibration("gaussian")(NUMBERED, 30, 0).astype(int) - whole).max() <= 1


def test_images_of_the_set_keep_their_classes_and_made_ones_have_them_at_random():
    """Every image's value is its number, and its class is that number modulo 5."""
    train, held_out = numbered(50), numbered(20, first=100)
    classes = tuple("abcde")
    splits = (Split(images, images[:, 0, 0, 0] % 5) for images in (train, held_out))
    labelled = DataSet("made up", *splits, classes=classes, digest="d", preprocessing="none")
    for name in ("real", "copycat"):
        images, labels = calibration(name)(labelled, 70, 3), module.labels(name, labelled, 70, 3)
        assert labels is not None
        assert np.array_equal(images[:, 0, 0, 0] % 5, labels)
    drawn = module.labels("gaussian", labelled, 5_000, 0)
    assert drawn is not None
    assert np.bincount(drawn, minlength=5).min() > 900
    assert module.labels("real", NUMBERED, 10, 0) is None

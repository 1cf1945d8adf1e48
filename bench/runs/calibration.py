"""Rows that calibrate a leaderboard: images made without training, shown as floor and ceiling and never ranked.

    real       held-out images: the best that any metric can be expected to say
    copycat    images of the training set, drawn again: perfect to most metrics, and what a memorisation score must catch
    gaussian   a multivariate normal with the mean and covariance of the training pixels: right moments, no objects

(`vae` calibrates too, but is trained like a member.)
"""

from collections.abc import Callable

import numpy as np

from bench.data import DataSet
from bench.errors import unknown

MOMENT_IMAGES = 10_000  # training images whose moments `gaussian` matches: its cost grows with them

CHUNK = 2_000  # images made at once

Calibration = Callable[[DataSet, int, int], np.ndarray]  # data set, count, seed -> (count, C, H, W) uint8


def calibration(name: str) -> Calibration:
    """The maker of images of that name. Raises UserError for an unknown name."""
    if name not in CALIBRATIONS:
        raise unknown("calibration row", name, CALIBRATIONS)
    return CALIBRATIONS[name]


def targets(name: str, dataset: DataSet, images: np.ndarray) -> np.ndarray:
    """What the images of a row should have been, where a metric compares pairs: (count, C, H, W) uint8.

    Held-out images are their own targets, the ceiling of every pair; the others stand beside the held-out images in order.
    """
    return (
        images
        if name == "real"
        else np.asarray(dataset.held_out.images[np.arange(len(images)) % len(dataset.held_out)])
    )


def labels(name: str, dataset: DataSet, count: int, seed: int) -> np.ndarray | None:
    """The classes of a row's images, (count,), or None for a set without labels.

    Images of the set have their own. What is made has classes at random: the floor of a metric that asks for the class.
    """
    train, held_out = dataset.train.labels, dataset.held_out.labels
    if train is None or held_out is None:
        return None
    if name == "real":
        return np.asarray(held_out)[_in_turn(len(held_out), count, seed)]
    if name == "copycat":
        return np.asarray(train)[_drawn(len(train), count, seed)]
    return np.random.default_rng(seed).integers(len(dataset.classes), size=count)


def real(dataset: DataSet, count: int, seed: int) -> np.ndarray:
    """Held-out images in random order, each as often as the others to within one."""
    return _rows(dataset.held_out.images, _in_turn(len(dataset.held_out), count, seed))


def copycat(dataset: DataSet, count: int, seed: int) -> np.ndarray:
    """Training images drawn with replacement."""
    return _rows(dataset.train.images, _drawn(len(dataset.train), count, seed))


def gaussian(dataset: DataSet, count: int, seed: int) -> np.ndarray:
    """Normal pixels with the mean and the covariance of the training images, before rounding into [0, 255].

    The covariance is never formed: with the centred images as rows of A (n x D) and z ~ N(0, I_n), mean + z A / sqrt(n - 1)
    has exactly the sample covariance A'A / (n - 1). At most 10,000 training images are used, chosen by the seed.
    """
    random = np.random.default_rng(seed)
    images = dataset.train.images
    drawn = np.empty((count, *images.shape[1:]), np.uint8)
    chosen = random.permutation(len(images))[:MOMENT_IMAGES]
    pixels = _rows(images, chosen).reshape(len(chosen), -1).astype(np.float32)
    mean = pixels.mean(0)
    centred = pixels - mean
    for start in range(0, count, CHUNK):  # large images by the ten thousand do not fit as float32
        rows = min(CHUNK, count - start)
        weights = random.standard_normal((rows, len(chosen)), dtype=np.float32) / np.sqrt(max(len(chosen) - 1, 1))
        made = (mean + weights @ centred).round().clip(0, 255).astype(np.uint8)
        drawn[start : start + rows] = made.reshape(rows, *images.shape[1:])
    return drawn


def _in_turn(size: int, count: int, seed: int) -> np.ndarray:
    """Rows of a set in random order, each as often as the others to within one."""
    random = np.random.default_rng(seed)
    return np.concatenate([random.permutation(size) for _ in range(-(-count // size))])[:count]


def _drawn(size: int, count: int, seed: int) -> np.ndarray:
    """Rows of a set with replacement."""
    return np.random.default_rng(seed).integers(size, size=count)


def _rows(images: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Rows of a memory map, read in file order."""
    order = np.argsort(rows, kind="stable")
    gathered = np.empty((len(rows), *images.shape[1:]), images.dtype)
    gathered[order] = images[rows[order]]
    return gathered


CALIBRATIONS: dict[str, Calibration] = {"real": real, "copycat": copycat, "gaussian": gaussian}

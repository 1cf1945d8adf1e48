"""Scores from Python against closed forms, and against the command line's own function."""

import numpy as np
import pytest
import torch
from PIL import Image

import bench
from bench.api.images import image_set
from bench.metrics.score import score as score_files


def features(seed, shift=0.0, scale=1.0, rows=400, width=6):
    random = np.random.default_rng(seed)
    white = random.normal(size=(rows, width))
    white -= white.mean(0)
    white = white @ np.linalg.inv(np.linalg.cholesky(np.cov(white.T))).T  # mean 0 and covariance 1, exactly
    return white * scale + shift


def test_fid_of_features_is_the_distance_of_their_gaussians():
    """|m|^2 + d (s1 - s2)^2 for spherical Gaussians."""
    assert bench.fid(features(0), features(1, shift=2.0, scale=3.0)) == pytest.approx(6 * 4 + 6 * (3 - 1) ** 2)
    assert bench.fid(torch.from_numpy(features(0)), features(1)) == pytest.approx(0, abs=1e-6)


def test_kid_of_features_is_the_unbiased_estimate():
    first, second = features(2, rows=30), features(3, rows=40, shift=0.5)

    def kernel(a, b):
        return (a @ b.T / a.shape[1] + 1) ** 3

    def mean_off_diagonal(k):
        return (k.sum() - np.trace(k)) / (len(k) * (len(k) - 1))

    expected = (
        mean_off_diagonal(kernel(first, first))
        + mean_off_diagonal(kernel(second, second))
        - 2 * kernel(first, second).mean()
    )
    assert bench.kid(first, second) == pytest.approx(expected, rel=1e-6)


def test_precision_and_recall_of_features_by_hand():
    """Half of the fakes lie in the real cloud, the others far away; every real point has fakes near it."""
    random = np.random.default_rng(4)
    real = random.uniform(size=(100, 2))
    fake = np.concatenate([real + 1e-4, random.uniform(size=(100, 2)) + 50])
    assert bench.precision(fake, real) == 0.5
    assert bench.recall(fake, real) == 1.0
    assert bench.coverage(fake, real) == 1.0
    assert bench.density(np.concatenate([fake[100:], fake[100:]]), real) == 0.0


@pytest.fixture
def images():
    return np.random.default_rng(5).integers(0, 256, (120, 1, 16, 16), np.uint8)


def test_images_in_memory_score_as_the_same_images_in_a_file(images, tmp_path):
    path = tmp_path / "images.npz"
    np.savez(path, images.transpose(0, 2, 3, 1))
    metrics = ["fid@digits-cnn", "precision@digits-cnn", "kid-full@digits-cnn:held-out"]
    in_files = {item.metric: item.value for item in score_files("digits", path, metrics)}
    assert bench.score(images, "digits", metrics)["value"].to_dict() == in_files
    assert bench.score(path, "digits", metrics)["value"].to_dict() == in_files


def test_a_metric_by_name_is_the_metric_of_score(images):
    other = 255 - images
    expected = bench.score(images, other, ["fid@digits-cnn"])["value"].item()
    assert bench.fid(images, other, extractor="digits-cnn") == expected
    assert bench.measure("fid@digits-cnn", images, other) == expected
    assert bench.inception_score(images, extractor="digits-cnn") >= 1


def test_every_form_of_the_same_images_is_the_same(images):
    colour = np.repeat(images, 3, axis=1)
    forms = [
        colour,
        colour.transpose(0, 2, 3, 1),
        torch.from_numpy(colour),
        [Image.fromarray(image) for image in colour.transpose(0, 2, 3, 1)],
    ]
    for form in forms:
        assert np.array_equal(image_set(form, "x").images, colour)
    for form in (images[:, 0], [Image.fromarray(image) for image in images[:, 0]]):
        assert np.array_equal(image_set(form, "x").images, images)
    for low, high in ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)):
        floats = images.astype(np.float32) / 255 * (high - low) + low
        assert np.array_equal(image_set(floats, "x", value_range=(low, high)).images, images)
        assert np.array_equal(image_set(torch.from_numpy(floats), "x", value_range=(low, high)).images, images)


def test_labels_serve_metrics_of_classes(images):
    labels = np.arange(len(images)) % 10
    found = bench.score((images, labels), "digits", ["gan-test@digits-cnn"])
    assert 0 <= found["value"].item() <= 1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: bench.score(x.astype(np.float32), "digits"), "value_range"),
        (lambda x: bench.score(x.astype(np.float32), "digits", value_range=(0, 1)), "expected 0 to 1"),
        (lambda x: bench.score(x.astype(np.int64), "digits"), "pixels are int64"),
        (lambda x: bench.score(x[0, 0], "digits"), "Images were expected"),
        (lambda x: bench.score(x[:, :, :3, :3].repeat(3, 1), "digits"), "cannot be told"),
        (lambda x: bench.score((x, [1, 2]), "digits"), "one per image"),
        (lambda x: bench.score(x, "digit"), "digits"),
        (lambda x: bench.score(x, x, resolution=8), "keep their size"),
        (lambda x: bench.score(["a", "b"], "digits"), "PIL pictures"),  # pyright: ignore[reportArgumentType]
        (lambda x: bench.fid(features(0), features(1)[:1]), "two rows at least"),
        (lambda x: bench.fid(features(0), features(1) * np.nan), "finite"),
        (lambda x: bench.fid(features(0), None), "Give them too"),
        (lambda x: bench.measure("fid@digits-cnn", features(0), features(1)), "Leave out '@digits-cnn'"),
        (lambda x: bench.measure("inception-score", features(0)), "more than features"),
        (lambda x: bench.measure("fid", x, x), "needs an extractor"),
        (lambda x: bench.measure("fidd@digits-cnn", x, x), "fid"),
        (lambda x: bench.fid(x, x, extractor="digits-cnn", device="abacus"), "Give cpu"),
    ],
)
def test_what_cannot_be_scored_is_said(images, call, words):
    with pytest.raises(bench.UserError, match=words):
        call(images)

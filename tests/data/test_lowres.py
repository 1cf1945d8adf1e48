"""Pairs for super-resolution, made from another set."""

import numpy as np
import pytest

from bench import data
from bench.data.lowres import smaller
from bench.errors import UserError


def test_every_four_by_four_pixels_of_a_source_are_alike_and_keep_a_flat_image():
    pixels = np.random.default_rng(0).integers(256, size=(3, 16, 16), dtype=np.uint8)
    found = smaller(pixels, 4)
    assert found.shape == pixels.shape
    blocks = found.reshape(3, 4, 4, 4, 4).transpose(0, 1, 3, 2, 4).reshape(3, 4, 4, 16)
    assert (blocks == blocks[..., :1]).all()
    flat = np.full((1, 16, 16), 77, np.uint8)
    assert (smaller(flat, 8) == 77).all()


def test_sources_keep_the_brightness_of_their_images():
    ramp = np.tile(np.arange(0, 256, 8, dtype=np.uint8), (1, 32, 1))
    assert abs(float(smaller(ramp, 4).mean()) - float(ramp.mean())) < 1


def test_a_set_of_pairs_has_the_images_and_splits_of_its_base_and_no_labels():
    base, pairs = data.load("digits"), data.load("lowres:digits?factor=2")
    for split in ("train", "held_out"):
        whole, part = getattr(base, split), getattr(pairs, split)  # rows are in another order, that of their digests
        assert sorted(map(bytes, whole.images)) == sorted(map(bytes, part.images))
        assert np.array_equal(part.source[3], smaller(np.asarray(part.images[3]), 2))
        assert part.paired
        assert part.labels is None
    assert data.load("lowres:digits", resolution=8).train.source.shape == (1433, 1, 8, 8)


def test_its_description_is_its_base_s():
    found = data.describe("lowres:digits")
    assert (found.name, found.resolution, found.channels, found.classes, found.train) == (
        "lowres:digits",
        16,
        1,
        0,
        1433,
    )
    assert found.shown


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lowres:", "expected lowres:NAME"),
        ("lowres:nothing", "unknown data set 'nothing'"),
        ("lowres:digits?factor=3", "factor=3; expected one of 4, 2, 8"),
        ("lowres:digits?size=3", "size"),
        ("lowres:lowres:digits", "has pictures to translate already"),
        ("lowres:folder:", "expected folder:PATH"),
    ],
)
def test_what_is_not_understood_is_named(name: str, words: str):
    with pytest.raises(UserError, match=words.replace("?", r"\?")):
        data.load(name)

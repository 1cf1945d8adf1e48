"""Samples: the quantisation map, features once per extractor, and a cache that goes by content."""

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from bench.errors import UserError
from bench.features.sample import Sample, digest
from bench.training.sampling import dequantise, quantise


@dataclass
class Projection:
    """A tiny extractor that counts the images it sees."""

    name: str = "projection"
    digest: str = "weights-1"
    preprocessing: str = "none"
    classes: int | None = None
    width: int = 6
    seen: list[int] = field(default_factory=list)

    def __call__(self, images):
        self.seen.append(len(images))
        weights = torch.randn(images[0].numel(), self.width, generator=torch.Generator().manual_seed(0))
        features = images.flatten(1).float() @ weights / 255
        return features, features[:, :3]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path))
    return tmp_path


def images(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 256, (count, 3, 4, 4), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def test_quantise_clamps_and_rounds():
    given = torch.tensor([-7.0, -1, -1 + 1 / 255, 0, 0.5, 1, 3])
    assert quantise(given).tolist() == [0, 0, 0, 128, 191, 255, 255]


def test_quantise_undoes_dequantise():
    levels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(quantise(dequantise(levels)), levels)


def test_quantise_refuses_nan():
    with pytest.raises(UserError, match="NaN"):
        quantise(torch.tensor([0.0, torch.nan]))


@pytest.mark.parametrize("bad", [torch.zeros(4, 3, 4, 4), torch.zeros(4, 4, 4, dtype=torch.uint8), images(4)[:, :2]])
def test_images_of_the_wrong_kind_are_refused(bad):
    with pytest.raises(UserError, match="must be uint8 of shape"):
        Sample.of(bad, name="fake")


def test_labels_must_match():
    with pytest.raises(UserError, match="as many labels"):
        Sample.of(images(4), torch.zeros(3), name="fake")


def test_the_digest_goes_by_content():
    pixels = images(10)
    assert digest(pixels) == digest(pixels.numpy()) == Sample.of(pixels.clone(), name="other").digest
    assert digest(pixels) != digest(pixels.flip(0))
    assert digest(pixels) != digest(pixels.view(10, 3, 2, 8))
    assert digest(pixels, torch.arange(10)) != digest(pixels)


def test_features_are_computed_once():
    extractor, sample = Projection(), Sample.of(images(100), name="fake")
    assert sample.features(extractor) is sample.features(extractor)
    assert extractor.seen == [100]
    assert sample.features(extractor).features.shape == (100, 6)


def test_many_images_are_handed_over_in_parts(monkeypatch):
    monkeypatch.setattr("bench.features.sample.BATCH", 40)
    extractor = Projection()
    assert Sample.of(images(100), name="fake").features(extractor).features.shape == (100, 6)
    assert extractor.seen == [40, 40, 20]


def test_features_do_not_depend_on_order_or_neighbours():
    pixels = images(100)
    order = torch.randperm(100, generator=torch.Generator().manual_seed(0))
    all_of_them = Sample.of(pixels, name="a").features(Projection()).features
    torch.testing.assert_close(Sample.of(pixels[order], name="b").features(Projection()).features, all_of_them[order])
    torch.testing.assert_close(Sample.of(pixels[:7], name="c").features(Projection()).features, all_of_them[:7])


def test_channels_are_grey_images_in_order():
    sample = Sample.of(images(5), name="fake")
    assert sample.channels.images.shape == (15, 1, 4, 4)
    assert torch.equal(sample.channels.images[7, 0], sample.images[2, 1])
    assert sample.channels is sample.channels


def test_a_memory_map_serves(tmp_path):
    np.save(tmp_path / "images.npy", images(10).numpy())
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    found = Sample.of(mapped, name="mapped").features(Projection()).features
    assert torch.equal(found, Sample.of(images(10), name="plain").features(Projection()).features)


def entries(home):
    return sorted((home / "features").glob("*"))


def test_fakes_leave_nothing_on_disk(home):
    Sample.of(images(10), name="fake").features(Projection())
    assert not (home / "features").exists()


def test_real_features_are_kept_on_disk(home):
    first, second = (Sample.of(images(80), torch.arange(80), name="train", keep=True) for _ in range(2))
    extractor = Projection()
    a, b = first.features(extractor), second.features(extractor)
    assert extractor.seen == [80]
    assert torch.equal(a.features, b.features)
    assert a.logits is not None
    assert b.logits is not None
    assert torch.equal(a.logits, b.logits)
    assert b.labels.tolist() == list(range(80))
    assert len(entries(home)) == 1


def test_kept_statistics_need_no_look_at_the_images(home):
    first, second = (Sample.of(images(80), name="train", keep=True) for _ in range(2))
    expected = first.statistics(Projection())
    extractor = Projection()
    found = second.statistics(extractor)
    assert extractor.seen == []
    assert found.covariance is not None
    assert expected.covariance is not None
    assert torch.equal(found.covariance, expected.covariance)
    assert found.count == 80


@pytest.mark.parametrize("change", [dict(digest="weights-2"), dict(preprocessing="resized")])
def test_other_weights_or_preprocessing_are_another_entry(home, change):
    Sample.of(images(80), name="train", keep=True).features(Projection())
    other = Projection(**change)
    Sample.of(images(80), name="train", keep=True).features(other)
    assert other.seen == [80]
    assert len(entries(home)) == 2


def truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[-10] ^= 1
    path.write_bytes(content)


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [truncate, flip_a_bit, empty])
def test_a_damaged_entry_is_computed_again(home, damage):
    expected = Sample.of(images(80), name="train", keep=True).features(Projection()).features
    damage(entries(home)[0])
    extractor = Projection()
    found = Sample.of(images(80), name="train", keep=True).features(extractor).features
    assert extractor.seen == [80]
    assert torch.equal(found, expected)
    again = Projection()
    Sample.of(images(80), name="train", keep=True).features(again)
    assert again.seen == []


def test_a_foreign_entry_is_computed_again(home):
    """A whole file under the wrong name, e.g. copied by hand or written by another version."""
    Sample.of(images(80, seed=1), name="other", keep=True).features(Projection())
    foreign = entries(home)[0].read_bytes()
    expected = Sample.of(images(80), name="train", keep=True).features(Projection()).features
    for entry in entries(home):
        entry.write_bytes(foreign)
    found = Sample.of(images(80), name="train", keep=True).features(Projection()).features
    assert torch.equal(found, expected)


def test_a_cache_that_cannot_be_written_costs_nothing_else(home):
    (home / "features").write_text("a file where the folder should be")
    assert Sample.of(images(80), name="train", keep=True).features(Projection()).features.shape == (80, 6)


def test_non_finite_features_are_refused():
    class Broken(Projection):
        def __call__(self, images):
            features, logits = super().__call__(images)
            features[2] = torch.nan
            return features, logits

    with pytest.raises(UserError, match=r"fakes of step 7: extractor 'projection' gives NaN .* first is image 2"):
        Sample.of(images(50), name="fakes of step 7").features(Broken())

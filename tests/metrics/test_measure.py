"""From samples and ids to measurements: one look at the images, clear refusals, flags where a number is weak."""

import pytest
import torch

from bench.errors import UserError
from bench.features.sample import Sample
from bench.metrics import MetricId, find
from bench.metrics.fid import fid
from bench.metrics.measure import measure

WIDTH = 6


class Projection:
    name, digest, preprocessing = "projection", "weights", "none"
    classes = 4

    def __init__(self):
        self.seen = 0

    def __call__(self, images):
        self.seen += len(images)
        weights = torch.randn(images[0].numel(), WIDTH, generator=torch.Generator().manual_seed(0))
        features = images.flatten(1).float() @ weights / 255
        return features, features[:, :4]


def sample(count: int, seed: int, name: str) -> Sample:
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (count, 1, 4, 4), generator=generator, dtype=torch.uint8)
    return Sample.of(pixels, torch.arange(count) % 4, name=name)


@pytest.fixture
def splits():
    return dict(train=sample(128, 0, "train"), held_out=sample(64, 1, "held-out"), fake=sample(64, 2, "fake"))


def run(ids, splits, extractor=None):
    return measure(ids, **splits, load=lambda name: extractor or Projection())


def test_ids_are_read_and_written():
    for text in ("fid", "fid@digits-cnn", "fid@digits-cnn:held-out", "ssim:held-out"):
        assert str(MetricId.parse(text)) == text
    assert MetricId.parse("fid@digits-cnn:held-out") == MetricId("fid", "digits-cnn", held_out=True)


@pytest.mark.parametrize("text", ["", "@x", "fid@", "fid:test", "fid@x:", ":held-out"])
def test_an_id_of_another_form_is_refused(text):
    with pytest.raises(UserError, match="is not NAME"):
        MetricId.parse(text)


def test_an_unknown_metric_gets_a_hint():
    with pytest.raises(UserError, match="Did you mean 'coverage'"):
        find("covrage")


def test_each_extractor_sees_each_image_once(splits):
    extractor = Projection()
    ids = ["fid@p", "kid@p", "precision@p", "coverage@p", "fid@p:held-out", "inception-score@p"]
    found = run(ids, splits, extractor)
    assert [m.metric for m in found] == ids
    assert extractor.seen == 256


def test_the_real_side_is_the_split_asked_for(splits):
    train, held_out = run(["fid@p", "fid@p:held-out"], splits)
    real, extractor = splits["held_out"], Projection()
    assert held_out.value == fid(real.features(extractor), splits["fake"].features(extractor))
    assert (train.samples_real, held_out.samples_real, held_out.samples_fake) == (128, 64, 64)


def test_order_of_the_fakes_does_not_matter(splits):
    ids = ["fid@p", "kid-full@p", "precision@p", "recall@p", "density@p", "coverage@p"]
    expected = [m.value for m in run(ids, splits)]
    fake = splits["fake"]
    order = torch.randperm(64, generator=torch.Generator().manual_seed(3))
    splits["fake"] = Sample.of(fake.images[order], fake.labels[order], name="fake")
    # The projection's float32 sums depend on the place in the batch; on equal features the agreement is 1e-12 (test_fid).
    assert [m.value for m in run(ids, splits)] == pytest.approx(expected, rel=1e-6)


def test_fewer_samples_than_dimensions_are_flagged(splits):
    splits["fake"] = sample(5, 2, "fake")
    (found,) = run(["fid@p"], splits)
    assert found.flags == ("5 fake samples for 6 feature dimensions",)
    splits["fake"] = sample(11, 2, "fake")  # the covariance can be inverted, and says little
    assert run(["fid@p"], splits)[0].flags == ("11 fake samples for 6 feature dimensions",)
    splits["fake"] = sample(12, 2, "fake")
    assert run(["fid@p"], splits)[0].flags == ()


def test_collapse_to_one_image_is_flagged(splits):
    one = splits["fake"].images[:1].expand(64, -1, -1, -1).clone()
    splits["fake"] = Sample.of(one, name="fake")
    found = run(["fid@p", "recall@p"], splits)
    assert all("collapsed: fake features are constant" in m.flags for m in found)


def test_too_few_samples_are_refused_before_any_work(splits):
    splits["fake"] = sample(5, 2, "fake")
    extractor = Projection()
    with pytest.raises(UserError, match=r"'coverage@p' needs at least 6 samples; fake has 5"):
        run(["fid@p", "coverage@p"], splits, extractor)
    assert extractor.seen == 0


def test_constant_real_images_are_refused(splits):
    splits["train"] = Sample.of(torch.zeros(64, 1, 4, 4, dtype=torch.uint8), name="train")
    with pytest.raises(UserError, match="features of all real images are the same"):
        run(["fid@p"], splits)


def test_a_feature_metric_without_an_extractor_is_refused(splits):
    with pytest.raises(UserError, match="'fid' needs an extractor"):
        run(["fid"], splits)


def test_held_out_without_a_real_side_is_refused(splits):
    with pytest.raises(UserError, match="no real side"):
        run(["inception-score@p:held-out"], splits)

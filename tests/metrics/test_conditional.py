"""Class-conditional metrics on Gaussians whose answers are known."""

import pytest
import torch

from bench.errors import UserError
from bench.features.features import Features
from bench.metrics.conditional import gan_test, gan_train, intra_fid, probe_accuracy
from bench.metrics.fid import fid


def blobs(per_class: int, seed: int, distance: float = 4.0, classes: int = 3, d: int = 5) -> Features:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(classes).repeat(per_class)
    centres = distance * torch.eye(classes, d, dtype=torch.float64)
    features = centres[labels] + torch.randn(len(labels), d, generator=generator, dtype=torch.float64)
    return Features(features, labels=labels, logits=features[:, :classes])


def shuffled_labels(sample: Features) -> Features:
    order = torch.randperm(len(sample), generator=torch.Generator().manual_seed(0))
    assert sample.labels is not None
    return Features(sample.features, sample.logits, sample.labels[order])


def test_intra_fid_is_the_mean_over_classes():
    real, fake = blobs(200, 0), blobs(100, 1)
    pairs = [[Features(s.features[s.labels == label]) for s in (real, fake)] for label in range(3)]
    assert intra_fid(real, fake).value == pytest.approx(sum(fid(*pair) for pair in pairs) / 3, rel=1e-12)


def test_intra_fid_sees_what_fid_cannot():
    """Perfect images under the wrong labels."""
    real, fake = blobs(300, 0), shuffled_labels(blobs(300, 1))
    assert fid(real, fake) < 0.1
    assert intra_fid(real, fake).value > 5


def test_intra_fid_needs_every_class():
    real, fake = blobs(20, 0), blobs(20, 1)
    few = Features(fake.features[:1], labels=fake.labels[:1])
    with pytest.raises(UserError, match="class 0 has fewer"):
        intra_fid(real, few)
    with pytest.raises(UserError, match="no class labels"):
        intra_fid(real, Features(fake.features))


def test_few_fakes_in_a_class_are_flagged():
    assert intra_fid(blobs(50, 0), blobs(4, 1)).flags == ("only 4 fakes in a class for 5 feature dimensions",)


def test_gan_test_is_the_share_of_matching_classes():
    logits = torch.eye(4)[torch.tensor([0, 1, 2, 2])]
    labels = torch.tensor([0, 1, 2, 3])
    found = gan_test(Features(logits, logits, labels), Features(logits, logits, torch.tensor([0, 1, 2, 2])))
    assert (found.value, found.baseline) == (0.75, 1.0)


def test_gan_test_refuses_a_classifier_of_other_classes():
    logits = torch.eye(4)
    with pytest.raises(UserError, match="knows 4 classes"):
        gan_test(Features(logits, logits, torch.tensor([0, 1, 2, 9])), Features(logits, logits, torch.arange(4)))


def test_gan_train_tells_good_fakes_from_bad_ones():
    train, held_out = blobs(200, 0, 6), blobs(100, 1, 6)
    good = gan_train(train, held_out, blobs(200, 2, 6))
    bad = gan_train(train, held_out, shuffled_labels(blobs(200, 2, 6)))
    assert good.value > 0.97
    assert good.baseline == bad.baseline > 0.97
    assert bad.value < 0.6


def test_the_classifier_agrees_with_scikit_learn():
    linear_model = pytest.importorskip("sklearn.linear_model")
    fitted, tested = blobs(150, 0, 1.5), blobs(400, 1, 1.5)
    mean, spread = fitted.features.mean(0), fitted.features.std(0)
    x, y = ((s.features - mean) / spread for s in (fitted, tested))
    # scikit-learn weighs the sum of losses by C against |w|^2 / 2: C = 1 / (N * penalty).
    model = linear_model.LogisticRegression(C=1 / (len(x) * 1e-3), tol=1e-8, max_iter=1000).fit(x, fitted.labels)
    assert probe_accuracy(fitted, tested) == pytest.approx(model.score(y, tested.labels), abs=1e-9)

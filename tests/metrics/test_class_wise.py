"""Precision and recall within classes: by hand, against prdc class by class, and what the totals hide."""

import pytest
import torch

from bench.errors import UserError
from bench.features.features import Features
from bench.metrics.class_wise import class_precision, class_recall, within
from bench.metrics.precision_recall import precision, recall


def normal(n: int, d: int, seed: int) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def sample(points: torch.Tensor, labels: torch.Tensor) -> Features:
    return Features(points, labels=labels)


def column(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)[:, None]


TWO = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1])


def test_by_hand():
    """Real 0..3: balls of radius 3, 2, 2, 3. Fakes of class 0: -3, 5 and 6 lie 3, 2 and 3 from a real image with radius 3,
    inside; 7 lies 4 away. Of class 1: all at 100, outside. Recall: the fakes of class 0 have radii 10, 8, 9, 10 and hold
    all real images, those of class 1 have radius 0 and hold none.
    """
    real = sample(column(0, 1, 2, 3, 10, 11, 12, 13), TWO)
    fake = sample(column(-3, 5, 6, 7, 100, 100, 100, 100), TWO)
    found = class_precision(real, fake)
    assert found.value == pytest.approx((0.75 + 0) / 2, rel=1e-12)
    assert found.error == pytest.approx(0.75 / 2**0.5, rel=1e-12)
    assert class_recall(real, fake).value == pytest.approx((1 + 0) / 2, rel=1e-12)
    assert found.flags == ("only 4 images in a class: at least 50 are needed to trust it",)


def test_against_torch_fidelity_class_by_class():
    metric_prc = pytest.importorskip("torch_fidelity.metric_prc")
    labels = torch.arange(300) % 3
    x, y = normal(300, 5, 0) + labels[:, None], 1.2 * normal(300, 5, 1) + labels[:, None]
    theirs = [
        metric_prc.prc_features_to_metric(y[labels == c], x[labels == c], verbose=False, cuda=False, save_cpu_ram=True)
        for c in range(3)
    ]
    real, fake = sample(x, labels), sample(y, labels)
    assert class_precision(real, fake).value == pytest.approx(sum(t["precision"] for t in theirs) / 3, rel=1e-6)
    assert class_recall(real, fake).value == pytest.approx(sum(t["recall"] for t in theirs) / 3, rel=1e-6)
    assert class_precision(real, fake).flags == ()


def test_fakes_of_the_wrong_class_are_seen_here_only():
    labels = torch.arange(400) % 2
    points = normal(400, 3, 0) + 50 * labels[:, None]
    swapped = sample(normal(400, 3, 1) + 50 * (1 - labels)[:, None], labels)
    real = sample(points, labels)
    assert precision(real, swapped) > 0.9
    assert class_precision(real, swapped).value == 0
    assert class_recall(real, swapped).value == 0


def test_one_class_without_variety():
    labels = torch.arange(400) % 4
    real = sample(normal(400, 3, 0) + 50 * labels[:, None], labels)
    spread = torch.where(labels == 3, 0.01, 1.0)[:, None]
    fake = sample(spread * normal(400, 3, 1) + 50 * labels[:, None], labels)
    found = within(real, fake)
    assert min(found[label].recall for label in range(3)) > 0.8 > 0.1 > found[3].recall
    assert class_recall(real, fake).error > 0.4
    assert recall(real, fake) > 0.6


@pytest.mark.parametrize("few", ["real images", "fakes"])
def test_too_few_of_a_class_are_refused(few):
    full = sample(normal(8, 2, 0), TWO)
    short = sample(normal(8, 2, 1), torch.tensor([0, 0, 0, 0, 0, 1, 1, 1]))
    pair = (short, full) if few == "real images" else (full, short)
    with pytest.raises(UserError, match=f"at least 4 {few} of every class; class 1 has 3"):
        class_precision(*pair)


def test_images_without_labels_are_refused():
    with pytest.raises(UserError, match="no class labels"):
        class_recall(Features(normal(8, 2, 0)), sample(normal(8, 2, 1), TWO))

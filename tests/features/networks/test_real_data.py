"""The trained extractors on the sets they were trained on: accuracy, and that FID notices what it should."""

import os
from itertools import pairwise

import pytest
import torch

from bench import data
from bench.features import networks
from bench.metrics import sanity

AT_LEAST = {"mnist-cnn": 0.995, "cifar10-cnn": 0.93}
TRAINED = list(AT_LEAST)
needs_data = pytest.mark.skipif(
    "BENCH_DATA" not in os.environ, reason="BENCH_DATA names no root with the real MNIST and CIFAR-10"
)


@needs_data
@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_the_stated_accuracy_is_reproduced(name):
    card = networks.card(name)
    assert card.dataset is not None
    assert card.accuracy >= AT_LEAST[name]
    real = data.load(card.dataset)
    assert real.digest == card.data_digest
    _, logits = networks.load(name)(torch.tensor(real.held_out.images))
    assert logits is not None
    right = (logits.argmax(1) == torch.tensor(real.held_out.labels)).double().mean().item()
    assert right == pytest.approx(card.accuracy, abs=2e-4)  # two images: other processors round differently


def check(name: str, dataset: str, count: int) -> None:
    found: dict[str, list[float]] = {}
    for row in sanity.rows(networks.load(name), data.load(dataset), count):
        found.setdefault(row.kind, []).append(row.fid)
    (same,), (held_out,), (nothing,) = found["train, other half"], found["held-out"], found["uniform noise only"]
    for kind in ("blur", "noise", "classes dropped"):
        assert all(less < more for less, more in pairwise([same, *found[kind]])), kind
        assert found[kind][-1] > held_out, kind
        assert found[kind][-1] < nothing, kind
    assert same < held_out


@needs_data
@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_fid_grows_with_every_defect(name):
    dataset = networks.card(name).dataset
    assert dataset is not None
    check(name, dataset, count=5000)


@pytest.mark.slow
def test_fid_on_digits_grows_with_every_defect():
    check("digits-cnn", "digits", count=300)

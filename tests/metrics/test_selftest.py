"""The calibration's plumbing; its figures need the official weights."""

import os

import pytest
import torch

from bench.features.networks import official
from bench.features.sample import Sample
from bench.metrics.selftest import Calibration, calibrations, embedded
from bench.metrics.selftest import official as calibrate


class Stand:
    """In the place of Inception-v3."""

    name, digest, preprocessing = "inception-v3", "none", "none"
    classes = 4

    def __call__(self, images):
        features = images.flatten(1).float() / 255
        return features, features


def sample(seed: int) -> Sample:
    generator = torch.Generator().manual_seed(seed)
    return Sample.of(
        torch.randint(0, 256, (50, 1, 4, 4), generator=generator, dtype=torch.uint8), name=f"sample {seed}"
    )


def test_figures_stand_beside_the_published_ones():
    found = calibrations(sample(0), sample(1), Stand())
    assert [item.metric for item in found] == ["inception-score@inception-v3", "fid@inception-v3"]
    assert not any(item.passed for item in found)


def test_a_figure_passes_within_its_tolerance():
    assert Calibration("", "", 3.15, 0.01, "", 3.155).passed
    assert not Calibration("", "", 3.15, 0.01, "", 3.17).passed


def test_the_embedded_figures_are_found_here():
    found = embedded()
    assert [item.metric for item in found] == ["gan-test@digits-cnn", "inception-score@digits-cnn", "fid@digits-cnn"]
    assert all(item.passed for item in found), found


@pytest.mark.slow
@pytest.mark.skipif(
    not (os.environ.get("BENCH_DATA") and official.is_here("inception-v3")),
    reason="needs the official Inception-v3 weights and BENCH_DATA with CIFAR-10",
)
def test_the_official_weights_reproduce_the_published_figures():
    assert all(item.passed for item in calibrate())

"""What an evaluation costs beyond what cannot be avoided: generating the images and one pass through the network.

pytest --benchmark-only tests/benchmarks/test_evaluation_speed.py

CPU seconds, threads as set outside. Compare the rows of a group: "every metric" over "generation and one pass" is the price
of the metrics. ``BENCH_IMAGES`` sets the number of images (10,000 in docs/metrics.md).
"""

import os
import time
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench import members
from bench.features import networks
from bench.features.sample import Sample
from bench.gan import ImageSpec
from bench.metrics.measure import measure
from bench.training.loop import Execution
from bench.training.sampling import SampleRequest, generate

IMAGES = int(os.environ.get("BENCH_IMAGES", "1000"))
DEFAULTS = ("fid", "fid:held-out", "kid", "inception-score", "precision", "recall", "density", "coverage")


class InceptionSize:
    """Inception-v3 as torchvision has it, with random weights: the right amount of work, no meaning."""

    name, digest, preprocessing = "inception-size", "random weights", "nearest, 299 x 299"
    classes = None

    def __init__(self):
        from torchvision.models import inception_v3

        torch.manual_seed(0)
        self.net: Any = inception_v3(weights=None, init_weights=False, aux_logits=True).eval()
        self.head, self.net.fc = self.net.fc, nn.Identity()

    @torch.inference_mode()
    def __call__(self, images: Tensor, /) -> tuple[Tensor, Tensor]:
        wide = nn.functional.interpolate(images.expand(-1, 3, -1, -1).float() / 127.5 - 1, (299, 299))
        features = torch.cat([self.net(part) for part in wide.split(50)])
        return features, self.head(features)


def group(name: str) -> pytest.MarkDecorator:
    """Rows of one table, in CPU seconds."""
    return pytest.mark.benchmark(group=name, timer=time.process_time)


LARGE, SMALL = (
    group(f"evaluation, Inception-size network, {IMAGES:,} images"),
    group(f"evaluation, mnist-cnn, {IMAGES:,} images"),
)


@pytest.fixture(scope="module")
def gan():
    torch.manual_seed(0)
    return members.builder(members.find("dcgan"))(ImageSpec(1, 32, 10))


def images_of(gan, seed: int) -> Tensor:
    """Freshly generated images."""
    nets = {name: player.net.eval() for name, player in gan.players.items()}
    random = torch.Generator().manual_seed(seed)
    return generate(
        gan, nets, SampleRequest(IMAGES, seed, gan.latents(IMAGES, random)), ImageSpec(1, 32, 10), Execution()
    )


def real(seed: int) -> Sample:
    """Real images stand ready with their features, as they do for every member but the first."""
    pixels = torch.randint(
        0, 256, (IMAGES, 1, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed)
    )
    return Sample.of(pixels, name="real")


def compare(benchmark, gan, network, metrics: bool) -> None:
    """One round of generation, features and, when asked for, every metric."""
    train, held_out = real(1), real(2)
    for side in (train, held_out):
        side.statistics(network)

    def run():
        fake = Sample.of(images_of(gan, 3), name="fake")
        if metrics:
            measure([_at(name, network.name) for name in DEFAULTS], train, held_out, fake, lambda name: network)
        else:
            fake.features(network)

    benchmark.pedantic(run, rounds=1)


def _at(metric: str, network: str) -> str:
    name, colon, split = metric.partition(":")
    return f"{name}@{network}{colon}{split}"


@LARGE
def test_inception_size_generation_and_one_pass(benchmark, gan):
    compare(benchmark, gan, InceptionSize(), metrics=False)


@LARGE
def test_inception_size_every_metric(benchmark, gan):
    compare(benchmark, gan, InceptionSize(), metrics=True)


@SMALL
def test_mnist_cnn_generation_and_one_pass(benchmark, gan):
    compare(benchmark, gan, networks.load("mnist-cnn"), metrics=False)


@SMALL
def test_mnist_cnn_every_metric(benchmark, gan):
    compare(benchmark, gan, networks.load("mnist-cnn"), metrics=True)

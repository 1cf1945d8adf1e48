"""Does FID on an extractor notice what it should? ``python -m bench.metrics.sanity cifar10-cnn cifar10 --data-root ROOT``.

Prints a Markdown table: the distance of one half of the training images from the other half, from the held-out images,
from noise, and from images that are blurred, noisy or lack classes, more and more so.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from bench import data
from bench.features import networks
from bench.features.networks.extractor import Extractor
from bench.features.statistics import Statistics, statistics_of
from bench.metrics.fid import frechet_distance

BLUR = (0.5, 1.0, 2.0)  # standard deviation of the Gaussian, pixels
NOISE = (5.0, 15.0, 40.0)  # standard deviation of the Gaussian, grey levels of 255
DROPPED = (1, 3, 5)  # classes of which there is no image
SEED = 0


@dataclass(frozen=True)
class Row:
    """One comparison with the first half of the training images."""

    kind: str  # "held-out", "blur" ...
    level: float  # how much of it
    fid: float


def rows(extractor: Extractor, data_set: data.DataSet, count: int) -> Iterator[Row]:
    """Compare up to `count` images of every kind with the first half of the training split, in random order."""
    images, labels = _shuffled(data_set.train)
    half = len(images) // 2
    reference = _statistics(extractor, images[:half])

    def distance(altered: Tensor) -> float:
        return frechet_distance(reference, _statistics(extractor, altered))

    rest, rest_labels = images[half:], labels[half:]
    yield Row("train, other half", 0, distance(rest[:count]))
    yield Row("held-out", 0, distance(_shuffled(data_set.held_out)[0][:count]))
    for sigma in BLUR:
        yield Row("blur", sigma, distance(blurred(rest[:count], sigma)))
    for sigma in NOISE:
        yield Row("noise", sigma, distance(noisy(rest[:count], sigma)))
    for dropped in DROPPED:
        yield Row("classes dropped", dropped, distance(rest[rest_labels >= dropped][:count]))
    yield Row("uniform noise only", 0, distance(_uniform(rest[:count].shape)))


def blurred(images: Tensor, sigma: float) -> Tensor:
    """uint8 (N, C, H, W) => the same, convolved with a Gaussian of `sigma` pixels."""
    return gaussian_blur(images.float(), [2 * round(3 * sigma) + 1] * 2, [sigma, sigma]).round().to(torch.uint8)


def noisy(images: Tensor, sigma: float) -> Tensor:
    """uint8 (N, C, H, W) => the same with independent Gaussian noise of `sigma` grey levels, cut off at 0 and 255."""
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(SEED))
    return (images.float() + sigma * noise).clamp(0, 255).round().to(torch.uint8)


def _uniform(shape: torch.Size) -> Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(SEED))


def _shuffled(split: data.Split) -> tuple[Tensor, Tensor]:
    order = torch.randperm(len(split.images), generator=torch.Generator().manual_seed(SEED))
    assert split.labels is not None
    return torch.tensor(split.images)[order], torch.tensor(split.labels)[order]


def _statistics(extractor: Callable[[Tensor], tuple[Tensor, Tensor | None]], images: Tensor) -> Statistics:
    return statistics_of(torch.cat([extractor(part)[0] for part in images.split(1000)]))


def main() -> None:
    """Read the command line, print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.metrics.sanity", description="FID on real images.")
    parser.add_argument("extractor")
    parser.add_argument("dataset", help="a labelled data set with at least 6 classes")
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--count", type=int, default=10_000, help="images of every kind (default: %(default)s)")
    given = parser.parse_args()
    data_set = data.load(given.dataset, data_root=given.data_root)
    print(f"| compared with half of the training images | level | FID@{given.extractor} |\n| --- | --- | --- |")
    for row in rows(networks.load(given.extractor), data_set, given.count):
        print(f"| {row.kind} | {row.level or ''} | {row.fid:.4g} |", flush=True)


if __name__ == "__main__":
    main()

"""Images that a generator made elsewhere: a folder, an .npz, an archive."""

from pathlib import Path

import numpy as np

from bench.data.image_set import ImageSet
from bench.data.imports.any_images import read_images
from bench.errors import UserError
from bench.features.sample import Sample
from bench.gan import ImageSpec

SHUFFLE = 0  # seed of the order in which images are dealt out to sample seeds


def images_of(path: Path, spec: ImageSpec, samples: int) -> ImageSet:
    """The images, if they are what the suite scores.

    Raises UserError for images of another size or number of channels, and for fewer than one sample of the suite.
    """
    found = read_images(path)
    count, channels, height, width = found.images.shape
    if (height, width) != (spec.resolution, spec.resolution):
        raise UserError(f"{path}: has images of {width} x {height} pixels, the suite's are {spec.resolution} a side.")
    if channels != spec.channels:
        words = {1: "grey", 3: "colour"}
        raise UserError(f"{path}: has {words[channels]} images, the suite's are {words.get(spec.channels, 'others')}.")
    if count < samples:
        raise UserError(
            f"{path}: has {count:,} images, a score of this suite takes {samples:,}. Give at least as many."
        )
    return found


def dealt(found: ImageSet, samples: int, seeds: tuple[int, ...]) -> dict[int, Sample]:
    """A sample for each sample seed, no image in two of them; only as many seeds as there are images for."""
    order = np.random.default_rng(SHUFFLE).permutation(len(found.images))
    parts: dict[int, Sample] = {}
    for index, seed in enumerate(seeds[: len(order) // samples]):
        rows = np.sort(order[index * samples : (index + 1) * samples])
        labels = None if found.labels is None else found.labels[rows]
        parts[seed] = Sample.of(found.images[rows], labels, name=f"images of {found.name}")
    return parts

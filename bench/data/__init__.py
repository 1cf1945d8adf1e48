"""Data sets: a name or a folder becomes two splits of uint8 images with a content digest.

`load("cifar10").train.images` is (50000, 3, 32, 32) uint8, a read-only memory map in canonical order; any folder of
images is `load("folder:photos", resolution=64)`. `bench.data.batches` makes shuffled batches of a split.
"""

from bench.data.catalogue import Description, describe, names
from bench.data.dataset import DataSet, Split
from bench.data.image_set import ImageSet
from bench.data.imports.any_images import read_images, source_path
from bench.data.imports.importing import import_set
from bench.data.info import Info, info
from bench.data.loading import load
from bench.data.store.verify import Verification, verify

__all__ = [
    "DataSet",
    "Description",
    "ImageSet",
    "Info",
    "Split",
    "Verification",
    "describe",
    "import_set",
    "info",
    "load",
    "names",
    "read_images",
    "source_path",
    "verify",
]

"""Data sets: a name or a folder becomes two splits of uint8 images with a content digest.

load("cifar10").train.images        (50000, 3, 32, 32) uint8, a read-only memory map in canonical order
load("folder:photos", resolution=64)
Batches(split, 64, seed=0, device="cpu").next()
"""

from bench.data.catalogue import describe, names
from bench.data.dataset import DataSet, Split
from bench.data.loading import load
from bench.data.reading import read_images

__all__ = ["DataSet", "Split", "describe", "load", "names", "read_images"]

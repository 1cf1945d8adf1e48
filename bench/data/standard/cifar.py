"""CIFAR-10 and CIFAR-100 (fine labels): 32 x 32 in colour; pickles, read without running what a forged one may hold."""

import io
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench.data.limits import open_regular, read_at_most
from bench.data.rows import HELD_OUT, TRAIN, DatasetRecipe, Row, Table
from bench.data.standard import download
from bench.data.standard.declaration import Files, StandardSet, Wanted, needs
from bench.errors import UserError

LARGEST = 200 << 20  # bytes of a file; that of CIFAR-100's training images has 155 MB
AS_PUBLISHED = "as published; uint8"
CIFAR10_FILES = {TRAIN: tuple(f"data_batch_{i}" for i in range(1, 6)), HELD_OUT: ("test_batch",)}
CIFAR100_FILES = {TRAIN: ("train",), HELD_OUT: ("test",)}
CIFAR10_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CIFAR100_NAMES = (
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle", "bowl", "boy",
    "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle", "chair", "chimpanzee", "clock",
    "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur", "dolphin", "elephant", "flatfish",
    "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard", "lion",
    "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain", "mouse", "mushroom", "oak_tree", "orange",
    "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree", "plain", "plate", "poppy", "porcupine",
    "possum", "rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea", "seal", "shark", "shrew", "skunk",
    "skyscraper", "snail", "snake", "spider", "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank",
    "telephone", "television", "tiger", "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale",
    "willow_tree", "wolf", "woman", "worm",
)  # fmt: skip


def read(wanted: Wanted, batches: dict[str, tuple[str, ...]], key: bytes, classes: tuple[str, ...]) -> DatasetRecipe:
    """As published."""
    folder = wanted.folder()

    def rows() -> Iterator[Row]:
        for split, part in batches.items():
            for batch in part:
                images, labels = read_batch(folder / batch, key, len(classes))
                for i, (image, label) in enumerate(zip(images, labels, strict=True)):
                    yield Row((image,), split, int(label), origin=f"{folder / batch} image {i}")

    return DatasetRecipe([Table(("images",), rows, 60_000, ((3, 32, 32),))], classes, AS_PUBLISHED)


def read_batch(path: Path, key: bytes, classes: int) -> tuple[np.ndarray, list[int]]:
    """One batch file: (N, 3, 32, 32) uint8 and N labels."""
    batch = unpickle(path)
    data: Any = batch.get(b"data")
    labels = batch.get(key)
    good = isinstance(data, np.ndarray) and data.dtype == np.uint8 and data.ndim == 2 and data.shape[1] == 3072
    if not good or not isinstance(labels, list) or len(labels) != len(data):
        raise UserError(f"{path}: not a CIFAR batch (expected b'data' N x 3072 uint8 and {key!r} of N labels).")
    if not all(isinstance(label, int) and 0 <= label < classes for label in labels):
        raise UserError(f"{path}: not a CIFAR batch (expected labels 0 to {classes - 1}).")
    return data.reshape(-1, 3, 32, 32), labels


class ArraysOnly(pickle.Unpickler):
    """Reads the CIFAR files, which are pickles, without running what a forged one may hold."""

    ALLOWED = frozenset(
        {("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode")}
        | {(module, "_reconstruct") for module in ("numpy.core.multiarray", "numpy._core.multiarray")}
    )

    def find_class(self, module: str, name: str) -> Any:
        """Only what an array is made of."""
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a CIFAR file")
        if name == "_reconstruct":
            return np.empty(0).__reduce__()[0]
        return super().find_class(module, name)


def unpickle(path: Path) -> dict[bytes, Any]:
    """A dictionary of arrays and lists. Raises UserError for a damaged or forged file."""
    try:
        with open_regular(path) as file:
            packed = read_at_most(file, LARGEST, str(path))
        content = ArraysOnly(io.BytesIO(packed), encoding="bytes").load()
    except UserError:
        raise
    except Exception as error:  # a damaged pickle raises anything
        raise UserError(f"{path}: damaged ({error}). Remove it and download or copy it again.") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: not a CIFAR file (expected a dictionary, found {type(content).__name__}).")
    return content


CIFAR10 = StandardSet(
    "cifar10",
    "CIFAR-10 tiny images",
    resolution=32,
    channels=3,
    classes=CIFAR10_NAMES,
    counts=(50_000, 10_000),
    splits="official train / test",
    licence="none stated; cite the report",
    source="Krizhevsky 2009",
    read=lambda wanted: read(wanted, CIFAR10_FILES, b"labels", CIFAR10_NAMES),
    files=Files(("cifar-10-batches-py",), needs([*CIFAR10_FILES[TRAIN], *CIFAR10_FILES[HELD_OUT]]), download.cifar10),
    digest="87e684c69e7c3b4779b49f640ab5b1fa1d96898932807bb96aad40527b46db59",
    kept=True,
    packed=True,
    shown=True,
)
CIFAR100 = StandardSet(
    "cifar100",
    "CIFAR-100 tiny images, fine labels",
    resolution=32,
    channels=3,
    classes=CIFAR100_NAMES,
    counts=(50_000, 10_000),
    splits="official train / test",
    licence="none stated; cite the report",
    source="Krizhevsky 2009",
    read=lambda wanted: read(wanted, CIFAR100_FILES, b"fine_labels", CIFAR100_NAMES),
    files=Files(("cifar-100-python",), needs(["train", "test", "meta"]), download.cifar100),
    kept=True,
    packed=True,
    shown=True,
)

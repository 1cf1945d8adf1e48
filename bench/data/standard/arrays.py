"""The standard sets that come as arrays: digits, MNIST, Fashion-MNIST, CIFAR-10 and -100, STL-10."""

import io
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench.data.digests import held_out_rank
from bench.data.folders.decode import RESIZED, resize_array
from bench.data.rows import DatasetRecipe, Row, Table
from bench.data.standard.layouts import CIFAR10, CIFAR100, IDX, STL10, STL10_LABELLED
from bench.data.standard.locate import read_bytes
from bench.errors import UserError

DIGITS_HELD_OUT = 0.2
DIGIT_NAMES = tuple("0123456789")
FASHION_NAMES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
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
STL10_NAMES = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")
CLASSES = {
    "mnist": DIGIT_NAMES,
    "fashion-mnist": FASHION_NAMES,
    "cifar10": CIFAR10_NAMES,
    "cifar100": CIFAR100_NAMES,
}
PADDED = "pad 28 to 32 with zeros; uint8"
AS_PUBLISHED = "as published; uint8"


def digits(resolution: int) -> DatasetRecipe:
    """scikit-learn's 1,797 handwritten digits: 8 x 8, values 0 to 16, scaled to 0..255 (round(v * 255 / 16)), resized."""

    def rows() -> Iterator[Row]:
        from sklearn.datasets import load_digits

        bunch: Any = load_digits()
        pixels = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[:, None]
        for i, (image, label) in enumerate(zip(pixels, bunch.target, strict=True)):
            yield Row((resize_array(image, resolution),), None, int(label), held_out_rank(image), f"digit {i}")

    line = f"values 0..16 to 0..255; {_resizing(8, resolution)}uint8"
    return DatasetRecipe(
        [Table(("images",), rows, 1797, ((1, resolution, resolution),))], DIGIT_NAMES, line, DIGITS_HELD_OUT
    )


def mnist(name: str, folder: Path) -> DatasetRecipe:
    """MNIST or Fashion-MNIST: 28 x 28, padded with two rows and columns of zeros on each side to 32 x 32."""

    def rows() -> Iterator[Row]:
        for split, (image_file, label_file) in IDX.items():
            images = read_idx(folder, image_file, (28, 28))
            labels = read_idx(folder, label_file, ())
            _same_length(folder, image_file, len(images), label_file, len(labels))
            padded = np.pad(images, ((0, 0), (2, 2), (2, 2)))[:, None]
            for i, (image, label) in enumerate(zip(padded, labels, strict=True)):
                yield Row((image,), split, int(label), origin=f"{folder / image_file} image {i}")

    names = CLASSES[name]
    return DatasetRecipe([Table(("images",), rows, 70_000, ((1, 32, 32),))], names, PADDED)


def cifar(name: str, folder: Path) -> DatasetRecipe:
    """CIFAR-10, or CIFAR-100 with its fine labels: 32 x 32 in colour, as it is."""
    batches, key = (CIFAR10, b"labels") if name == "cifar10" else (CIFAR100, b"fine_labels")

    def rows() -> Iterator[Row]:
        for split, part in batches.items():
            for batch in part:
                images, labels = read_cifar(folder / batch, key)
                for i, (image, label) in enumerate(zip(images, labels, strict=True)):
                    yield Row((image,), split, int(label), origin=f"{folder / batch} image {i}")

    return DatasetRecipe([Table(("images",), rows, 60_000, ((3, 32, 32),))], CLASSES[name], AS_PUBLISHED)


def stl10(folder: Path, resolution: int, labelled: bool) -> DatasetRecipe:
    """STL-10, 96 x 96. The 100,000 unlabelled images to train on; `labelled`: the 5,000 of ten classes. 8,000 held out."""
    parts = STL10_LABELLED if labelled else STL10

    def rows() -> Iterator[Row]:
        for split, part in parts.items():
            images = np.memmap(folder / part[0], np.uint8, mode="r").reshape(-1, 3, 96, 96)
            labels = np.fromfile(folder / part[-1], np.uint8) - 1 if labelled else None
            for i, image in enumerate(images):
                upright = resize_array(image.transpose(0, 2, 1), resolution)  # the files are column by column
                label = None if labels is None else int(labels[i])
                yield Row((upright,), split, label, origin=f"{folder / part[0]} image {i}")

    count = 13_000 if labelled else 108_000
    table = Table(("images",), rows, count, ((3, resolution, resolution),))
    return DatasetRecipe([table], STL10_NAMES if labelled else (), f"{_resizing(96, resolution)}uint8")


def _resizing(native: int, resolution: int) -> str:
    return "" if native == resolution else f"resize {native} to {resolution} {RESIZED}; "


def read_idx(folder: Path, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """An array of the MNIST family: magic number, sizes (big-endian), then bytes."""
    content = read_bytes(folder, name)
    dimensions = 1 + len(shape)
    header = np.frombuffer(content[: 4 + 4 * dimensions], ">u4") if len(content) >= 4 + 4 * dimensions else []
    good = len(header) > 0 and header[0] == 0x800 + dimensions and tuple(header[2:]) == shape
    expected = int(header[1]) * int(np.prod(shape, dtype=np.int64)) if good else -1
    if len(content) - 4 - 4 * dimensions != expected:
        raise UserError(
            f"{folder / name}: not a whole IDX file of {'x'.join(map(str, ('N', *shape)))} bytes "
            f"({len(content):,} bytes found). Remove it and download or copy it again."
        )
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(-1, *shape)


def read_cifar(path: Path, key: bytes) -> tuple[np.ndarray, list[int]]:
    """One batch file: (N, 3, 32, 32) uint8 and N labels."""
    batch = unpickle(path)
    data: Any = batch.get(b"data")
    labels = batch.get(key)
    good = isinstance(data, np.ndarray) and data.dtype == np.uint8 and data.ndim == 2 and data.shape[1] == 3072
    if not good or not isinstance(labels, list) or len(labels) != len(data):
        raise UserError(f"{path}: not a CIFAR batch (expected b'data' N x 3072 uint8 and {key!r} of N labels).")
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
        content = ArraysOnly(io.BytesIO(path.read_bytes()), encoding="bytes").load()
    except (pickle.UnpicklingError, EOFError, ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: damaged ({error}). Remove it and download or copy it again.") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: not a CIFAR file (expected a dictionary, found {type(content).__name__}).")
    return content


def _same_length(folder: Path, images: str, count: int, labels: str, label_count: int) -> None:
    if count != label_count:
        raise UserError(f"{folder}: {images} has {count:,} images, {labels} has {label_count:,} labels.")

"""MNIST and Fashion-MNIST: 28 x 28 grey, padded with zeros to 32 x 32; IDX files."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.data.rows import HELD_OUT, TRAIN, DatasetRecipe, Row, Table
from bench.data.standard import download
from bench.data.standard.declaration import Files, StandardSet, Wanted, needs
from bench.data.standard.locate import read_bytes
from bench.errors import UserError

FILES = {
    TRAIN: ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    HELD_OUT: ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
NEEDED = tuple(name for part in FILES.values() for name in part)
DIGIT_NAMES = tuple("0123456789")
FASHION_NAMES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
PADDED = "pad 28 to 32 with zeros; uint8"


def read(wanted: Wanted, classes: tuple[str, ...]) -> DatasetRecipe:
    """Two rows and columns of zeros on each side."""
    folder = wanted.folder()

    def rows() -> Iterator[Row]:
        for split, (image_file, label_file) in FILES.items():
            images = read_idx(folder, image_file, (28, 28))
            labels = read_idx(folder, label_file, ())
            if len(images) != len(labels):
                raise UserError(
                    f"{folder}: {image_file} has {len(images):,} images, {label_file} has {len(labels):,} labels."
                )
            padded = np.pad(images, ((0, 0), (2, 2), (2, 2)))[:, None]
            for i, (image, label) in enumerate(zip(padded, labels, strict=True)):
                yield Row(
                    (image,), split, _label(int(label), folder / label_file), origin=f"{folder / image_file} image {i}"
                )

    return DatasetRecipe([Table(("images",), rows, 70_000, ((1, 32, 32),))], classes, PADDED)


def _label(label: int, path: Path) -> int:
    if label > 9:
        raise UserError(f"{path}: label {label}; expected 0 to 9. Remove it and download or copy it again.")
    return label


def read_idx(folder: Path, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """An array of the MNIST family: magic number, sizes (big-endian), then bytes. Raises UserError."""
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


MNIST = StandardSet(
    "mnist",
    "MNIST handwritten digits, 28 x 28 padded to 32 x 32",
    resolution=32,
    channels=1,
    classes=DIGIT_NAMES,
    counts=(60_000, 10_000),
    splits="official train / test",
    licence="usually quoted as CC BY-SA 3.0",
    source="LeCun, Cortes and Burges 1998",
    read=lambda wanted: read(wanted, DIGIT_NAMES),
    files=Files(("MNIST/raw",), needs(NEEDED), download.mnist),
    digest="8215b6d181e8ac79bf34d613fcde2950bcbd775f9ec0e238b5d34b053d13b940",
    kept=True,
    padded=(28, 32),
    packed=True,
    shown=True,
)
FASHION_MNIST = StandardSet(
    "fashion-mnist",
    "Fashion-MNIST articles, 28 x 28 padded to 32 x 32",
    resolution=32,
    channels=1,
    classes=FASHION_NAMES,
    counts=(60_000, 10_000),
    splits="official train / test",
    licence="MIT",
    source="Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747",
    read=lambda wanted: read(wanted, FASHION_NAMES),
    files=Files(("FashionMNIST/raw",), needs(NEEDED), download.fashion_mnist),
    kept=True,
    padded=(28, 32),
    packed=True,
    shown=True,
)

"""Stacked digits: three random digits as the channels of one image, 1000 modes that can be counted.

The protocol is that of VEEGAN (Srivastava et al. 2017, sec. 4.1) as PacGAN ran it (Lin et al. 2018, sec. 4.2): 128,000
training images whose digits are drawn uniformly, and 26,000 samples when modes are counted; so as many held-out ones,
from the test digits. From scikit-learn's 1,797 digits a fifth of both is made. The class is the three-digit number.
"""

from collections.abc import Iterator

import numpy as np

from bench.data.dataset import Split
from bench.data.rows import HELD_OUT, TRAIN, DatasetRecipe, Row, Table
from bench.data.standard.declaration import StandardSet, Wanted
from bench.data.standard.digits import DIGITS
from bench.data.standard.mnist import MNIST

SEEDS = {TRAIN: 2017, HELD_OUT: 2018}
CLASSES = tuple(f"{number:03d}" for number in range(1000))


def read(wanted: Wanted, base: str, counts: tuple[int, int]) -> DatasetRecipe:
    """Stack the digits of a prepared set: the same images wherever it came from, as its rows are in canonical order."""
    data = wanted.base(base)

    def rows() -> Iterator[Row]:
        for split, part, count in ((TRAIN, data.train, counts[0]), (HELD_OUT, data.held_out, counts[1])):
            yield from stack(part, split, draws(SEEDS[split], count, len(part)))

    shape = (3, data.resolution, data.resolution)
    line = data.preprocessing.removesuffix("uint8") + "three random digits as channels; uint8"
    return DatasetRecipe([Table(("images",), rows, sum(counts), (shape,))], CLASSES, line)


def draws(seed: int, count: int, rows: int) -> np.ndarray:
    """(count, 3) rows, uniform. The raw stream of PCG64 is the same in every version of numpy."""
    return (np.random.PCG64(seed).random_raw(3 * count) % np.uint64(rows)).astype(np.int64).reshape(count, 3)


def stack(part: Split, split: str, triples: np.ndarray) -> Iterator[Row]:
    """One row per triple of digits."""
    assert part.labels is not None
    digits = np.array(part.images[:, 0])  # (N, H, W): one small set of grey digits, in memory
    for triple in triples:
        hundreds, tens, ones = (int(label) for label in part.labels[triple])
        yield Row((digits[triple],), split, 100 * hundreds + 10 * tens + ones, origin=f"{split} digits {triple}")


DIGITS_COUNTS, MNIST_COUNTS = (25_600, 5_200), (128_000, 26_000)  # images for training, held out

STACKED_DIGITS = StandardSet(
    "stacked-digits",
    "three random digits of `digits` as the channels of one image: 1000 modes",
    resolution=16,
    channels=3,
    classes=CLASSES,
    counts=DIGITS_COUNTS,
    splits="from the splits of digits",
    licence=DIGITS.licence,
    source="as stacked-mnist, a fifth of its size",
    read=lambda wanted: read(wanted, DIGITS.name, DIGITS_COUNTS),
    shown=True,
)
STACKED_MNIST = StandardSet(
    "stacked-mnist",
    "three random MNIST digits as the channels of one image: 1000 modes",
    resolution=32,
    channels=3,
    classes=CLASSES,
    counts=MNIST_COUNTS,
    splits="from the splits of MNIST",
    licence=MNIST.licence,
    source="Srivastava et al. 2017 (VEEGAN), Lin et al. 2018 (PacGAN)",
    read=lambda wanted: read(wanted, MNIST.name, MNIST_COUNTS),
    shown=True,
)

"""Stacked digits: three random digits as the channels of one image, 1000 modes that can be counted.

The protocol is that of VEEGAN (Srivastava et al. 2017, sec. 4.1) as PacGAN ran it (Lin et al. 2018, sec. 4.2): 128,000
training images whose digits are drawn uniformly, and 26,000 samples when modes are counted; so as many held-out ones,
from the test digits. From scikit-learn's 1,797 digits a fifth of both is made. The class is the three-digit number.
"""

from collections.abc import Callable, Iterator

import numpy as np

from bench.data.dataset import DataSet, Split
from bench.data.rows import HELD_OUT, TRAIN, DatasetRecipe, Row, Table

COUNTS = {
    "stacked-mnist": {TRAIN: 128_000, HELD_OUT: 26_000},
    "stacked-digits": {TRAIN: 25_600, HELD_OUT: 5_200},
}
SEEDS = {TRAIN: 2017, HELD_OUT: 2018}


def plan(name: str, base: Callable[[], DataSet]) -> DatasetRecipe:
    """Stack the digits of a prepared set: the same images wherever it came from, as its rows are in canonical order."""
    data = base()
    counts = COUNTS[name]

    def rows() -> Iterator[Row]:
        for split, part in ((TRAIN, data.train), (HELD_OUT, data.held_out)):
            yield from stack(part, split, draws(SEEDS[split], counts[split], len(part)))

    shape = (3, data.resolution, data.resolution)
    classes = tuple(f"{number:03d}" for number in range(1000))
    line = data.preprocessing.removesuffix("uint8") + "three random digits as channels; uint8"
    return DatasetRecipe([Table(("images",), rows, sum(counts.values()), (shape,))], classes, line)


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

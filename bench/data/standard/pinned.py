"""What the standard sets contain, measured once on verified copies of the published files.

PINNED has the digest of the whole set. `known/<name>.u4` has the first four bytes of every row's digest, sorted: enough
to name the rows that do not belong, whatever packaging and order they come in.
"""

from collections.abc import Iterable
from importlib.resources import files

import numpy as np

from bench.data.rows import Row

PINNED = {
    "mnist": "8215b6d181e8ac79bf34d613fcde2950bcbd775f9ec0e238b5d34b053d13b940",
    "cifar10": "87e684c69e7c3b4779b49f640ab5b1fa1d96898932807bb96aad40527b46db59",
}
# Of digits as prepared at 16 x 16. A test watches it; it needs no files.
DIGITS = "a83f3a93efd8cc31da0ed6df011a6a4e1f6a19eb93ba2e071787ef1a25421109"


def short(digest: bytes) -> int:
    """The first four bytes, as a number."""
    return int.from_bytes(digest[:4], "big")


def known_rows(name: str) -> np.ndarray:
    """(N,) uint32, sorted: the short digests of all rows of a pinned set."""
    content = (files("bench.data.standard") / "known" / f"{name}.u4").read_bytes()
    return np.frombuffer(content, ">u4")


def strangers(known: np.ndarray, rows: Iterable[tuple[Row, bytes]]) -> tuple[list[str], int]:
    """The origins of rows that are not known (or come too often), and how many known rows did not come.

    A changed picture is one of each: the row that it became is strange, the row that it was is missing.
    """
    left: dict[int, int] = {}
    for value in known.tolist():
        left[value] = left.get(value, 0) + 1
    strange = []
    for row, digest in rows:
        value = short(digest)
        if left.get(value, 0):
            left[value] -= 1
        else:
            strange.append(row.origin)
    return strange, sum(left.values())

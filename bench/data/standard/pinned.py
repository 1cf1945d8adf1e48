"""What the standard sets contain, measured once on verified copies of the published files.

Its declaration has the digest of the whole set. `known/<name>.u4` has the first four bytes of every row's digest, sorted: enough
to name the rows that do not belong, whatever packaging and order they come in.
"""

from collections.abc import Iterable, Iterator
from importlib.resources import files

import numpy as np

from bench.data.digests import image_digest, row_digest, set_digest
from bench.data.rows import DatasetRecipe, Row


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


SHOWN = 5  # strange rows named in a message


def plan_problems(name: str, expected: str, plan: DatasetRecipe) -> list[str]:
    """What is wrong with the rows of a pinned set whose digest is `expected`, naming them."""
    parts: dict[str, list[bytes]] = {}
    strange, missing = strangers(known_rows(name), digested(plan, parts))
    if strange or missing:
        shown = "; ".join(strange[:SHOWN]) + ("; ..." if len(strange) > SHOWN else "")
        named = f"{len(strange):,} do not belong to it: {shown}" if strange else "none is strange"
        return [f"{name}: differs from the published set: {named}; {missing:,} of its images are missing"]
    if set_digest(parts) != expected:
        return [f"{name}: every image is known, but some are on the wrong side of the train / test split"]
    return []


def digested(plan: DatasetRecipe, parts: dict[str, list[bytes]]) -> Iterator[tuple[Row, bytes]]:
    """Rows with their digests, which are also collected by split and table."""
    for table in plan.tables:
        for row in table.rows():
            digest = row_digest([image_digest(image) for image in row.images], row.label)
            parts.setdefault(f"{row.split}/{table.columns[0]}", []).append(digest)
            yield row, digest

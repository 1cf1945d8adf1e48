"""Two domains of pictures, A and B: how pix2pix and CycleGAN lay them out in folders."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bench.data.folders.listing import HELD_OUT_NAMES, TRAIN_NAMES, Found
from bench.data.rows import TRAIN

SPLIT_NAMES = "|".join(re.escape(name) for name in (*TRAIN_NAMES, *HELD_OUT_NAMES))
JOINED = re.compile(rf"({SPLIT_NAMES})_?([ab])", re.IGNORECASE)  # trainA, test_B
ALONE = re.compile(rf"({SPLIT_NAMES})", re.IGNORECASE)


@dataclass(frozen=True)
class Placed:
    """A file with what its folders say: A/train/x.png, train/A/x.png, trainA/x.png or A/x.png."""

    file: Found
    domain: str  # "A" or "B"
    folder: str  # the split's name, lower case; "" where there is none
    key: str  # the rest of its path without the suffix: what two pictures of a pair share

    @property
    def split_name(self) -> str:
        """For messages."""
        return self.folder or "the only split"


def place(file: Found) -> Placed | None:
    """Find domain and split in the first two folders; None where there is no domain."""
    *folders, last = file.parts
    domain = split = ""
    used = 0
    for name in folders[:2]:
        joined, alone = JOINED.fullmatch(name), ALONE.fullmatch(name)
        if joined and not domain and not split:
            split, domain = joined[1].lower(), joined[2].upper()
        elif name in ("A", "B") and not domain:
            domain = name
        elif alone and not split:
            split = alone[1].lower()
        else:
            break
        used += 1
    key = "/".join([*folders[used:], last.rpartition(".")[0] or last])
    return Placed(file, domain, split, key) if domain else None


def place_all(files: Sequence[Found]) -> list[Placed] | None:
    """All files with their domains; None unless each has one and both occur."""
    placed = [place(file) for file in files]
    known = [file for file in placed if file is not None]
    return known if len(known) == len(placed) and {file.domain for file in known} == {"A", "B"} else None


def usable_splits(folders: set[str]) -> dict[str, str | None]:
    """Folder name of a split -> train / held out; None: assigned by content hash. A third split is left out.

    With `train` and at least one other name, `test` is held out before `val`; with one name alone, or none, by hash.
    """
    train = [name for name in folders if name in TRAIN_NAMES]
    others = [name for name in HELD_OUT_NAMES if name in folders]
    if len(train) == 1 and others:
        return {train[0]: TRAIN, others[0]: "held_out"}
    return dict.fromkeys(folders)

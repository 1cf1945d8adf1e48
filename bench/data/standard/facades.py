"""CMP Facades as pix2pix ships them: photograph left, label map right; train 400, held out: test 106."""

from pathlib import Path

from bench.data.folders import image_pairs
from bench.data.rows import DatasetRecipe
from bench.data.standard.declaration import Files, StandardSet, Wanted


def missing(folder: Path, _: str) -> list[str]:
    """What a folder lacks."""
    return [f"{name}/" for name in ("train", "test") if not (folder / name).is_dir()]


def read(wanted: Wanted) -> DatasetRecipe:
    """At the resolution of its files unless one is asked for: 256 as pix2pix ships it."""
    return image_pairs.facades(wanted.folder(), wanted.resolution, wanted.skip_broken)


FACADES = StandardSet(
    "facades",
    "CMP Facades as pix2pix ships them: label map to photograph",
    resolution=None,
    channels=3,
    classes=(),
    counts=(400, 106),
    splits="official train / test (val is left for tuning)",
    licence="CMP Facade Database terms",
    source="Tylecek and Sara 2013; Isola et al. 2017, arXiv:1611.07004",
    read=read,
    files=Files(("facades",), missing),
    shown=True,
)

"""What every data set is once it is prepared: two splits of uint8 pictures, and a digest of their content."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Split:
    """One part of a data set, in canonical order (sorted by content digest), usually read-only memory maps."""

    images: np.ndarray  # (N, C, H, W) uint8
    labels: np.ndarray | None = None  # (N,) int64
    source: np.ndarray | None = None  # (M, C', H, W) uint8: the pictures to translate, image-to-image sets only
    paired: bool = True  # source: row i shows the same scene as images[i] (M = N); else rows are independent

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class DataSet:
    """A prepared data set."""

    name: str
    train: Split
    held_out: Split
    classes: tuple[str, ...]  # names in the order of the labels; empty: unlabelled
    digest: str  # sha256 over pixels after preprocessing, labels and splits; whatever the packaging or file order was
    preprocessing: str  # one canonical line, e.g. "centre crop 148; resize 64 bicubic antialias; uint8"
    layout: tuple[str, ...] = ()  # how the files were understood, for people
    notes: tuple[str, ...] = ()  # what a user should know, e.g. images that are in both splits

    @property
    def channels(self) -> int:
        """Channels C of the images."""
        return self.train.images.shape[1]

    @property
    def resolution(self) -> int:
        """Height and width of the images in pixels."""
        return self.train.images.shape[2]

    @property
    def source_channels(self) -> int:
        """Channels C' of the pictures to translate; 0 where there are none."""
        return 0 if self.train.source is None else self.train.source.shape[1]

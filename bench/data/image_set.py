"""Images made or kept anywhere, to be compared: what `read_images` gives for either side."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.data.limits import check_memory
from bench.errors import UserError


@dataclass(frozen=True, eq=False)
class ImageSet:
    """N images of one size, as they are stored."""

    name: str  # for messages
    images: np.ndarray  # (N, C, H, W) uint8, C = 1 or 3
    labels: np.ndarray | None = None  # (N,) int64: places in `classes`, or bare numbers where there are no names
    classes: tuple[str, ...] = ()  # names of the labels; (): unlabelled, or labels are bare numbers
    held_out: np.ndarray | None = None  # (N,) bool: which images are of the held-out split; None: there are no splits
    notes: tuple[str, ...] = ()  # what was understood, left out or changed, for people
    lossy: bool = False  # whether some were read from JPEG files

    def __len__(self) -> int:
        return len(self.images)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.images.shape[3], self.images.shape[2]

    def part(self, held_out: bool) -> "ImageSet":
        """The images of one split; all of them where there are no splits."""
        if self.held_out is None:
            return self
        rows = np.flatnonzero(self.held_out == held_out)
        labels = None if self.labels is None else self.labels[rows]
        return replace(self, images=self.images[rows], labels=labels, held_out=None)

    def with_channels(self, channels: int) -> "ImageSet":
        """The same images with 1 or 3 channels: nothing is lost, or UserError is raised.

        Colour becomes grey only where the three channels of every image are equal, which is how grey images are often
        saved; grey becomes colour by repeating its channel.
        """
        if self.images.shape[1] == channels:
            return self
        if channels == 3:
            check_memory(self.name, 3 * self.images.nbytes)
            note = "grey images: their channel was repeated to compare them with colour"
            return replace(self, images=np.repeat(self.images, 3, axis=1), notes=(*self.notes, note))
        coloured = next((i for i, image in enumerate(self.images) if (image != image[:1]).any()), None)
        if coloured is not None:
            raise UserError(
                f"{self.name}: image {coloured} has colour, grey images were expected. "
                "Compare it with a set in colour, or make the images grey."
            )
        note = "RGB with three equal channels in every image: read as grey"
        return replace(self, images=self.images[:, :1], notes=(*self.notes, note))

    def with_classes(self, classes: Sequence[str]) -> "ImageSet":
        """Labels as places in `classes`, matched by name; bare numbers stay. Raises UserError for an unknown class."""
        if self.labels is None or tuple(classes) == self.classes:
            return self
        if not self.classes:
            highest = int(self.labels.max(initial=-1))
            if highest >= len(classes):
                raise UserError(
                    f"{self.name}: label {highest}; expected 0 to {len(classes) - 1} ({len(classes)} classes)."
                )
            return replace(self, classes=tuple(classes))
        places = {name: i for i, name in enumerate(classes)}
        strange = [name for name in self.classes if name not in places]
        if strange:
            raise UserError(
                f"{self.name}: class {strange[0]!r} is not one of {', '.join(list(classes)[:12])}. "
                "Name the classes of both sides alike."
            )
        table = np.array([places[name] for name in self.classes], np.int64)
        return replace(self, labels=table[self.labels], classes=tuple(classes))

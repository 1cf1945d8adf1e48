"""Reads the pixels of many files, several at once, in order; tells all that are broken, or skips them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bench.data.folders.decode import BrokenPictureError
from bench.data.folders.listing import in_order, refuse_broken
from bench.data.rows import Row

T = TypeVar("T")


@dataclass(frozen=True)
class Reader(Generic[T]):
    """Items -> rows."""

    what: str  # "data set folder:photos", for messages
    place: str  # where they lie, for messages
    items: Sequence[T]
    read: Callable[[T], Row]  # raises BrokenPictureError
    name: Callable[[T], str]
    skip_broken: bool
    skipped: list[str]  # "file: reason", filled while reading
    advice: str  # what to do about broken ones

    def rows(self) -> Iterator[Row]:
        """One row per item. All broken ones are found before the error is raised, so that it can count them."""
        broken: list[str] = []
        for item, row in zip(self.items, in_order(self._try, self.items), strict=True):
            if isinstance(row, BrokenPictureError):
                broken.append(f"{self.name(item)}: {row}")
            elif self.skip_broken or not broken:
                yield row
        self.skipped.extend(broken)
        if not self.skip_broken:
            refuse_broken(self.what, self.place, len(self.items), broken, self.advice)

    def _try(self, item: T) -> Row | BrokenPictureError:
        try:
            return self.read(item)
        except BrokenPictureError as broken:
            return broken

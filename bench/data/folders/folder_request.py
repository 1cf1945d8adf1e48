"""A folder as it was asked for: where, at which size, what becomes of broken files; and what its files allow."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from bench.data.folders.decode import RESIZED, Header, centre_square, pixels
from bench.data.folders.listing import NEVER, Found, look_at, refuse_broken, unreadable
from bench.data.limits import readable
from bench.data.names import RESOLUTIONS, Name, check_resolution
from bench.errors import UserError

RULES = 2  # how folders are understood; raised when it changes, so that prepared sets are made anew
CROP, PAD = "crop", "pad"  # how images become squares of the resolution; the first is the default
GIVE_ONE = "Give a resolution (--resolution 64): images are centre-cropped to squares and resized."


@dataclass(frozen=True)
class FolderRequest:
    """What is common to all files of a set."""

    what: str  # "data set folder:...", for messages
    path: Path
    resolution: int | None = None  # as asked for; None: that of the files
    skip_broken: bool = False
    fit: str = CROP
    advice: str = NEVER  # what to do about broken files; it depends on who asks
    shown: str = ""  # what to call the folder, where it is not the user's own

    @property
    def place(self) -> str:
        """The folder in messages."""
        return self.shown or readable(self.path)

    @property
    def preparation(self) -> str:
        """What the preprocessing line says about sizes; "" where nothing is done."""
        if self.fit == PAD:
            return "pad to square with zeros; "
        return f"centre crop to square; resize to {self.resolution} {RESIZED}; " if self.resolution else ""

    def square(self, image: Image.Image, side: int) -> np.ndarray:
        """(C, side, side) uint8: the central square resized, or the whole with a black border."""
        if self.fit == CROP:
            return pixels(centre_square(image, side))
        width, height = image.size
        left, top = (side - width) // 2, (side - height) // 2
        margins = ((0, 0), (top, side - height - top), (left, side - width - left))
        return np.pad(pixels(image), margins)


@dataclass(frozen=True)
class Usable:
    """The files of a folder that can be used, and what was left out."""

    headers: dict[Found, Header]  # in the order of their paths
    skipped: list[str]  # broken files, "name: reason"
    notes: list[str]
    others: tuple[Found, ...]

    @property
    def files(self) -> list[Found]:
        """All that can be used."""
        return list(self.headers)


def asked(name: Name, path: Path, resolution: int | None, skip_broken: bool) -> FolderRequest:
    """The request that a data set's name makes. Raises UserError for a bad option or resolution."""
    if resolution is not None:
        check_resolution(name.full, resolution)
    fit = name.option("fit", (CROP, PAD)) if "fit" in name.known else CROP
    skip = skip_broken or name.option("broken", ("refuse", "skip")) == "skip"
    return FolderRequest(
        f"data set {readable(name.full)}", path, resolution, skip, fit, skipping(f"{name.family}:PATH?broken=skip")
    )


def skipping(how: str) -> str:
    """What to do about broken files, where they can be left out."""
    return f"{NEVER} Or leave them out and record them: {how} (or --skip-broken, where the command has it)."


def usable(request: FolderRequest, files: Sequence[Found]) -> Usable:
    """Look at all files. Raises UserError for broken images, unless they may be skipped, and where no image is left."""
    seen = look_at(files)
    skipped = [f"{file.name}: {reason}" for file, reason in seen.broken]
    total = len(seen.images) + len(seen.broken)
    if skipped and not (request.skip_broken and seen.images):
        skipped += [f"{file.name}: {reason}" for file, reason in unreadable([file for file, _ in seen.images])]
        refuse_broken(request.what, request.place, total, skipped, request.advice)
    if not seen.images:
        raise UserError(
            f"{request.what}: {request.place} holds no images, only {_few(seen.others)}. "
            "Expected images (PNG, JPEG, WebP, ...), nested or not."
        )
    notes = [f"left out, not images: {_few(seen.others)}"] if seen.others else []
    deep = sum(header.deep for _, header in seen.images)
    if deep:
        notes.append(
            f"{deep:,} of {len(seen.images):,} images have more than 8 bits per value: they are scaled from their whole "
            "range, and are dark if they do not use it"
        )
    return Usable(dict(seen.images), skipped, notes, seen.others)


def _few(files: Sequence[Found]) -> str:
    shown = ", ".join(file.name for file in files[:5])
    return f"{shown} and {len(files) - 5:,} more" if len(files) > 5 else shown


def settle_side(request: FolderRequest, headers: dict[Found, Header]) -> int:
    """The side of the images: as asked for, else that of the files if they all are squares of one usable size."""
    if request.fit == PAD:
        return _padded_side(request, headers)
    if request.resolution is not None:
        return request.resolution
    place = request.place
    sizes = Counter((header.width, header.height) for header in headers.values())
    (width, height), _ = sizes.most_common(1)[0]
    if len(sizes) > 1:
        odd = next(file.name for file, header in headers.items() if (header.width, header.height) != (width, height))
        raise UserError(
            f"{request.what}: {place} has images of {len(sizes)} sizes: most are {width} x {height}, {odd} is not. "
            + GIVE_ONE
        )
    if width != height or width not in RESOLUTIONS:
        raise UserError(
            f"{request.what}: the images in {place} are {width} x {height}; expected squares of "
            f"{', '.join(map(str, RESOLUTIONS))} pixels. {GIVE_ONE}"
        )
    return width


def _padded_side(request: FolderRequest, headers: dict[Found, Header]) -> int:
    """The smallest usable side that holds every image, or the one that was asked for."""
    file, largest = max(headers.items(), key=lambda pair: max(pair[1].width, pair[1].height))
    needed = max(largest.width, largest.height)
    side = request.resolution or next((side for side in RESOLUTIONS if side >= needed), 0)
    if side < needed:
        raise UserError(
            f"{request.what}: {file.name} is {largest.width} x {largest.height} and cannot be padded to "
            f"{side or RESOLUTIONS[-1]} pixels a side. Leave out fit=pad: images are then cropped and resized."
        )
    return side


def sizes_as(headers: dict[Found, Header], files: Sequence[Found]) -> dict[Found, Header]:
    """The headers of some files."""
    return {file: headers[file] for file in files}


def halved(headers: dict[Found, Header]) -> dict[Found, Header]:
    """The headers of the halves of side-by-side images."""
    return {file: replace(header, width=header.width // 2) for file, header in headers.items()}

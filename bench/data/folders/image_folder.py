"""`folder:PATH`: any folder of images becomes a data set."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.data.digests import held_out_rank
from bench.data.folders.decode import RESIZED, BrokenPictureError, Header, centre_square, pixels, read_picture
from bench.data.folders.listing import (
    Found,
    classes_of,
    fingerprint,
    in_order,
    list_files,
    read_headers,
    refuse_broken,
    split_folders,
)
from bench.data.folders.reader import Reader
from bench.data.names import RESOLUTIONS, Name, check_resolution
from bench.data.rows import DatasetRecipe, DatasetSpec, Row, Table
from bench.errors import UserError


@dataclass(frozen=True)
class Item:
    """A picture file and what its place in the folder says about it."""

    file: Found
    split: str | None
    label: int | None


def folder(name: Name, resolution: int | None, skip_broken: bool) -> DatasetSpec:
    """The folder as a data set; its prepared form is made anew when a file changes."""
    path = Path(name.argument).expanduser()
    if resolution is not None:
        check_resolution(name.full, resolution)
    labels = name.option("labels", ("auto", "none"))
    files = list_files(path, f"data set {name.full}")
    key = f"folder-{slug(path)}-{fingerprint(files, str(path.resolve()), resolution, labels)}"
    return DatasetSpec(name.full, key, lambda: plan(name.full, path, files, resolution, labels == "auto", skip_broken))


def slug(path: Path) -> str:
    """The last part of a path, fit for a file name."""
    letters = [letter if letter.isascii() and letter.isalnum() else "-" for letter in path.resolve().name.lower()]
    return "".join(letters)[:40] or "root"


def plan(
    name: str, path: Path, files: Sequence[Found], resolution: int | None, labelled: bool, skip_broken: bool
) -> DatasetRecipe:
    """Read all headers, settle size, channels, splits and classes, and say how to read the pixels."""
    items, classes = arrange(files, labelled)
    what = f"data set {name}"
    headers = read_headers([item.file for item in items])
    skipped: list[str] = []
    good: list[tuple[Item, Header]] = []
    for item, header in zip(items, headers, strict=True):
        if isinstance(header, BrokenPictureError):
            skipped.append(f"{item.file.name}: {header}")
        else:
            good.append((item, header))
    if skipped and not (skip_broken and good):
        skipped += [f"{item.file.name}: {problem}" for item, problem in unreadable([item for item, _ in good])]
        refuse_broken(what, path, len(items), skipped)
    side = settle_side(what, path, good, resolution)
    colour = any(header.colour for _, header in good)
    line = f"centre crop to square; resize to {side} {RESIZED}; " if resolution is not None else ""
    reader = Reader(
        what,
        path,
        [item for item, _ in good],
        partial(read_item, side=side, colour=colour),
        lambda item: item.file.name,
        skip_broken,
        skipped,
    )
    shape = (3 if colour else 1, side, side)
    return DatasetRecipe(
        [Table(("images",), reader.rows, len(good), (shape,))],
        classes,
        f"{line}{'RGB' if colour else 'grey'}; uint8",
        skipped=skipped,
        notes=remarks(good, side, colour, classes),
    )


def unreadable(items: Sequence[Item]) -> Iterator[tuple[Item, BrokenPictureError]]:
    """Files with a good header whose pixels cannot be read: only asked for when there is an error to report anyway."""

    def problem(item: Item) -> BrokenPictureError | None:
        try:
            read_picture(item.file.path, colour=True)
        except BrokenPictureError as broken:
            return broken
        return None

    for item, broken in zip(items, in_order(problem, items), strict=True):
        if broken is not None:
            yield item, broken


def arrange(files: Sequence[Found], labelled: bool) -> tuple[list[Item], tuple[str, ...]]:
    """Split and label of each file. Files of a split that is not used are left out."""
    splits = split_folders(files)
    used = [file for file in files if not splits or file.parts[0] in splits]
    below = [file.parts[1:] if splits else file.parts for file in used]
    classes = classes_of(below) if labelled else ()
    number = {name: i for i, name in enumerate(classes)}
    items = [
        Item(file, splits.get(file.parts[0]), number[parts[0]] if classes else None)
        for file, parts in zip(used, below, strict=True)
    ]
    return items, classes


def settle_side(what: str, path: Path, good: Sequence[tuple[Item, Header]], resolution: int | None) -> int:
    """The side of the images: as asked for, else that of the files if they all are squares of one usable size."""
    if resolution is not None:
        return resolution
    sizes = Counter((header.width, header.height) for _, header in good)
    (width, height), _ = sizes.most_common(1)[0]
    if len(sizes) > 1:
        odd = next(item.file.name for item, header in good if (header.width, header.height) != (width, height))
        raise UserError(
            f"{what}: {path} has images of {len(sizes)} sizes: most are {width} x {height}, {odd} is not. "
            "Give a resolution (--resolution 64): images are centre-cropped to squares and resized."
        )
    if width != height or width not in RESOLUTIONS:
        raise UserError(
            f"{what}: the images in {path} are {width} x {height}; expected squares of "
            f"{', '.join(map(str, RESOLUTIONS))} pixels. "
            "Give a resolution (--resolution 64): images are centre-cropped to squares and resized."
        )
    return width


def remarks(good: Sequence[tuple[Item, Header]], side: int, colour: bool, classes: Sequence[str]) -> list[str]:
    """What a user should know about the folder."""
    small = sum(min(header.width, header.height) < side for _, header in good)
    grey = sum(not header.colour for _, header in good)
    per_class = Counter(item.label for item, _ in good)
    single = [name for label, name in enumerate(classes) if per_class[label] < 2]
    notes = []
    if small:
        notes.append(f"{small:,} of {len(good):,} images are smaller than {side} x {side} and were enlarged")
    if colour and grey:
        notes.append(f"{grey:,} of {len(good):,} images are grey and became RGB")
    if single:
        notes.append(f"fewer than two images in class {', '.join(single)}: it cannot be both trained on and held out")
    return notes


def read_item(item: Item, side: int, colour: bool) -> Row:
    """The row of one file. Raises BrokenPictureError."""
    image = read_picture(item.file.path, colour)
    rank = held_out_rank(pixels(image)) if item.split is None else 1.0
    return Row((pixels(centre_square(image, side)),), item.split, item.label, rank, item.file.name)

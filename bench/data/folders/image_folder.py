"""`folder:PATH`: any folder of images becomes a data set."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench.data.digests import held_out_rank
from bench.data.folders.decode import Header, pixels, read_picture
from bench.data.folders.folder_request import RULES, FolderRequest, Usable, asked, settle_side, sizes_as, usable
from bench.data.folders.layout import EXPECTED, TREES, Item, Layout, NotUnderstoodError, understand
from bench.data.folders.listing import Found, fingerprint, list_files
from bench.data.folders.reader import Reader
from bench.data.folders.style_labels import with_style_labels
from bench.data.limits import user_path
from bench.data.names import Name
from bench.data.rows import DatasetRecipe, DatasetSpec, Row, Table
from bench.errors import UserError

LABELS = ("auto", "none", "folders")  # what subfolders mean; folders: classes, whatever they are called


def folder(name: Name, resolution: int | None, skip_broken: bool) -> DatasetSpec:
    """The folder as a data set; its prepared form is made anew when a file changes."""
    path = user_path(name.argument)
    request = asked(name, path, resolution, skip_broken)
    labelled = name.option("labels", LABELS)
    splits = name.option("splits", ("auto", "none")) == "auto"
    files = list_files(path, request.what)
    more = (str(path.resolve()), resolution, labelled, splits, request.fit, RULES)
    key = f"folder-{slug(path)}-{fingerprint(files, *more)}"
    return DatasetSpec(name.full, key, lambda: plan(request, files, labelled, splits))


def slug(path: Path) -> str:
    """The last part of a path, fit for a file name."""
    letters = [letter if letter.isascii() and letter.isalnum() else "-" for letter in path.resolve().name.lower()]
    return "".join(letters)[:40] or "root"


def plan(request: FolderRequest, files: Sequence[Found], labelled: str = "auto", splits: bool = True) -> DatasetRecipe:
    """Read all headers, settle splits, classes, size and channels, and say how to read the pixels."""
    content = usable(request, files)
    layout = arrange(request, content, labelled, splits)
    headers = sizes_as(content.headers, [item.file for item in layout.items])
    side = settle_side(request, headers)
    colour = any(header.colour for header in headers.values())
    reader = Reader(
        request.what,
        request.place,
        layout.items,
        partial(read_item, request=request, side=side, colour=colour),
        lambda item: item.file.name,
        request.skip_broken,
        content.skipped,
        request.advice,
    )
    shape = (3 if colour else 1, side, side)
    return DatasetRecipe(
        [Table(("images",), reader.rows, len(headers), (shape,))],
        layout.classes,
        f"{request.preparation}{'RGB' if colour else 'grey'}; uint8",
        skipped=content.skipped,
        notes=[*content.notes, *remarks(request, headers, side, colour)],
        layout=layout.lines,
        expected=TREES,
    )


def arrange(request: FolderRequest, content: Usable, labelled: str = "auto", splits: bool = True) -> Layout:
    """What the folders mean. Raises UserError, with the trees that are expected, where they contradict each other."""
    try:
        return understood(request, content, labelled, splits)
    except NotUnderstoodError as problem:
        raise UserError(
            f"{request.what}: the folders in {request.place} are not understood: {problem}.\n{EXPECTED}"
        ) from None


def understood(request: FolderRequest, content: Usable, labelled: str = "auto", splits: bool = True) -> Layout:
    """What the folders, and a dataset.json beside the images, mean. Raises NotUnderstoodError."""
    layout = understand(content.files, labelled=labelled != "none", splits=splits, domains=labelled == "folders")
    if labelled == "none":
        return replace(layout, lines=(*layout.lines, "classes: none, as asked for"))
    return with_style_labels(request.what, layout, content)


def remarks(request: FolderRequest, headers: dict[Found, Header], side: int, colour: bool) -> list[str]:
    """What a user should know about the images."""
    small = sum(min(header.width, header.height) < side for header in headers.values())
    grey = sum(not header.colour for header in headers.values())
    total, notes = len(headers), []
    if small:
        done = "padded with black" if request.fit == "pad" else "enlarged"
        notes.append(f"{small:,} of {total:,} images are smaller than {side} x {side} and were {done}")
    if colour and grey:
        notes.append(f"{grey:,} of {total:,} images are grey and became RGB")
    return notes


def read_item(item: Item, request: FolderRequest, side: int, colour: bool) -> Row:
    """The row of one file. Raises BrokenPictureError."""
    image = read_picture(item.file.path, colour)
    rank = held_out_rank(pixels(image)) if item.split is None else 1.0
    return Row((request.square(image, side),), item.split, item.label, rank, item.file.name)

"""CelebA, aligned and cropped (Liu et al. 2015): 178 x 218 faces, the central 148 x 148 resized.

Splits are the official ones: train 162,770 images, held out: test 19,962; the 19,867 of `valid` are left for tuning.
`celeba:Smiling` makes two classes of an attribute, `celeba:Smiling,Male` four of two.
"""

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from itertools import product
from pathlib import Path

from bench.data.folders.decode import RESIZED, BrokenPictureError, pixels, read_picture, resize
from bench.data.folders.reader import Reader
from bench.data.rows import HELD_OUT, TRAIN, DatasetRecipe, Row, Table
from bench.data.standard.layouts import ATTRIBUTES, FACES, PARTITION
from bench.errors import UserError, unknown

SIZE = (178, 218)
CROP = (15, 35, 163, 183)  # the central 148 x 148: left, top, right, bottom
SPLITS = {"0": TRAIN, "2": HELD_OUT}  # "1" is valid


@dataclass(frozen=True)
class Face:
    """An image of the list."""

    name: str
    split: str
    label: int | None


def plan(name: str, attributes: Sequence[str], resolution: int, folder: Path, skip_broken: bool) -> DatasetRecipe:
    """CelebA at `resolution`, with a class for each combination of the attributes."""
    labels, classes = label_table(folder, attributes)
    faces = [
        Face(image, SPLITS[part], labels[image] if attributes else None)
        for image, (part, *_) in read_list(first(folder, PARTITION)).items()
        if part in SPLITS
    ]
    skipped: list[str] = []
    read = partial(read_face, open_images(folder), resolution=resolution)
    reader = Reader(f"data set {name}", folder, faces, read, lambda face: face.name, skip_broken, skipped)
    line = f"centre crop 148; resize {resolution} {RESIZED}; uint8"
    table = Table(("images",), reader.rows, len(faces), ((3, resolution, resolution),))
    return DatasetRecipe([table], classes, line, skipped=skipped)


def first(folder: Path, names: Sequence[str]) -> Path:
    """The first of `names` that is there. Raises UserError."""
    for name in names:
        if (folder / name).exists():
            return folder / name
    raise UserError(f"CelebA: {names[0]} is not in {folder}. It comes with the set: copy it there.")


def read_list(path: Path) -> dict[str, list[str]]:
    """Image name -> its columns; as published (blanks) or as Kaggle ships it (commas)."""
    lines = path.read_text(encoding="utf-8").replace(",", " ").splitlines()
    return {words[0]: words[1:] for words in map(str.split, lines) if words and words[0].endswith((".jpg", ".png"))}


def attribute_names(path: Path) -> list[str]:
    """The forty names, from the line before the first image."""
    for line in path.read_text(encoding="utf-8").replace(",", " ").splitlines():
        words = [word for word in line.split() if word != "image_id"]
        if len(words) > 1:
            return words
    raise UserError(f"{path}: no line with the names of the attributes.")


def label_table(folder: Path, attributes: Sequence[str]) -> tuple[dict[str, int], tuple[str, ...]]:
    """Image name -> class, and the names of the classes: each attribute is a binary digit, the first the highest."""
    if not attributes:
        return {}, ()
    path = first(folder, ATTRIBUTES)
    known = attribute_names(path)
    for attribute in attributes:
        if attribute not in known:
            raise unknown("CelebA attribute", attribute, known)
    columns = [known.index(attribute) for attribute in attributes]
    labels = {
        image: int("".join("1" if values[column] == "1" else "0" for column in columns), 2)
        for image, values in read_list(path).items()
    }
    signs = product(*((f"not {attribute}", attribute) for attribute in attributes))
    return labels, tuple(", ".join(combination) for combination in signs)


def open_images(folder: Path) -> Callable[[str], Path | BytesIO]:
    """Image name -> its file, in the folder or in the archive."""
    places = (folder / FACES[0], folder / FACES[0] / FACES[0])
    folders = [place for place in places if place.is_dir()]
    if folders:
        return lambda name: folders[-1] / name  # the inner one, where an unpacker made two
    archive = zipfile.ZipFile(folder / FACES[1])
    members = {info.filename.rpartition("/")[2]: info for info in archive.infolist()}

    def member(name: str) -> BytesIO:
        try:
            return BytesIO(archive.read(members[name]))
        except (KeyError, zipfile.BadZipFile) as error:
            raise BrokenPictureError("missing or damaged in the archive") from error

    return member


def read_face(images: Callable[[str], Path | BytesIO], face: Face, resolution: int) -> Row:
    """The row of one face. Raises BrokenPictureError."""
    image = read_picture(images(face.name), colour=True)
    if image.size != SIZE:
        width, height = image.size
        raise BrokenPictureError(f"{width} x {height}, expected the aligned 178 x 218")
    return Row((pixels(resize(image.crop(CROP), resolution)),), face.split, face.label, origin=face.name)


def parse_attributes(argument: str) -> tuple[str, ...]:
    """ "Smiling,Male" -> ("Smiling", "Male")."""
    return tuple(part.strip() for part in argument.split(",") if part.strip())

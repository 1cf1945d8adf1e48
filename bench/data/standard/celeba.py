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
from bench.data.folders.folder_request import skipping
from bench.data.folders.reader import Reader
from bench.data.imports.archives import check_zip
from bench.data.limits import DAMAGE, open_regular, read_at_most
from bench.data.rows import HELD_OUT, TRAIN, DatasetRecipe, Row, Table
from bench.data.standard import download
from bench.data.standard.declaration import Files, StandardSet, Wanted
from bench.errors import UserError, unknown

LARGEST = 64 << 20  # bytes of a list; that of the attributes has 27 MB
SIZE = (178, 218)
CROP = (15, 35, 163, 183)  # the central 148 x 148: left, top, right, bottom
# Any of these names will do for its images, its splits, its attributes; they may lie in one folder, or as its authors and
# Kaggle ship them.
FACES = ("img_align_celeba", "img_align_celeba.zip")
PARTITION = ("list_eval_partition.txt", "list_eval_partition.csv")
ATTRIBUTES = ("list_attr_celeba.txt", "list_attr_celeba.csv")
PLACES = ("Img", "Eval", "Anno", "Anno-part", "archive")
SPLITS = {"0": TRAIN, "2": HELD_OUT}  # "1" is valid


@dataclass(frozen=True)
class Face:
    """An image of the list."""

    name: str
    split: str
    label: int | None


def read(wanted: Wanted) -> DatasetRecipe:
    """CelebA, with a class for each combination of the attributes in the name."""
    folder, attributes, side = wanted.folder(), parse_attributes(wanted.argument), wanted.side
    labels, classes = label_table(folder, attributes)
    parts = read_list(first(folder, PARTITION))
    absent = [image for image in parts if image not in labels] if attributes else []
    if absent:
        raise UserError(
            f"{first(folder, ATTRIBUTES)}: has no line for {len(absent):,} images, e.g. {absent[0]}. Get it again."
        )
    faces = [
        Face(image, SPLITS[part], labels[image] if attributes else None)
        for image, (part, *_) in parts.items()
        if part in SPLITS
    ]
    skipped: list[str] = []
    read_one = partial(read_face, open_images(folder), resolution=side)
    what, advice = f"data set {wanted.name}", skipping(f"bench data prepare {wanted.name} --skip-broken")
    reader = Reader(what, str(folder), faces, read_one, lambda face: face.name, wanted.skip_broken, skipped, advice)
    line = f"centre crop 148; resize {side} {RESIZED}; uint8"
    table = Table(("images",), reader.rows, len(faces), ((3, side, side),))
    return DatasetRecipe([table], classes, line, skipped=skipped)


def missing(folder: Path, argument: str) -> list[str]:
    """What a folder lacks to be CelebA."""
    needed = (FACES, PARTITION, ATTRIBUTES) if argument else (FACES, PARTITION)
    return [names[0] for names in needed if find(folder, names) is None]


def find(folder: Path, names: Sequence[str]) -> Path | None:
    """One of `names`, in the folder itself or in one inside it: the authors ship Anno/, Eval/ and Img/."""
    for place in (folder, *PLACES):
        for name in names:
            if (folder / place / name).exists():
                return folder / place / name
    return None


def first(folder: Path, names: Sequence[str]) -> Path:
    """The first of `names` that is there. Raises UserError."""
    path = find(folder, names)
    if path is None:
        raise UserError(f"CelebA: {names[0]} is not in {folder}. It comes with the set: copy it there.")
    return path


def _text(path: Path) -> str:
    try:
        with open_regular(path) as file:
            return read_at_most(file, LARGEST, str(path)).decode("utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise UserError(f"{path}: cannot be read ({error}). Expected the list that comes with CelebA.") from error


def read_list(path: Path) -> dict[str, list[str]]:
    """Image name -> its columns; as published (blanks) or as Kaggle ships it (commas)."""
    lines = _text(path).replace(",", " ").splitlines()
    rows = {words[0]: words[1:] for words in map(str.split, lines) if words and words[0].endswith((".jpg", ".png"))}
    if not rows or not all(rows.values()):
        raise UserError(f"{path}: not a list of CelebA (expected lines such as 000001.jpg 0). Get it again.")
    return rows


def attribute_names(path: Path) -> list[str]:
    """The forty names, from the line before the first image."""
    for line in _text(path).replace(",", " ").splitlines():
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
    rows = read_list(path)
    if any(len(values) != len(known) for values in rows.values()):
        raise UserError(f"{path}: not every line has {len(known)} values. Get it again.")
    labels = {
        image: int("".join("1" if values[column] == "1" else "0" for column in columns), 2)
        for image, values in rows.items()
    }
    signs = product(*((f"not {attribute}", attribute) for attribute in attributes))
    return labels, tuple(", ".join(combination) for combination in signs)


def open_images(folder: Path) -> Callable[[str], Path | BytesIO]:
    """Image name -> its file, in the folder or in the archive."""
    place = first(folder, FACES)
    if place.is_dir():
        while (place / FACES[0]).is_dir():  # unpackers make two
            place = place / FACES[0]
        return lambda name: place / name
    try:
        archive = zipfile.ZipFile(place)
        check_zip(place, archive)
    except DAMAGE as error:
        raise UserError(f"{place}: damaged ({error}). Get it again.") from error
    members = {info.filename.rpartition("/")[2]: info for info in archive.infolist()}

    def member(name: str) -> BytesIO:
        try:
            return BytesIO(archive.read(members[name]))
        except DAMAGE as error:
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


CELEBA = StandardSet(
    "celeba",
    "CelebA faces, aligned; the central 148 x 148 resized; celeba:Smiling for classes",
    resolution=64,
    channels=3,
    classes=(),
    counts=(162_770, 19_962),
    splits="official train / test (valid is left for tuning)",
    licence="non-commercial research only",
    source="Liu, Luo, Wang and Tang 2015, arXiv:1411.7766",
    read=read,
    files=Files(("celeba", "CelebA"), missing, download.celeba),
    arguments=True,
)

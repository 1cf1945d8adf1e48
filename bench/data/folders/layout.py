"""What the folders around images mean: splits, classes, wrappers. What is not understood is said, never guessed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bench.data.folders.listing import Found, lie
from bench.data.folders.split_names import HELD_OUT_ROLES, PREVIEW, chosen, is_domain, role
from bench.data.limits import readable
from bench.data.rows import HELD_OUT, TRAIN

EXPECTED = """Expected one of these trees:
  PATH/train/CLASS/*.png and PATH/test/CLASS/*.png   splits (also val, valid, dev, eval, ...) and classes
  PATH/train/*.png and PATH/test/*.png               splits, no classes
  PATH/CLASS/*.png                                   two or more classes; a tenth is held out by content
  PATH/*.png                                         no classes; a tenth is held out by content
Move what does not belong, or say what folders do not mean: folder:PATH?splits=none, ?labels=none, ?splits=none&labels=none."""
TREES = (
    "Not so? Expected: PATH/train/CLASS/*.png with PATH/test/CLASS/*.png, PATH/train/*.png with PATH/test/*.png, "
    "PATH/CLASS/*.png or PATH/*.png; ?splits=none or ?labels=none where folders do not mean that."
)
SHOWN = 8  # names in a line
TENTH = "; a tenth is held out by content"  # by a data set; images that are only read are used whole


@dataclass(frozen=True)
class Item:
    """An image file and what its place in the folder says about it."""

    file: Found
    split: str | None  # None: by content
    label: int | None


@dataclass(frozen=True)
class Layout:
    """A folder as it was understood."""

    items: tuple[Item, ...]
    classes: tuple[str, ...]
    lines: tuple[
        str, ...
    ]  # the same for people, e.g. "splits: train/ is trained on (80 images), test/ is held out (20)"


@dataclass(frozen=True)
class Located:
    """A file while its path is taken apart; `parts` is what is left of it."""

    file: Found
    parts: tuple[str, ...]
    split: str | None = None

    @property
    def folder(self) -> str | None:
        """The next folder; None for a loose file."""
        return self.parts[0] if len(self.parts) > 1 else None


class NotUnderstoodError(Exception):
    """The folders contradict each other. The message is the reason alone; whoever reads the set adds what was expected."""


def understand(files: Sequence[Found], *, labelled: bool = True, splits: bool = True, domains: bool = False) -> Layout:
    """Splits and classes of these images. Raises NotUnderstoodError.

    domains: take folders for classes also where their names (images/ and masks/, trainA/ and trainB/) say otherwise.
    """
    lines: list[str] = []
    images = unwrap([Located(file, file.parts) for file in files], lines)
    images = without_previews(images, lines)
    if splits:
        images = _split(images, lines)
    else:
        lines.append(f"splits: none, as asked for{TENTH}")
    classes = _classify(images, lines) if labelled else ()
    sides = [name for name in classes if is_domain(name)]
    if sides and not domains:
        raise NotUnderstoodError(
            f"{sides[0]}/ is not the name of a class but of one side of image pairs or of two domains (pairs:PATH, "
            "unpaired:PATH; ?labels=folders if it is a class)"
        )
    number = {name: i for i, name in enumerate(classes)}
    items = [
        Item(image.file, image.split, number[readable(str(image.folder))] if classes else None) for image in images
    ]
    return Layout(tuple(items), classes, tuple(lines))


def unwrap(images: list[Located], lines: list[str]) -> list[Located]:
    """Step into folders that hold everything, as archives often have them (photos/images/...)."""
    inside = []
    while images and images[0].folder is not None and len({image.folder for image in images}) == 1:
        inside.append(readable(images[0].folder))
        images = [replace(image, parts=image.parts[1:]) for image in images]
    if inside:
        lines.append(f"everything lies in {'/'.join(inside)}/")
    return images


def without_previews(images: list[Located], lines: list[str]) -> list[Located]:
    """Leave folders of previews and thumbnails out, unless they are all there is."""
    previews = {image.folder for image in images if image.folder and role(image.folder) == PREVIEW}
    kept = [image for image in images if image.folder not in previews]
    if not previews or not kept:
        return images
    shown = ", ".join(f"{readable(name)}/" for name in sorted(previews))
    lines.append(f"left out as previews: {shown} ({len(images) - len(kept):,} images)")
    return unwrap(kept, lines)


def _split(images: list[Located], lines: list[str]) -> list[Located]:
    """Take the folders of splits off the paths; images of folders that are not used are left out."""
    folders = {image.folder for image in images if image.folder is not None}
    used, rest, problem = chosen(folders)
    if problem:
        raise NotUnderstoodError(problem)
    if not used:
        return _without_split(images, folders, lines)
    _refuse_beside(images, folders - set(used) - set(rest), used)
    counts = Counter(image.folder for image in images)
    lines.append(
        "splits: "
        + ", ".join(
            f"{readable(name)}/ is {'trained on' if split == TRAIN else 'held out'} ({counts[name]:,} images)"
            for name, split in used.items()
        )
        + "".join(f"; {readable(name)}/ ({counts[name]:,}) is left out" for name in rest)
    )
    images = [
        replace(image, parts=image.parts[1:], split=used[image.folder]) for image in images if image.folder in used
    ]
    return unwrap_splits(images)


def _without_split(images: list[Located], folders: set[str], lines: list[str]) -> list[Located]:
    """No pair of a training and a held-out folder at this level: is there one inside the classes, or half of one?"""
    turned = _splits_inside_classes(images, folders)
    if turned is not None:
        return _split(turned, lines)
    half = sorted(name for name in folders if role(name) in (TRAIN, *HELD_OUT_ROLES))
    others = {name for name in folders if role(name) is None}
    loose = sum(image.folder is None for image in images)
    if half and [role(name) for name in half] == [TRAIN] and not others and not loose:
        rest = sorted(folders - set(half))
        images = [replace(image, parts=image.parts[1:]) for image in images if image.folder == half[0]]
        lines.append(
            f"splits: {readable(half[0])}/ alone{TENTH}; "
            + ", ".join(f"{readable(name)}/" for name in rest)
            + " is left out"
        )
        return unwrap(images, lines)
    if half and not (len(others) > 1 and [role(name) for name in half] == [TRAIN]):  # a train may be a vehicle
        shown = " and ".join(f"{readable(name)}/" for name in half)
        beside = ", ".join([f"{readable(name)}/" for name in sorted(others)][:SHOWN] + (["loose images"] * bool(loose)))
        raise NotUnderstoodError(
            f"{shown} is named as a split, without a partner to train on or to hold out"
            + (f"; beside it: {beside}" if beside else "")
        )
    lines.append(f"splits: none{TENTH}")
    return images


def _splits_inside_classes(images: list[Located], folders: set[str]) -> list[Located] | None:
    """CLASS/train/..., CLASS/test/... turned into train/CLASS/...; None where no class holds splits."""
    inner: dict[str, set[str]] = {name: set() for name in folders}
    for image in images:
        if image.folder is not None and len(image.parts) > 2:
            inner[image.folder].add(image.parts[1])
    holding = sorted(name for name, below in inner.items() if chosen(below)[0])
    if not holding:
        return None
    if len(holding) < len(folders) or any(len(image.parts) < 3 or role(image.parts[1]) is None for image in images):
        raise NotUnderstoodError(f"{readable(holding[0])}/ holds splits of its own, others beside or in it do not")
    return [replace(image, parts=(image.parts[1], image.parts[0], *image.parts[2:])) for image in images]


def _refuse_beside(images: list[Located], strange: set[str], used: Mapping[str, str]) -> None:
    shown = " and ".join(f"{readable(name)}/" for name in used)
    loose = [image.file.name for image in images if image.folder is None]
    if loose:
        raise NotUnderstoodError(f"{lie(len(loose))} beside the splits {shown}, the first is {loose[0]}")
    if strange:
        names = ", ".join([f"{readable(name)}/" for name in sorted(strange)][:SHOWN])
        raise NotUnderstoodError(f"{names} beside the splits {shown} is not the name of a split")


def unwrap_splits(images: list[Located]) -> list[Located]:
    """train/images/..., test/images/...: step into a folder that holds all of a split, if each split has such a one."""
    while True:
        below = {split: {image.folder for image in images if image.split == split} for split in (TRAIN, HELD_OUT)}
        names = set().union(*below.values())
        if None in names or any(len(folders) != 1 for folders in below.values()) or len(names) != 1:
            return images
        images = [replace(image, parts=image.parts[1:]) for image in images]


def _classify(images: list[Located], lines: list[str]) -> tuple[str, ...]:
    """Class names, sorted: the next folders, when there are at least two."""
    names = sorted({readable(image.folder) for image in images if image.folder is not None})
    loose = [image.file.name for image in images if image.folder is None]
    if len(names) > 1 and loose:
        shown = ", ".join(f"{name}/" for name in names[:SHOWN])
        raise NotUnderstoodError(f"{lie(len(loose))} beside the classes {shown}; the first is {loose[0]}")
    if len(names) < 2:
        lines.append("classes: none" + (f" ({names[0]}/ alone)" if names and not loose else ""))
        return ()
    shown = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
    lines.append(f"classes: {len(names):,}: {shown}")
    return tuple(names)

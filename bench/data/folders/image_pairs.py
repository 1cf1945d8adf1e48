"""Paired sets: `pairs:PATH` (side by side, or parallel folders) and `facades`.

A pair is a target (what is generated: `images`) and a source (what it is made from: `source`). pix2pix ships A|B
pictures, A left, B right. Unless the name says otherwise (`pairs:PATH?source=A`), B or the right half is the source, as
pix2pix runs facades (labels right, direction BtoA).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image

from bench.data.digests import held_out_rank
from bench.data.folders.decode import pixels, read_picture
from bench.data.folders.domains import Domains, Placed, find_domains
from bench.data.folders.folder_request import (
    RULES,
    FolderRequest,
    Usable,
    asked,
    halved,
    settle_side,
    sizes_as,
    skipping,
    usable,
)
from bench.data.folders.image_folder import slug
from bench.data.folders.layout import Item, NotUnderstoodError, understand
from bench.data.folders.listing import Found, fingerprint, list_files
from bench.data.folders.reader import Reader
from bench.data.limits import user_path
from bench.data.names import Name
from bench.data.rows import DatasetRecipe, DatasetSpec, Row, Table
from bench.errors import UserError

SOURCES = {"right": "B", "left": "A", "B": "B", "A": "A"}  # how the side of the source may be written
FORMS = ("auto", "halves", "folders")
WIDE = 1.5  # an A|B picture is at least this much wider than high, unless form=halves says that it is one
EXPECTED = """Expected one of these trees:
  PATH/train/*.png and PATH/test/*.png               A|B pictures, A in the left half, B in the right
  PATH/*.png                                         the same; a tenth is held out by content
  PATH/A/train/x.png and PATH/B/train/x.png          parallel folders (or trainA/ and trainB/, or train/A/ and train/B/)
  PATH/images/x.png and PATH/masks/x.png             the same under other usual names (target and input, hq and lq, ...)
Move what does not belong, or say which it is: pairs:PATH?form=halves or pairs:PATH?form=folders. Two folders whose images
are not pairs are read by unpaired:PATH_A,PATH_B."""

TREES = (
    "Not so? Expected: A|B pictures in PATH/train/ and PATH/test/ or in PATH, or parallel folders PATH/A/ and PATH/B/ "
    "(trainA/ and trainB/, images/ and masks/, ...); ?form=halves or ?form=folders says which."
)


@dataclass(frozen=True)
class Pair:
    """Two files of one scene."""

    target: Placed
    source: Placed
    split: str | None


def pairs(name: Name, resolution: int | None, skip_broken: bool) -> DatasetSpec:
    """`pairs:PATH`: prepared anew when a file changes."""
    path = user_path(name.argument)
    source = SOURCES[name.option("source", tuple(SOURCES))]
    form = name.option("form", FORMS)
    request = asked(name, path, resolution, skip_broken)
    files = list_files(path, request.what)
    key = f"pairs-{slug(path)}-{fingerprint(files, str(path.resolve()), resolution, source, form, RULES)}"
    return DatasetSpec(name.full, key, lambda: plan_pairs(request, files, source, form))


def facades(path: Path, resolution: int | None, skip_broken: bool) -> DatasetRecipe:
    """CMP Facades as pix2pix ships them: photograph left, label map right; train 400, held out: test 106."""
    advice = skipping("bench data prepare facades --skip-broken")
    request = FolderRequest("data set facades", path, resolution, skip_broken, advice=advice)
    return plan_pairs(request, list_files(path, request.what), "B", "halves")


def plan_pairs(request: FolderRequest, files: Sequence[Found], source: str, form: str) -> DatasetRecipe:
    """Parallel folders where the folders say so, else side-by-side pictures. Raises UserError where neither fits."""
    content = usable(request, files)
    try:
        domains = None if form == "halves" else find_domains(content.files)
        if domains is None and form == "folders":
            raise NotUnderstoodError("no folder has the name of a domain")
        if domains is None:
            return plan_halves(request, content, source, strict=form == "auto")
        return plan_parallel(request, content, domains, source)
    except NotUnderstoodError as problem:
        raise UserError(
            f"{request.what}: the folders in {request.place} are not understood: {problem}.\n{EXPECTED}"
        ) from None


def plan_halves(request: FolderRequest, content: Usable, source: str, strict: bool) -> DatasetRecipe:
    """Side-by-side pictures. `strict`: only where they look like it, as the name does not say so."""
    layout = understand(content.files, labelled=strict, domains=True)
    headers = sizes_as(content.headers, [item.file for item in layout.items])
    odd = [f"{file.name} ({head.width} x {head.height})" for file, head in headers.items() if head.width % 2]
    if odd:
        raise UserError(
            f"{request.what}: {odd[0]} cannot be halved. Expected A|B pictures side by side, of even width."
        )
    if layout.classes:
        shown = ", ".join(f"{name}/" for name in layout.classes[:8])
        raise NotUnderstoodError(f"{shown} are neither splits nor domains")
    narrow = [
        f"{file.name} ({head.width} x {head.height})"
        for file, head in headers.items()
        if head.width < WIDE * head.height
    ]
    if strict and narrow:
        raise NotUnderstoodError(
            f"{len(narrow):,} images are too narrow for two side by side, the first is {narrow[0]}"
        )
    side = settle_side(request, halved(headers))
    colour = any(header.colour for header in headers.values())
    read = partial(read_halves, request=request, side=side, colour=colour, source=source)
    name = request.place, layout.items, read, lambda item: item.file.name
    reader = Reader(request.what, *name, request.skip_broken, content.skipped, request.advice)
    shape = (3 if colour else 1, side, side)
    table = Table(("images", "source"), reader.rows, len(headers), (shape, shape))
    half = "right" if source == "B" else "left"
    lines = [line for line in layout.lines if not line.startswith("classes:")]
    return DatasetRecipe(
        [table],
        (),
        f"halves, source {half}; {request.preparation}uint8",
        skipped=content.skipped,
        notes=content.notes,
        layout=(*lines, f"A|B pictures side by side: the {half} half is the source"),
        expected=TREES,
    )


def read_halves(item: Item, request: FolderRequest, side: int, colour: bool, source: str) -> Row:
    """Both halves of a picture. Raises BrokenPictureError."""
    image = read_picture(item.file.path, colour)
    middle = image.width // 2
    left, right = image.crop((0, 0, middle, image.height)), image.crop((middle, 0, 2 * middle, image.height))
    target, origin = (left, right) if source == "B" else (right, left)
    return pair_row(request, (target, origin), side, item.split, item.file.name)


def pair_row(
    request: FolderRequest, images: tuple[Image.Image, Image.Image], side: int, split: str | None, name: str
) -> Row:
    """The row of a pair (target, source); its target decides on which side of the split it falls."""
    rank = held_out_rank(pixels(images[0])) if split is None else 1.0
    return Row(tuple(request.square(image, side) for image in images), split, None, rank, name)


def plan_parallel(request: FolderRequest, content: Usable, domains: Domains, source: str) -> DatasetRecipe:
    """Parallel folders: the images of a pair have the same path below their folders, suffix apart."""
    matched = match(request, content, domains, source)
    headers = sizes_as(content.headers, [one.file for pair in matched for one in (pair.target, pair.source)])
    for pair in matched:
        target, origin = headers[pair.target.file], headers[pair.source.file]
        if (target.width, target.height) != (origin.width, origin.height):
            raise UserError(f"{request.what}: {pair.target.file.name} and {pair.source.file.name} differ in size.")
    side = settle_side(request, headers)
    colours = (
        any(headers[pair.target.file].colour for pair in matched),
        any(headers[pair.source.file].colour for pair in matched),
    )
    reader = Reader(
        request.what,
        request.place,
        matched,
        partial(read_pair, request=request, side=side, colours=colours),
        lambda pair: f"{pair.target.file.name} and {pair.source.file.name}",
        request.skip_broken,
        content.skipped,
        request.advice,
    )
    shapes = tuple((3 if colour else 1, side, side) for colour in colours)
    line = f"folders A and B, source {source}; {request.preparation}uint8"
    return DatasetRecipe(
        [Table(("images", "source"), reader.rows, len(matched), shapes)],
        (),
        line,
        skipped=content.skipped,
        notes=content.notes,
        layout=(*domains.lines, f"pairs of files of the same name: {source} is the source"),
        expected=TREES,
    )


def match(request: FolderRequest, content: Usable, domains: Domains, source: str) -> list[Pair]:
    """Pair the files of the two domains. Raises UserError when one has no partner."""
    tables: dict[str, dict[tuple[str, str], Placed]] = {"A": {}, "B": {}}
    for one in domains.placed:
        before = tables[one.domain].setdefault((str(domains.splits[one.folder]), one.key), one)
        if before is not one:
            raise UserError(
                f"{request.what}: {before.file.name} and {one.file.name} would be the same half of a pair: "
                "they differ in their suffix alone. Keep one of them."
            )
    alone = sorted(tables["A"].keys() ^ tables["B"].keys())
    if alone and not (content.skipped and len(alone) <= len(content.skipped)):
        split, key = alone[0]
        there = "A" if alone[0] in tables["A"] else "B"
        raise UserError(
            f"{request.what}: {len(alone):,} images have no partner, the first is {key} of {there} "
            f"({'no split' if split == 'None' else split}). Expected the same names in A and B; for images that are not "
            "pairs use unpaired:PATH_A,PATH_B."
        )
    targets, sources = (tables["A"], tables["B"]) if source == "B" else (tables["B"], tables["A"])
    both = sorted(targets.keys() & sources.keys())
    return [Pair(targets[key], sources[key], domains.splits[targets[key].folder]) for key in both]


def read_pair(pair: Pair, request: FolderRequest, side: int, colours: tuple[bool, bool]) -> Row:
    """The row of two files. Raises BrokenPictureError."""
    target = read_picture(pair.target.file.path, colours[0])
    source = read_picture(pair.source.file.path, colours[1])
    return pair_row(request, (target, source), side, pair.split, pair.target.file.name)

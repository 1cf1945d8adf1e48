"""Image-to-image sets: `pairs:PATH` (side by side, or parallel folders), `facades`, `unpaired:PATH_A,PATH_B`.

A pair is a target (what is generated: `images`) and a source (what it is made from: `source`). pix2pix ships A|B
pictures, A left, B right. Unless the name says otherwise (`pairs:PATH?source=A`), B or the right half is the source, as
pix2pix runs facades (labels right, direction BtoA). Unpaired sets translate A to B, as CycleGAN: source A, images B.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image

from bench.data.digests import held_out_rank
from bench.data.folders.decode import RESIZED, BrokenPictureError, Header, centre_square, pixels, read_picture
from bench.data.folders.domains import Placed, place_all, usable_splits
from bench.data.folders.image_folder import Item, arrange, read_item, settle_side, slug
from bench.data.folders.listing import Found, fingerprint, list_files, read_headers, refuse_broken, split_folders
from bench.data.folders.reader import Reader
from bench.data.names import Name, check_resolution
from bench.data.rows import DatasetRecipe, DatasetSpec, Row, Table
from bench.errors import UserError

SOURCES = {"right": "B", "left": "A", "B": "B", "A": "A"}  # how the side of the source may be written


@dataclass(frozen=True)
class Job:
    """What is common to all files of a set: where they are, and what to make of them."""

    what: str  # "data set pairs:...", for messages
    path: Path
    resolution: int | None  # as asked for
    source: str  # "A" or "B"
    skip_broken: bool


def pairs(name: Name, resolution: int | None, skip_broken: bool) -> DatasetSpec:
    """`pairs:PATH`: prepared anew when a file changes."""
    path = Path(name.argument).expanduser()
    source = SOURCES[name.option("source", tuple(SOURCES))]
    if resolution is not None:
        check_resolution(name.full, resolution)
    job = Job(f"data set {name.full}", path, resolution, source, skip_broken)
    files = list_files(path, job.what)
    key = f"pairs-{slug(path)}-{fingerprint(files, str(path.resolve()), resolution, source)}"
    return DatasetSpec(name.full, key, lambda: plan_pairs(job, files))


def facades(path: Path, resolution: int | None, skip_broken: bool) -> DatasetRecipe:
    """CMP Facades as pix2pix ships them: photograph left, label map right; train 400, held out: test 106."""
    job = Job("data set facades", path, resolution, "B", skip_broken)
    return plan_pairs(job, list_files(path, job.what))


def plan_pairs(job: Job, files: Sequence[Found]) -> DatasetRecipe:
    """Parallel folders where every file lies below an A or a B, else side-by-side pictures."""
    placed = place_all(files)
    return plan_halves(job, files) if placed is None else plan_parallel(job, placed)


def plan_halves(job: Job, files: Sequence[Found]) -> DatasetRecipe:
    """Side-by-side pictures."""
    splits = split_folders(files)
    items = [Item(file, splits.get(file.parts[0]), None) for file in files if not splits or file.parts[0] in splits]
    good, skipped = check_headers(job, items)
    odd = [f"{item.file.name} ({head.width} x {head.height})" for item, head in good if head.width % 2]
    if odd:
        raise UserError(f"{job.what}: {odd[0]} cannot be halved. Expected A|B pictures side by side, of even width.")
    halves = [(item, Header(head.width // 2, head.height, head.colour)) for item, head in good]
    side = settle_side(job.what, job.path, halves, job.resolution)
    colour = any(header.colour for _, header in good)
    read = partial(read_halves, side=side, colour=colour, source=job.source)
    reader = Reader(
        job.what, job.path, [item for item, _ in good], read, lambda item: item.file.name, job.skip_broken, skipped
    )
    shape = (3 if colour else 1, side, side)
    table = Table(("images", "source"), reader.rows, len(good), (shape, shape))
    half = "right" if job.source == "B" else "left"
    return DatasetRecipe([table], (), f"halves, source {half}; {preparation(job, side)}", skipped=skipped)


def read_halves(item: Item, side: int, colour: bool, source: str) -> Row:
    """Both halves of a picture. Raises BrokenPictureError."""
    image = read_picture(item.file.path, colour)
    middle = image.width // 2
    left, right = image.crop((0, 0, middle, image.height)), image.crop((middle, 0, 2 * middle, image.height))
    target, origin = (left, right) if source == "B" else (right, left)
    return pair_row(target, origin, side, item.split, item.file.name)


def pair_row(target: Image.Image, source: Image.Image, side: int, split: str | None, name: str) -> Row:
    """The row of a pair; its target decides on which side of the split it falls."""
    rank = held_out_rank(pixels(target)) if split is None else 1.0
    images = (pixels(centre_square(target, side)), pixels(centre_square(source, side)))
    return Row(images, split, None, rank, name)


@dataclass(frozen=True)
class Pair:
    """Two files of one scene."""

    target: Placed
    source: Placed
    split: str | None


def plan_parallel(job: Job, placed: Sequence[Placed]) -> DatasetRecipe:
    """Parallel folders: the pictures of a pair have the same path below their folders, suffix apart."""
    matched = match(job, placed)
    good, skipped = check_headers(job, [Item(file.file, None, None) for pair in matched for file in both(pair)])
    headers = {item.file.name: header for item, header in good}
    matched = [pair for pair in matched if all(file.file.name in headers for file in both(pair))]
    for pair in matched:
        target, source = (headers[file.file.name] for file in both(pair))
        if (target.width, target.height) != (source.width, source.height):
            raise UserError(f"{job.what}: {pair.target.file.name} and {pair.source.file.name} differ in size.")
    side = settle_side(job.what, job.path, good, job.resolution)
    colours = tuple(any(headers[both(pair)[column].file.name].colour for pair in matched) for column in (0, 1))
    reader = Reader(
        job.what,
        job.path,
        matched,
        partial(read_pair, side=side, colours=colours),
        lambda pair: f"{pair.target.file.name} and {pair.source.file.name}",
        job.skip_broken,
        skipped,
    )
    shapes = tuple((3 if colour else 1, side, side) for colour in colours)
    table = Table(("images", "source"), reader.rows, len(matched), shapes)
    return DatasetRecipe(
        [table], (), f"folders A and B, source {job.source}; {preparation(job, side)}", skipped=skipped
    )


def both(pair: Pair) -> tuple[Placed, Placed]:
    """Target and source."""
    return pair.target, pair.source


def match(job: Job, placed: Sequence[Placed]) -> list[Pair]:
    """Pair the files of the two domains. Raises UserError when one has no partner."""
    splits = usable_splits({file.folder for file in placed})
    domains: dict[str, dict[tuple[str, str], Placed]] = {"A": {}, "B": {}}
    for file in placed:
        if file.folder in splits:
            domains[file.domain][file.folder, file.key] = file
    alone = sorted(domains["A"].keys() ^ domains["B"].keys())
    if alone:
        folder, key = alone[0]
        there = "A" if alone[0] in domains["A"] else "B"
        raise UserError(
            f"{job.what}: {len(alone):,} images have no partner, the first is {key} of {there} "
            f"({folder or 'no split'}). Expected the same names in A and B; for unpaired sets use unpaired:A,B."
        )
    targets, sources = (domains["A"], domains["B"]) if job.source == "B" else (domains["B"], domains["A"])
    return [Pair(targets[key], sources[key], splits[key[0]]) for key in sorted(targets)]


def read_pair(pair: Pair, side: int, colours: tuple[bool, ...]) -> Row:
    """The row of two files. Raises BrokenPictureError."""
    target = read_picture(pair.target.file.path, colours[0])
    source = read_picture(pair.source.file.path, colours[1])
    return pair_row(target, source, side, pair.split, pair.target.file.name)


def unpaired(name: Name, resolution: int | None, skip_broken: bool) -> DatasetSpec:
    """`unpaired:PATH_A,PATH_B`, or `unpaired:PATH` with trainA/, trainB/, testA/, testB/ below."""
    if resolution is not None:
        check_resolution(name.full, resolution)
    paths = [Path(part.strip()).expanduser() for part in name.argument.split(",")]
    if len(paths) > 2 or not all(part.strip() for part in name.argument.split(",")):
        raise UserError(f"data set {name.full!r}: expected unpaired:PATH_A,PATH_B or unpaired:PATH.")
    what = f"data set {name.full}"
    files = [list_files(path, what) for path in paths]
    named = [fingerprint(part, str(path.resolve())) for part, path in zip(files, paths, strict=True)]
    key = f"unpaired-{'-'.join(map(slug, paths))}-{fingerprint([], named, resolution)}"
    jobs = [Job(what, path, resolution, "A", skip_broken) for path in paths]
    return DatasetSpec(name.full, key, lambda: plan_unpaired(jobs, files))


def plan_unpaired(jobs: Sequence[Job], files: Sequence[Sequence[Found]]) -> DatasetRecipe:
    """Two tables: `images` of domain B, `source` of domain A."""
    if len(jobs) == 2:
        (items_a, _), (items_b, _) = arrange(files[0], False), arrange(files[1], False)
    else:
        placed = place_all(files[0])
        if placed is None:
            raise UserError(
                f"{jobs[0].what}: {jobs[0].path} needs folders A/ and B/, or trainA/, trainB/, testA/, testB/."
            )
        splits = usable_splits({file.folder for file in placed})
        items_a, items_b = (
            [
                Item(one.file, splits[one.folder], None)
                for one in placed
                if one.domain == domain and one.folder in splits
            ]
            for domain in "AB"
        )
    good_a, skipped = check_headers(jobs[0], items_a)
    good_b, skipped_b = check_headers(jobs[-1], items_b)
    side_b = settle_side(jobs[-1].what, jobs[-1].path, good_b, jobs[0].resolution)
    side = settle_side(jobs[0].what, jobs[0].path, good_a, jobs[0].resolution)
    if side != side_b:
        raise UserError(f"{jobs[0].what}: A is {side} and B {side_b} pixels a side. Give a resolution.")
    skipped += skipped_b
    tables = [
        domain_table("images", jobs[-1], good_b, side, skipped),
        domain_table("source", jobs[0], good_a, side, skipped),
    ]
    return DatasetRecipe(tables, (), f"source A, unpaired; {preparation(jobs[0], side)}", skipped=skipped)


def domain_table(column: str, job: Job, good: Sequence[tuple[Item, Header]], side: int, skipped: list[str]) -> Table:
    """The pictures of one domain."""
    colour = any(header.colour for _, header in good)
    items = [item for item, _ in good]
    read = partial(read_item, side=side, colour=colour)
    reader = Reader(job.what, job.path, items, read, lambda item: item.file.name, job.skip_broken, skipped)
    return Table((column,), reader.rows, len(items), ((3 if colour else 1, side, side),))


def check_headers(job: Job, items: Sequence[Item]) -> tuple[list[tuple[Item, Header]], list[str]]:
    """Files with their headers, and those that have none; raises for the latter unless they may be skipped."""
    good: list[tuple[Item, Header]] = []
    broken: list[str] = []
    for item, header in zip(items, read_headers([item.file for item in items]), strict=True):
        if isinstance(header, BrokenPictureError):
            broken.append(f"{item.file.name}: {header}")
        else:
            good.append((item, header))
    if not (job.skip_broken and good):
        refuse_broken(job.what, job.path, len(items), broken)
    return good, broken


def preparation(job: Job, side: int) -> str:
    """The common end of the preprocessing lines."""
    return f"centre crop to square; resize to {side} {RESIZED}; uint8" if job.resolution else "uint8"

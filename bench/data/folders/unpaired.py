"""Unpaired sets: `unpaired:PATH_A,PATH_B`, or `unpaired:PATH` with both domains below. A is translated to B, as CycleGAN."""

from collections.abc import Sequence
from functools import partial

from bench.data.folders.domains import find_domains
from bench.data.folders.folder_request import RULES, FolderRequest, Usable, asked, settle_side, sizes_as, usable
from bench.data.folders.image_folder import arrange, read_item, slug
from bench.data.folders.layout import Item, NotUnderstoodError
from bench.data.folders.listing import Found, fingerprint, list_files
from bench.data.folders.reader import Reader
from bench.data.limits import user_path
from bench.data.names import Name
from bench.data.rows import DatasetRecipe, DatasetSpec, Table
from bench.errors import UserError

EXPECTED = """Expected one of these trees:
  PATH/trainA/, PATH/trainB/, PATH/testA/, PATH/testB/   as CycleGAN ships them (or A/train/, ... or train/A/, ...)
  PATH/A/ and PATH/B/                                    a tenth of each is held out by content
Or name the two folders: unpaired:PATH_A,PATH_B."""
TREES = (
    "Not so? Expected: PATH/trainA/, PATH/trainB/, PATH/testA/, PATH/testB/, or PATH/A/ and PATH/B/, or two folders: "
    "unpaired:PATH_A,PATH_B."
)
Side = tuple[FolderRequest, Usable, Sequence[Item]]  # one domain


def unpaired(name: Name, resolution: int | None, skip_broken: bool) -> DatasetSpec:
    """Prepared anew when a file changes."""
    parts = [part.strip() for part in name.argument.split(",")]
    if len(parts) > 2 or not all(parts):
        raise UserError(f"data set {name.full!r}: expected unpaired:PATH_A,PATH_B or unpaired:PATH.")
    requests = [asked(name, user_path(part), resolution, skip_broken) for part in parts]
    files = [list_files(request.path, request.what) for request in requests]
    named = [fingerprint(part, str(one.path.resolve())) for part, one in zip(files, requests, strict=True)]
    key = f"unpaired-{'-'.join(slug(one.path) for one in requests)}-{fingerprint([], named, resolution, RULES)}"
    return DatasetSpec(name.full, key, lambda: plan_unpaired(requests, files))


def plan_unpaired(requests: Sequence[FolderRequest], files: Sequence[Sequence[Found]]) -> DatasetRecipe:
    """Two tables: `images` of domain B, `source` of domain A."""
    content = [usable(request, part) for request, part in zip(requests, files, strict=True)]
    sides, lines = _two_folders(requests, content) if len(requests) == 2 else _one_folder(requests[0], content[0])
    pixels = [settle_side(one, sizes_as(there.headers, [item.file for item in items])) for one, there, items in sides]
    if pixels[0] != pixels[1]:
        raise UserError(f"{requests[0].what}: A is {pixels[0]} and B {pixels[1]} pixels a side. Give a resolution.")
    skipped = [name for one in content for name in one.skipped]
    tables = [
        _domain_table(column, side, pixels[0], skipped) for column, side in (("images", sides[1]), ("source", sides[0]))
    ]
    line = f"source A, unpaired; {requests[0].preparation}uint8"
    notes = [note for one in content for note in one.notes]
    return DatasetRecipe(tables, (), line, skipped=skipped, notes=notes, layout=tuple(lines), expected=TREES)


def _two_folders(requests: Sequence[FolderRequest], content: Sequence[Usable]) -> tuple[list[Side], list[str]]:
    sides, lines = [], []
    for domain, request, there in zip("AB", requests, content, strict=True):
        layout = arrange(request, there, labelled="none")
        sides.append((request, there, layout.items))
        lines += [f"{domain}: {line}" for line in layout.lines if not line.startswith("classes:")]
    return sides, lines


def _one_folder(request: FolderRequest, content: Usable) -> tuple[list[Side], list[str]]:
    try:
        domains = find_domains(content.files)
        if domains is None:
            raise NotUnderstoodError("no folder has the name of a domain")
    except NotUnderstoodError as problem:
        raise UserError(
            f"{request.what}: the folders in {request.place} are not understood: {problem}.\n{EXPECTED}"
        ) from None
    sides: list[Side] = [
        (
            request,
            content,
            [Item(one.file, domains.splits[one.folder], None) for one in domains.placed if one.domain == d],
        )
        for d in "AB"
    ]
    return sides, list(domains.lines)


def _domain_table(column: str, side: Side, pixels: int, skipped: list[str]) -> Table:
    """The images of one domain."""
    request, content, items = side
    colour = any(content.headers[item.file].colour for item in items)
    read = partial(read_item, request=request, side=pixels, colour=colour)
    reader = Reader(
        request.what,
        request.place,
        items,
        read,
        lambda item: item.file.name,
        request.skip_broken,
        skipped,
        request.advice,
    )
    return Table((column,), reader.rows, len(items), ((3 if colour else 1, pixels, pixels),))

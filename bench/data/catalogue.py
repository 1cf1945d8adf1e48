"""What is known about each data set before it is prepared: the table behind `bench data list`."""

from dataclasses import dataclass, replace

from bench.data.imports import imported
from bench.data.names import parse
from bench.data.rows import HELD_OUT, TRAIN
from bench.data.standard.declaration import StandardSet
from bench.data.standard.table import SETS
from bench.data.store import store
from bench.errors import unknown


@dataclass(frozen=True)
class Description:
    """What is known about a data set. None: depends on the files."""

    name: str  # as it is asked for, e.g. "mnist" or "folder:PATH"
    title: str
    resolution: int | None  # in pixels, when none is asked for
    channels: int | None
    classes: int | None
    train: int | None  # images
    held_out: int | None
    splits: str  # where the splits come from
    files: str  # what is looked for below a data root; empty: nothing is needed
    licence: str
    source: str
    download: bool = False  # whether it can be downloaded
    shown: bool = False  # whether its images may stand in a report: never faces, nor a user's own images


BY_CONTENT = "train/ and test/ subfolders, else a tenth by content hash"
PATTERNS = (
    Description(
        "folder:PATH", "any folder of images, nested or not; subfolders are classes",
        None, None, None, None, None, BY_CONTENT, "PATH", "yours", "yours",
    ),
    Description(
        "pairs:PATH", "A|B pictures side by side, or folders A and B; ?source=right (B) or left (A)",
        None, None, 0, None, None, BY_CONTENT, "PATH", "yours", "yours",
    ),
    Description(
        "unpaired:PATH_A,PATH_B", "two folders of images, A to be translated to B; or one with trainA/, trainB/, ...",
        None, None, 0, None, None, BY_CONTENT, "PATH", "yours", "yours",
    ),
    Description(
        "lowres:NAME", "any other set, from a quarter of its side to its size; ?factor=2, 4 or 8",
        None, None, 0, None, None, "as NAME", "", "as NAME", "NAME",
    ),
)  # fmt: skip


def names() -> list[str]:
    """Every data set that can be asked for, e.g. "mnist", "folder:PATH"; those that were imported come last."""
    return [*SETS, *(pattern.name for pattern in PATTERNS), *imported.names()]


def describe(name: str) -> Description:
    """What is known about a data set; a path ("folder:photos") makes no difference. Raises UserError."""
    parsed = parse(name)
    family = parsed.family
    if family == "lowres" and parsed.argument != "NAME":
        base = describe(parsed.argument)
        return replace(base, name=name, title=f"{base.title}, from smaller ones", classes=0)
    if family in SETS:
        return describe_standard(SETS[family])
    for pattern in PATTERNS:
        if pattern.name.partition(":")[0] == family:
            return pattern
    if name in imported.names():
        return describe_imported(name)
    if imported.ALLOWED.fullmatch(name) and imported.folder(name).is_dir():
        raise imported.gone(name)
    raise unknown("data set", name, names())


def describe_standard(declared: StandardSet) -> Description:
    """From its declaration."""
    files = declared.files
    return Description(
        declared.name, declared.title, declared.resolution, declared.channels, len(declared.classes), *declared.counts,
        declared.splits, f"{files.folders[0]}/" if files else "", declared.licence, declared.source,
        download=files is not None and files.download is not None, shown=declared.shown,
    )  # fmt: skip


def describe_imported(name: str) -> Description:
    """From the manifest of its prepared form."""
    manifest = store.read_manifest(imported.folder(name))
    assert manifest is not None
    channels, resolution, _ = manifest["shapes"]["images"]
    counts = manifest["counts"]
    return Description(
        name, "imported", resolution, channels, len(manifest["classes"]), counts[f"{TRAIN}/images"],
        counts[f"{HELD_OUT}/images"], "as imported", "", "yours", "yours",
    )  # fmt: skip

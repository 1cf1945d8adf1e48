"""Pictures beside the records: found, verified against their digest, and embedded within the page's budget of bytes."""

import base64
import csv
import io
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from PIL import Image

from bench import formats
from bench.records import artifacts
from bench.records.record import Artifact, Record
from bench.report import webp

LONGEST = 300  # characters of a reason
FORMATS = ("PNG", "JPEG", "WEBP")  # as Pillow calls them; a record may come from anywhere
TYPES = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"RIFF", "image/webp"))
KINDS: dict[str, tuple[str, str]] = {  # kind -> heading, what a reader sees
    "grid": ("Samples", "Uncurated: every member shows its first images from the same fixed latents or sources."),
    "classes": ("Samples by class", "One row per class, uncurated; every image of a column has the same latents."),
    "interpolation": ("Interpolations", "Each row walks from one latent to another in equal steps."),
    "truncation": ("Truncation sweep", "The same latents in every row, truncated from strong (top) to none (bottom)."),
    "translation": ("Source, output, target", "Each row: a held-out source, what the member made of it, the target."),
    "reconstruction": ("Reconstructions", "Rows in pairs: held-out images, and below each what its code gives back."),
    "nearest-pixel": (
        "Nearest training images in pixel space",
        "First column: a sample. To its right: the training images closest to it, pixel by pixel.",
    ),
    "nearest-feature": (
        "Nearest training images in feature space",
        "First column: a sample. To its right: the training images closest to it in the extractor’s features.",
    ),
    "best": ("Best samples", "Highest realism score, best first (Kynkäänniemi et al. 2019, section 5)."),
    "worst": ("Worst samples", "Lowest realism score, worst first (Kynkäänniemi et al. 2019, section 5)."),
}
DISTANCES, SIZES = "nearest-distances", "fid-by-samples"  # tables: what the figures of that name are drawn from
NOT_PICTURES = frozenset({"checkpoint", "source", DISTANCES, SIZES})
DATA = (".csv", ".zip")


@dataclass(frozen=True)
class Picture:
    """One picture of one run, embedded or with the reason why it is not."""

    member: str
    seed: int
    kind: str
    images: int | None  # where in training it was made
    path: str  # below the results folder
    content: bytes = field(repr=False, default=b"")
    problem: str = ""  # "missing: ...", "damaged: ...", "left out: ...", or the run's own reason
    note: str = ""  # what the run says of it
    withheld: bool = False  # there must be no picture: it could have been made, and must not be kept
    there: bool = False  # the file is sound, whether or not the page holds it

    @property
    def uri(self) -> str:
        """The picture as a data URI, in as few bytes as hide nothing."""
        shown = webp.smaller(self.content)
        return f"data:{media_type(shown)};base64,{base64.b64encode(shown).decode()}"

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels. Raises OSError or ValueError when the bytes are no picture."""
        with Image.open(io.BytesIO(self.content), formats=FORMATS) as image:
            return image.size


def media_type(content: bytes) -> str:
    """The media type of picture bytes by their first bytes; "" for one that no browser shows."""
    return next((name for start, name in TYPES if content.startswith(start)), "")


def load(results: Path, record: Record, artifact: Artifact) -> Picture:
    """Read and verify one artifact. Never raises: a picture that is gone is shown as gone."""
    folder = results / PurePosixPath(record.file_name).parent
    path = (PurePosixPath(record.file_name).parent / artifact.path).as_posix() if artifact.path else ""
    place = Picture(record.member.label, record.seed, artifact.kind, artifact.images, path, note=artifact.note)
    status, reason = artifacts.standing(folder, artifact)
    if status != "kept":
        return replace(place, problem=shortened(reason), withheld=status == "not kept")
    content, problem = artifacts.content(folder, artifact)
    if problem:
        return replace(place, problem=problem)
    found = replace(place, content=content)
    try:
        readable = bool(media_type(content)) and min(found.size) > 0
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        readable = False
    return (
        replace(found, there=True) if readable else replace(place, problem="damaged: not a PNG, JPEG or WebP picture")
    )


def shortened(reason: str) -> str:
    """A reason in one line, cut where it is long."""
    text = formats.plain(reason)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


@dataclass(frozen=True)
class Data:
    """A table that a run left beside its record."""

    rows: tuple[Mapping[str, str], ...] = ()
    problem: str = ""  # why there is none although the record lists one


def data_of(results: Path, record: Record, kind: str) -> Data:
    """The lines of a run's CSV file of some kind; no line and no problem when the record lists none."""
    artifact = next((item for item in record.artifacts if item.kind == kind), None)
    if artifact is None:
        return Data()
    folder = results / PurePosixPath(record.file_name).parent
    status, reason = artifacts.standing(folder, artifact)
    if status != "kept":
        return Data(problem=shortened(reason))
    content, problem = artifacts.content(folder, artifact)
    if problem:
        return Data(problem=problem)
    try:
        reader = csv.DictReader(io.StringIO(content.decode()), strict=True)
        return Data(tuple({str(key): str(value) for key, value in row.items()} for row in reader))
    except (ValueError, csv.Error):
        return Data(problem="damaged: not a table of comma-separated values")


def data_problems(results: Path, records: Iterable[Record], kind: str) -> list[str]:
    """Which runs list a table of that kind that cannot be had, and why."""
    found = [(record, data_of(results, record, kind).problem) for record in records]
    return [f"{record.member.label}, seed {record.seed}, {kind}: {problem}" for record, problem in found if problem]


def number(text: str | None) -> float | None:
    """A finite number of such a table; None for anything else."""
    try:
        found = float(text or "")
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def pictures_of(results: Path, records: Iterable[Record]) -> list[Picture]:
    """Every picture of some records, by member, seed, kind and place in training."""
    return [
        load(results, record, artifact)
        for record in records
        for artifact in sorted(record.artifacts, key=lambda item: (item.kind, item.images or 0, item.path))
        if artifact.kind not in NOT_PICTURES and not artifact.path.endswith(DATA)
    ]


def within(
    pictures: Sequence[Picture], budget: int, leaders: Collection[str] = (), most: int | None = None
) -> list[Picture]:
    """The same pictures in the same order, the least important without their content once `budget` bytes are spent.

    Every member's last grid comes first; then all of the `leaders`, who may go beyond the budget, up to `most` bytes. Then the
    end of training is important, then its middle, then the rest; among equals the earlier, so pictures should come in the
    order of the board.
    """
    spent, kept = 0, set[int]()
    ceiling = max(budget, most or 0)
    order = _by_importance(pictures)
    last = set(_last_grids(pictures))
    for index in sorted(order, key=lambda index: (index not in last, pictures[index].member not in leaders)):
        cost = len(webp.smaller(pictures[index].content)) * 4 // 3
        if spent + cost <= (ceiling if pictures[index].member in leaders else budget):
            spent += cost
            kept.add(index)
    return [
        picture
        if index in kept or picture.problem
        else replace(picture, content=b"", problem="left out: the page would grow too large")
        for index, picture in enumerate(pictures)
    ]


def _last_grids(pictures: Sequence[Picture]) -> Iterable[int]:
    found = {(one.member, one.seed): index for index, one in enumerate(pictures) if one.kind == "grid"}
    return found.values()


def _by_importance(pictures: Sequence[Picture]) -> list[int]:
    """Indices, what matters most first: the last picture of each strip, then its middle and so on; then kind and place."""
    kinds = {kind: place for place, kind in enumerate(KINDS)}
    strips: dict[tuple[str, int, str], list[int]] = {}
    for index, picture in enumerate(pictures):
        strips.setdefault((picture.member, picture.seed, picture.kind), []).append(index)
    keys = {
        index: (_round(len(strip) - 1 - place), kinds.get(pictures[index].kind, len(kinds)), index)
        for strip in strips.values()
        for place, index in enumerate(strip)
    }
    return sorted(keys, key=keys.__getitem__)


def _round(back: int) -> int:
    """0 for the last of a strip, then the more often its distance from the end halves the earlier: 8, 4, 2, 6, 1, 3, 5, 7."""
    return 0 if back == 0 else 8 - min((back & -back).bit_length(), 7)

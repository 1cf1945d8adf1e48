"""Pictures beside the records: found, verified against their digest, and embedded within the page's budget of bytes."""

import base64
import hashlib
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from PIL import Image

from bench.record import Artifact, Record

TYPES = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"RIFF", "image/webp"))
KINDS: dict[str, tuple[str, str]] = {  # kind -> heading, what a reader sees
    "grid": ("Samples", "Uncurated: every member shows its first images from the same fixed latents."),
    "classes": ("Samples by class", "One row per class, uncurated, from the same fixed latents."),
    "interpolation": ("Interpolations", "Each row walks from one latent to another in equal steps."),
    "nearest-pixel": (
        "Nearest training images in pixel space",
        "First column: a sample. To its right: the training images closest to it, pixel by pixel.",
    ),
    "nearest-feature": (
        "Nearest training images in feature space",
        "First column: a sample. To its right: the training images closest to it in the extractor's features.",
    ),
    "best": ("Best samples", "Highest realism score of all generated samples (Kynkäänniemi et al. 2019, eq. 5)."),
    "worst": ("Worst samples", "Lowest realism score of all generated samples (Kynkäänniemi et al. 2019, eq. 5)."),
    "translation": ("Source, output, target", "Each row: the source image, what the member made of it, the target."),
    "truncation": ("Truncation sweep", "The same latents, truncated from strong (top) to none (bottom)."),
    "reconstruction": ("Reconstructions", "Each pair: an image and what the member reconstructs from its code."),
}
NOT_PICTURES = frozenset({"checkpoint"})
DATA = ".json"


@dataclass(frozen=True)
class Picture:
    """One picture of one run, embedded or with the reason why it is not."""

    member: str
    seed: int
    kind: str
    images: int | None  # where in training it was made
    path: str  # below the results folder
    content: bytes = field(repr=False, default=b"")
    problem: str = ""  # "missing", "damaged: ...", "left out: ..."

    @property
    def uri(self) -> str:
        """The picture as a data URI."""
        return f"data:{media_type(self.content)};base64,{base64.b64encode(self.content).decode()}"

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels. Raises OSError or ValueError when the bytes are no picture."""
        with Image.open(io.BytesIO(self.content)) as image:
            return image.size


def media_type(content: bytes) -> str:
    """The media type of picture bytes by their first bytes; "" when it is none that a browser shows."""
    return next((name for start, name in TYPES if content.startswith(start)), "")


def load(results: Path, record: Record, artifact: Artifact) -> Picture:
    """Read and verify one artifact. Never raises: a picture that is gone is shown as gone."""
    path = (PurePosixPath(record.file_name).parent / artifact.path).as_posix()
    place = Picture(record.member.name, record.seed, artifact.kind, artifact.images, path)
    content, problem = verified(results, record, artifact)
    found = _with(place, content=content, problem=problem)
    if problem:
        return found
    try:
        readable = bool(media_type(content)) and min(found.size) > 0
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        readable = False
    return found if readable else _with(place, problem="damaged: no PNG, JPEG or WebP picture")


def verified(results: Path, record: Record, artifact: Artifact) -> tuple[bytes, str]:
    """The bytes of an artifact, or none and the reason why they cannot be had."""
    path = PurePosixPath(artifact.path)
    if path.is_absolute() or ".." in path.parts:
        return b"", "not shown: its path leaves the record's folder"
    try:
        content = (results / PurePosixPath(record.file_name).parent / path).read_bytes()
    except (OSError, ValueError):  # ValueError: a path that no file system can hold
        return b"", "missing: the file is not there"
    if hashlib.sha256(content).hexdigest() != artifact.sha256:
        return b"", "damaged: the file does not match the digest in its record"
    return content, ""


def data_of(results: Path, record: Record, kind: str) -> dict[str, Any]:
    """The JSON object that a run left as its artifact of some kind; {} when there is none, or none that is sound."""
    for artifact in record.artifacts:
        if artifact.kind == kind and artifact.path.endswith(DATA):
            content, problem = verified(results, record, artifact)
            try:
                found = json.loads(content) if not problem else None
            except ValueError:
                found = None
            return found if isinstance(found, dict) else {}
    return {}


def pictures_of(results: Path, records: Iterable[Record]) -> list[Picture]:
    """Every picture of some records, by member, seed, kind and place in training."""
    return [
        load(results, record, artifact)
        for record in records
        for artifact in sorted(record.artifacts, key=lambda item: (item.kind, item.images or 0, item.path))
        if artifact.kind not in NOT_PICTURES and not artifact.path.endswith(DATA)
    ]


def within(pictures: Sequence[Picture], budget: int) -> list[Picture]:
    """The same pictures in the same order, the least important without their content once `budget` bytes are spent.

    Important is the end of training, then its middle, then the rest, so that every member keeps its last picture.
    """
    spent, kept = 0, set[int]()
    for index in _by_importance(pictures):
        cost = len(pictures[index].content) * 4 // 3
        if spent + cost <= budget:
            spent += cost
            kept.add(index)
    return [
        picture
        if index in kept or picture.problem
        else _with(picture, problem="left out: the page would grow too large; see the file")
        for index, picture in enumerate(pictures)
    ]


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


def _with(picture: Picture, *, content: bytes = b"", problem: str = "") -> Picture:
    return Picture(picture.member, picture.seed, picture.kind, picture.images, picture.path, content, problem)

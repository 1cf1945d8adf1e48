"""The files beside records: read only where they lie in the record's folder, and only as the run wrote them."""

import hashlib
import stat
from pathlib import Path

from bench.records.parts import Artifact, Kept
from bench.records.record import inside

WORDS = ".txt"  # records of the first versions kept the reason for a file that is not there in a text beside them
CHECKPOINT = "checkpoint"  # lives in the cache, not beside the record


def content(folder: Path, artifact: Artifact) -> tuple[bytes, str]:
    """The bytes of an artifact beside the record in `folder`, or none and the reason why they cannot be had."""
    path = folder / artifact.path
    if not artifact.path:
        return b"", artifact.reason or "the record names no file"
    try:
        if not path.exists():
            return b"", "missing: the file is not there"
        if not inside(path, folder):
            return b"", "not shown: its path leaves the record's folder"
        if not stat.S_ISREG(path.stat().st_mode):
            return b"", "damaged: it is not a regular file"
        found = path.read_bytes()
    except (OSError, ValueError) as error:
        return b"", f"missing: the file cannot be read ({getattr(error, 'strerror', None) or type(error).__name__})"
    if hashlib.sha256(found).hexdigest() != artifact.sha256:
        return b"", "damaged: the file does not match the digest in its record"
    return found, ""


def standing(folder: Path, artifact: Artifact) -> tuple[Kept, str]:
    """Whether there is a file, and otherwise why not, whichever version of the bench wrote the record."""
    if artifact.status != "kept":
        return artifact.status, artifact.reason
    if not artifact.path.endswith(WORDS):
        return "kept", ""
    found, problem = content(folder, artifact)
    lines = found.decode("utf-8", "replace").strip().splitlines()
    if problem or not lines:
        return "not made", problem or "not made: the run does not say why"
    return ("not kept" if lines[0].startswith("not kept") else "not made"), lines[0]

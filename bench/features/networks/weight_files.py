"""Weight files that are not ours to ship: which they are, where they may lie, and that they are what they claim to be.

A file is used only when its sha256 is the one in the table. It is looked for under ``$BENCH_HOME/weights`` and in torch's
own cache (``$TORCH_HOME/hub/checkpoints``), where torch-fidelity, lpips and torchvision put theirs; else downloaded.
"""

import os
import tempfile
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch

from bench.errors import UserError
from bench.files import sha256_of
from bench.paths import home

TIMEOUT = 30  # seconds without a byte before a download is given up
PIECE = 1 << 20  # bytes


@dataclass(frozen=True)
class WeightFile:
    """A published file. Equal bytes are published under several names."""

    name: str
    size: int | None  # bytes, where known
    sha256: str
    url: str
    aliases: tuple[str, ...] = ()


def verified(extractor: str, file: WeightFile) -> Path:
    """A local file with the right digest, downloaded if need be.

    Raises UserError naming file, digest and the two ways to get it, or the file whose digest is wrong.
    """
    for path in candidates(file):
        if path.is_file():
            demand_digest(path, file)
            return path
    target = folder() / file.name
    try:
        download(file, target)
    except OSError as error:
        raise UserError(
            f"extractor {extractor!r} needs {file.name} (sha256 {file.sha256}), which is not here, and {file.url} could "
            f"not be downloaded: {error}. Either run again where there is a network, or bring the file from another "
            f"machine and run `bench extractors import {extractor} FILE`."
        ) from None
    return target


def find(file: WeightFile) -> Path | None:
    """Where the file lies, its digest unchecked; None when it is not here."""
    return next((path for path in candidates(file) if path.is_file()), None)


def import_file(extractor: str, wanted: Iterable[WeightFile], source: Path) -> Path:
    """Copy a weight file that was brought by hand to where it is looked for; raises UserError if it is none of ``wanted``."""
    try:
        found = sha256_of(source)
    except OSError as error:
        raise UserError(f"{source}: cannot be read ({error.strerror}). Name the weight file.") from None
    known = {file.sha256: file for file in wanted}
    if found not in known:
        expected = "; ".join(f"{file.name} with sha256 {file.sha256}" for file in known.values())
        raise UserError(
            f"{source}: its sha256 is {found}, but extractor {extractor!r} takes {expected}. The file is damaged or another "
            f"one; get it again from {' or '.join(file.url for file in known.values())}."
        )
    target = folder() / known[found].name
    with source.open("rb") as stream:
        _write(iter(lambda: stream.read(PIECE), b""), target, known[found])
    return target


def folder() -> Path:
    """Where imported and downloaded weight files live."""
    return home() / "weights"


def candidates(file: WeightFile) -> list[Path]:
    """Every place where the file may lie."""
    places = (folder(), Path(torch.hub.get_dir()) / "checkpoints")
    return [place / name for place in places for name in (file.name, *file.aliases)]


def demand_digest(path: Path, file: WeightFile) -> None:
    """Raise UserError unless the file has the digest of the table."""
    found = sha256_of(path)
    if found != file.sha256:
        raise UserError(
            f"{path}: its sha256 is {found}, expected {file.sha256}. The file is damaged or other weights under the same "
            f"name; remove it and get it again from {file.url}."
        )


def download(file: WeightFile, target: Path) -> None:
    """Fetch to ``target``; raises OSError when that cannot be done, UserError when what comes is something else."""
    with urllib.request.urlopen(file.url, timeout=TIMEOUT) as stream:
        _write(iter(lambda: stream.read(PIECE), b""), target, file)


def _write(pieces: Iterable[bytes], target: Path, file: WeightFile) -> None:
    """Into a temporary file beside the target, which gets its name when it is whole and right."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            for piece in pieces:
                stream.write(piece)
            stream.flush()
            os.fsync(stream.fileno())
        demand_digest(temporary, file)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)

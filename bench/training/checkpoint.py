"""Checkpoints: the whole state of a run, and the networks to sample from. Written whole or not at all."""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from bench.errors import UserError
from bench.files import write_atomically


@dataclass(frozen=True)
class Identity:
    """What a checkpoint belongs to. Nothing else may load it."""

    suite: str
    member: str
    entry_point: str
    source_digest: str
    protocol_digest: str
    seed: int


def save(path: Path, identity: Identity, content: Mapping[str, Any]) -> str:
    """Write tensors and plain values under an identity; returns the file's sha256."""
    buffer = io.BytesIO()
    torch.save({"identity": asdict(identity), **content}, buffer)
    write_atomically(path, buffer.getvalue())
    return hashlib.sha256(buffer.getbuffer()).hexdigest()


def load(path: Path, identity: Identity | None = None) -> dict[str, Any]:
    """Read a checkpoint to the CPU; no code is run from it.

    Raises UserError when it is missing, damaged, or belongs to another member, protocol or seed.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UserError(f"checkpoint {path}: there is no such file. Run the cell again to make it.") from None
    except (OSError, RuntimeError, EOFError, UnpicklingError, zipfile.BadZipFile, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"checkpoint {path}: damaged or no checkpoint: {reason}. Delete it and run again.") from None
    found = content.get("identity") if isinstance(content, dict) else None
    if not isinstance(found, dict):
        raise UserError(f"checkpoint {path}: not written by this bench. Give a checkpoint of `bench run`.")
    if identity is not None:
        wanted = asdict(identity)
        differing = [key for key, value in wanted.items() if found.get(key) != value]
        if differing:
            key = differing[0]
            raise UserError(
                f"checkpoint {path}: is of {key} {found.get(key)!r}, expected {wanted[key]!r}. "
                "Delete it, or run the suite and member that wrote it."
            )
    return content


def identity_of(content: Mapping[str, Any]) -> Identity:
    """The identity inside a loaded checkpoint."""
    return Identity(**content["identity"])

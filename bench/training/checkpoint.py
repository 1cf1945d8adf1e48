"""Checkpoints: the whole state of a run, and the networks to sample from. Written whole or not at all.

A checkpoint that was altered cannot run code (PyTorch reads tensors and plain values only) and ends in one UserError.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, TypeVar

import torch
from pydantic import TypeAdapter, ValidationError
from torch import nn

from bench.errors import UserError
from bench.files import write_atomically
from bench.gan import ImageSpec

Value = TypeVar("Value")
TRY = "Delete it and run again."


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

    Raises UserError when it is missing, damaged, altered, or belongs to another member, protocol or seed.
    """
    content = _read(path)
    if not isinstance(content, dict) or "identity" not in content:
        raise UserError(f"checkpoint {path}: it was not written by this bench. Give a checkpoint of `bench run`.")
    found = identity_of(content, path)
    if identity is not None and found != identity:
        theirs, ours = asdict(found), asdict(identity)
        key = next(key for key in ours if theirs[key] != ours[key])
        name = key.replace("_", " ")
        raise UserError(
            f"checkpoint {path}: it was written by {name} {theirs[key]!r}, expected {ours[key]!r}. "
            "Delete it, or run the suite and member that wrote it."
        )
    return content


def _read(path: Path) -> Any:
    if not path.exists():
        raise UserError(f"checkpoint {path}: there is no such file. Run the job again to make it.")
    if not path.is_file():
        raise UserError(f"checkpoint {path}: this is not a regular file. Give a checkpoint of `bench run`.")
    try:
        with zipfile.ZipFile(path) as archive:  # torch.save stores plainly: what is compressed came from elsewhere
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise UserError(f"checkpoint {path}: it was not written by this bench: its content is compressed.")
        return torch.load(path, map_location="cpu", weights_only=True)
    except UserError:
        raise
    except OSError as error:
        raise UserError(f"checkpoint {path}: cannot be read: {error.strerror or error}.") from None
    except UnpicklingError:
        raise UserError(
            f"checkpoint {path}: it holds something other than tensors and plain values, or it is damaged. "
            f"Such a file could run code, so it is never loaded. {TRY}"
        ) from None
    except Exception:  # whatever a file of any content makes the reader raise; its advice is not ours
        raise UserError(f"checkpoint {path}: it is damaged, cut off, or not a checkpoint. {TRY}") from None


def identity_of(content: Mapping[str, Any], path: Path | None = None) -> Identity:
    """The identity inside a loaded checkpoint. Raises UserError when it is incomplete or of other types."""
    return _checked(Identity, content, "identity", path)


def spec_of(content: Mapping[str, Any], path: Path) -> ImageSpec:
    """What the images of a kept member are like. Raises UserError when that is missing or is not a spec."""
    if "spec" not in content:
        raise UserError(
            f"checkpoint {path}: it belongs to an unfinished run. Give last.pt or best.pt, or the run's record."
        )
    spec = _checked(ImageSpec, content, "spec", path)
    if not (0 < spec.channels <= 64 and 0 < spec.resolution <= 4096 and 0 <= spec.classes <= 1_000_000):
        raise UserError(f"checkpoint {path}: damaged or altered: {spec} is beyond what is trained here. {TRY}")
    return spec


def load_nets(content: Mapping[str, Any], nets: Mapping[str, nn.Module], path: Path) -> None:
    """Load the weights of a kept member into its networks. Raises UserError when one is missing or of another shape."""
    with fitting(path):
        for name, net in nets.items():
            net.load_state_dict(content["nets"][name])


@contextmanager
def fitting(path: Path) -> Iterator[None]:
    """Inside, state from a checkpoint is put where it belongs: whatever does not fit becomes one UserError."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        what = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) and error.args else _first_line(error)
        raise UserError(f"checkpoint {path}: its content does not fit this member: {what}. {TRY}") from None


def _first_line(error: Exception) -> str:
    """The point of an error: for weights that do not fit, the line after PyTorch's heading."""
    lines = [line.strip().rstrip(".:") for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    return lines[1] if len(lines) > 1 and lines[0].startswith("Error(s) in loading") else lines[0]


def _checked(kind: type[Value], content: Mapping[str, Any], key: str, path: Path | None) -> Value:
    """A part of the content as what it should be, types included."""
    try:
        return TypeAdapter(kind).validate_python(content.get(key), strict=False)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join([key, *map(str, first["loc"])])
        raise UserError(f"checkpoint {path or ''}: damaged or altered: {where}: {first['msg']}. {TRY}") from None

"""Features of real images on disk, found by content: never by a name that may come to mean something else.

An entry is a safetensors file under ``$BENCH_HOME/features`` whose header repeats its whole key and the digest of its
tensors. An entry that is truncated, damaged or of another key is computed again and replaced.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from bench.paths import home

SCHEMA = "1"


def get(key: Mapping[str, str], compute: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
    """The tensors kept under ``key``, or those of ``compute``, which are then kept."""
    identity = json.dumps({"schema": SCHEMA, **key}, sort_keys=True)
    path = home() / "features" / f"{hashlib.sha256(identity.encode()).hexdigest()}.safetensors"
    tensors = _read(path, identity)
    if tensors is None:
        tensors = compute()
        _write(path, identity, tensors)
    return tensors


def _read(path: Path, identity: str) -> dict[str, Tensor] | None:
    if not path.exists():
        return None
    try:
        with safe_open(path, "pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError):
        return None
    intact = header.get("key") == identity and header.get("content") == _content(tensors)
    return tensors if intact else None


def _write(path: Path, identity: str, tensors: dict[str, Tensor]) -> None:
    """Atomically; a full or read-only disk costs the cache entry, not the run."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        os.close(handle)
        save_file(tensors, temporary, metadata={"key": identity, "content": _content(tensors)})
        with Path(temporary).open("rb") as file:
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except (OSError, SafetensorError):
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def _content(tensors: Mapping[str, Tensor]) -> str:
    state = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        state.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        state.update(tensor.contiguous().numpy().data)
    return state.hexdigest()

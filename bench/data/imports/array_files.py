"""Arrays in .npy and .npz files, read a few rows at a time: nothing pickled, nothing larger than what the file holds."""

import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from bench.data.imports.kinds import NPY, ZIP, kind_of
from bench.data.limits import DAMAGE, check_memory, check_unpacked, open_regular, readable
from bench.errors import UserError

CHUNK_BYTES = 16 << 20
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
PLAIN = "Save plain uint8 arrays: x_train, y_train, x_test, y_test, or images and labels (arr_0, arr_1)."


@dataclass(frozen=True)
class StoredArray:
    """An array that has not been read yet."""

    path: Path
    member: str | None  # its file in an .npz; None: the whole .npy
    shape: tuple[int, ...]
    dtype: np.dtype
    by_columns: bool  # Fortran order

    def __len__(self) -> int:
        return self.shape[0] if self.shape else 0

    @property
    def nbytes(self) -> int:
        """Bytes of the values."""
        return math.prod(self.shape) * self.dtype.itemsize

    def chunks(self) -> Iterator[np.ndarray]:
        """Some rows after others."""
        if self.by_columns:  # rows are scattered over the file
            yield self.read()
            return
        row = self.nbytes // max(1, len(self))
        step = max(1, CHUNK_BYTES // max(1, row))
        with _member(self.path, self.member) as stream, _damage(self.path):
            _header(stream)
            for start in range(0, len(self), step):
                count = min(step, len(self) - start)
                yield np.frombuffer(_exactly(stream, count * row), self.dtype).reshape(count, *self.shape[1:])

    def read(self) -> np.ndarray:
        """All values. Raises UserError where they do not fit into memory."""
        check_memory(readable(self.path), (2 if self.by_columns else 1) * self.nbytes)
        with _member(self.path, self.member) as stream, _damage(self.path):
            _header(stream)
            values = np.frombuffer(_exactly(stream, self.nbytes), self.dtype)
        return values.reshape(self.shape, order="F" if self.by_columns else "C")


def stored_arrays(path: Path) -> dict[str, StoredArray]:
    """The arrays of an .npz by their names, or that of an .npy as "arr_0". Raises UserError."""
    kind = kind_of(path)
    if kind == NPY:
        return {"arr_0": _stored(path, None, path.stat().st_size)}
    if kind != ZIP:
        raise UserError(f"{readable(path)}: neither an .npz nor an .npy file. {PLAIN}")
    with _damage(path), open_regular(path) as file, zipfile.ZipFile(file) as archive:
        members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
    check_unpacked(path, len(members), sum(info.file_size for info in members))
    return {info.filename.removesuffix(".npy"): _stored(path, info.filename, info.file_size) for info in members}


def holds_arrays(path: Path) -> bool:
    """Whether a zip file is an .npz: arrays and nothing else."""
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except DAMAGE:
        return False
    return bool(names) and all(name.endswith(".npy") for name in names)


def _stored(path: Path, member: str | None, size: int) -> StoredArray:
    """From the header alone; what it claims must be there."""
    with _member(path, member) as stream, _damage(path):
        shape, by_columns, dtype = _header(stream)
        held = size - stream.tell()
    name = f"{readable(path)}: {readable(member or 'the array')}"
    if dtype.hasobject:
        raise UserError(f"{name} holds pickled objects, which are never loaded. {PLAIN}")
    claimed = math.prod(shape) * dtype.itemsize
    if any(side < 0 for side in shape) or claimed != held:
        raise UserError(f"{name} claims {claimed:,} bytes of values and holds {held:,}. It is damaged: get it again.")
    return StoredArray(path, member, shape, dtype, by_columns and len(shape) > 1)


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = np.lib.format.read_magic(stream)
    read = HEADERS.get(version)
    if read is None:
        raise ValueError(f"version {version} of the format")
    return read(stream)


@contextmanager
def _member(path: Path, member: str | None) -> Iterator[IO[bytes]]:
    with _damage(path), open_regular(path) as file:
        if member is None:
            yield file
            return
        with zipfile.ZipFile(file) as archive, archive.open(member) as stream:
            yield stream


def _exactly(stream: IO[bytes], count: int) -> bytes:
    content = stream.read(count)
    if len(content) != count:
        raise EOFError("it ends too early")
    return content


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    try:
        yield
    except DAMAGE as error:
        raise UserError(f"{readable(path)}: it cannot be read ({_first(error)}). {PLAIN}") from error


def _first(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]

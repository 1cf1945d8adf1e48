"""Parquet shards as dataset hubs ship them; pyarrow is needed only here."""

import json
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image

from bench.data.digests import held_out_rank
from bench.data.folders.decode import BrokenPictureError, Header, pixels, read_header, read_picture
from bench.data.imports.packed import Payload
from bench.data.rows import HELD_OUT, TRAIN, Row
from bench.errors import UserError

PICTURE_COLUMNS = ("image", "img", "picture")
LABEL_COLUMNS = ("fine_label", "label", "labels", "target", "class")
BATCH = 256  # rows that are decoded together
UNUSED = "unused"  # a third split
Cell = tuple[str | None, bytes, int | None, str]  # split, encoded picture, label, origin


def parquet_files(path: Path) -> list[Path]:
    """The shards at `path`: itself, or all below it."""
    if path.is_dir():
        return sorted(path.rglob("*.parquet"))
    return [path] if path.suffix == ".parquet" else []


def from_parquet(files: Sequence[Path]) -> Payload:
    """Shards as dataset hubs ship them: encoded pictures in a column, labels in another, train-*/test-* files."""
    try:
        import pyarrow.parquet as parquet  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise UserError(f"{files[0]}: reading parquet needs pyarrow. Run: pip install pyarrow") from error
    try:
        schema = parquet.read_schema(files[0])
    except (OSError, ValueError) as error:  # pyarrow's own errors are kinds of ValueError
        raise UserError(f"{files[0]}: not a readable parquet file ({error}).") from error
    picture_column = next((name for name in PICTURE_COLUMNS if name in schema.names), None)
    if picture_column is None:
        raise UserError(
            f"{files[0]}: columns {', '.join(schema.names)}. Expected pictures in {', '.join(PICTURE_COLUMNS)}."
        )
    label_name = next((name for name in LABEL_COLUMNS if name in schema.names), None)
    splits = shard_splits(files)
    chosen = [file for file in files if splits[file] != UNUSED]

    def cells() -> Iterator[Cell]:
        for file in chosen:
            yield from shard_cells(file, splits[file], picture_column, label_name)

    seen = [(read_cell_header(content, origin), label) for _, content, label, origin in cells()]
    colour = any(header.colour for header, _ in seen)
    highest = max((label for _, label in seen if label is not None), default=-1)

    def rows() -> Iterator[Row]:
        for split, content, label, origin in cells():
            image = pixels(read_cell(content, origin, colour))
            yield Row((image,), split, label, held_out_rank(image) if split is None else 1.0, origin)

    sizes = frozenset((header.height, header.width) for header, _ in seen)
    names = class_names(schema.metadata or {}, label_name)
    return Payload(rows, len(seen), names, max(highest + 1, len(names)), sizes, colour)


def shard_splits(files: Sequence[Path]) -> dict[Path, str | None]:
    """Which split each shard belongs to, by the beginning of its name (or of its folder's)."""

    def word(file: Path) -> str:
        for part in (file.name, file.parent.name):
            for prefix in ("train", "test", "valid", "val"):
                if part.lower().startswith(prefix):
                    return prefix
        return ""

    words = {file: word(file) for file in files}
    found = set(words.values())
    held_out = next((name for name in ("test", "valid", "val") if name in found), None)
    if "train" not in found or held_out is None:
        return dict.fromkeys(files)
    return {file: {"train": TRAIN, held_out: HELD_OUT}.get(name, UNUSED) for file, name in words.items()}


def shard_cells(file: Path, split: str | None, picture_column: str, label_column: str | None) -> Iterator[Cell]:
    """(split, encoded picture, label, origin) of each row, a few rows in memory."""
    import pyarrow.parquet as parquet  # pyright: ignore[reportMissingImports]

    columns = [picture_column] if label_column is None else [picture_column, label_column]
    number = 0
    try:
        for batch in parquet.ParquetFile(file).iter_batches(BATCH, columns=columns):
            for cell in batch.to_pylist():
                content = cell[picture_column]
                content = content.get("bytes") if isinstance(content, dict) else content
                origin = f"{file.name} row {number}"
                label = cell.get(label_column)
                if not isinstance(content, bytes) or not (label is None or isinstance(label, int)):
                    raise UserError(f"{file}: row {number}: expected an encoded picture and an integer label.")
                yield split, content, label, origin
                number += 1
    except (OSError, ValueError) as error:
        raise UserError(f"{file}: damaged ({error}).") from error


def read_cell_header(content: bytes, origin: str) -> Header:
    """The header of an encoded picture. Raises UserError."""
    try:
        return read_header(BytesIO(content))
    except BrokenPictureError as broken:
        raise UserError(f"{origin}: {broken}.") from broken


def read_cell(content: bytes, origin: str, colour: bool) -> Image.Image:
    """An encoded picture. Raises UserError."""
    try:
        return read_picture(BytesIO(content), colour)
    except BrokenPictureError as broken:
        raise UserError(f"{origin}: {broken}.") from broken


def class_names(metadata: Mapping[bytes, bytes], label_name: str | None) -> tuple[str, ...]:
    """The names of the labels, where the file's metadata has them."""
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
        return tuple(features[label_name]["names"])
    except (KeyError, ValueError, TypeError):
        return ()

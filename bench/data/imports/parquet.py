"""Parquet shards as dataset hubs ship them; pyarrow is needed only here."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from bench.data.folders.decode import BrokenPictureError, pixels, read_header, read_picture
from bench.data.folders.split_names import HELD_OUT_ROLES, role
from bench.data.imports.packed import Payload
from bench.data.limits import check_unpacked, open_regular, readable
from bench.data.rows import HELD_OUT, TRAIN, Row
from bench.errors import UserError

PICTURE_COLUMNS = ("image", "img", "picture", "images", "png", "jpg")
LABEL_COLUMNS = ("fine_label", "label", "labels", "target", "class", "cls")
BATCH = 64  # rows that are decoded together
MOST_CLASSES = 1 << 16
UNUSED = "unused"  # a third split


@dataclass(frozen=True)
class Shards:
    """The files of a set and the columns that matter."""

    files: Mapping[Path, str | None]  # with their splits
    picture: str
    label: str | None

    def cells(self) -> Iterator[tuple[str | None, bytes, int | None, str]]:
        """(split, encoded picture, label, origin) of each row, a few rows in memory."""
        for file, split in self.files.items():
            for number, cell in enumerate(_rows(file, [self.picture, *([self.label] if self.label else [])])):
                content = cell[self.picture]
                content = content.get("bytes") if isinstance(content, dict) else content
                label = cell.get(self.label) if self.label else None
                whole = label is None or (isinstance(label, int) and not isinstance(label, bool) and 0 <= label < 2**63)
                if not isinstance(content, bytes) or not whole:
                    raise UserError(
                        f"{readable(file)}: row {number}: expected an encoded picture in {self.picture!r} and a whole "
                        f"number from 0 in {self.label!r}."
                    )
                yield split, content, label, f"{readable(file.name)} row {number}"


def parquet_files(path: Path) -> list[Path]:
    """The shards below a folder."""
    return sorted(file for file in path.rglob("*") if file.suffix.lower() == ".parquet" and file.is_file())


def from_parquet(files: Sequence[Path]) -> Payload:
    """Encoded pictures in a column, labels in another, train-* and test-* files. Raises UserError."""
    schema = _schema(files)
    shards = _shards(files, schema.names)
    sizes, labels, count, unlabelled = set(), set(), 0, 0
    colour = lossy = False
    for _, content, label, origin in shards.cells():
        header = _picture(origin, lambda file: read_header(file), content)
        sizes.add((header.height, header.width))
        colour, lossy, count = colour or header.colour, lossy or header.format in ("JPEG", "MPO"), count + 1
        unlabelled += label is None
        labels.add(-1 if label is None else label)
        if len(labels) > MOST_CLASSES:
            raise UserError(
                f"{readable(files[0])}: more than {MOST_CLASSES:,} different labels in {shards.label!r}: these are not classes. "
                "Leave the column out."
            )
    if not count:
        raise UserError(f"{readable(files[0])}: holds no rows. Expected pictures.")
    labels.discard(-1)
    if unlabelled and labels:
        raise UserError(f"{readable(files[0])}: {unlabelled:,} of {count:,} rows have no label. Expected one for each.")

    def rows() -> Iterator[Row]:
        for split, content, label, origin in shards.cells():
            image = _picture(origin, lambda file: pixels(read_picture(file, colour)), content)
            yield Row((image,), split, label, origin=origin)

    names = class_names(schema.metadata or {}, shards.label)
    if names and labels and max(labels) >= len(names):
        raise UserError(
            f"{readable(files[0])}: label {max(labels)}; expected 0 to {len(names) - 1}, as the file names them."
        )
    return Payload(rows, count, frozenset(sizes), colour, names if labels else (), tuple(sorted(labels)), lossy)


def _schema(files: Sequence[Path]) -> Any:
    try:
        import pyarrow.parquet as parquet  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise UserError(f"{readable(files[0])}: reading parquet needs pyarrow. Run: pip install pyarrow") from error
    schema = None
    for file in files:
        try:
            with open_regular(file) as stream:
                metadata = parquet.read_metadata(stream)
                schema = metadata.schema.to_arrow_schema() if schema is None else schema
        except Exception as error:  # pyarrow raises many kinds when it meets damaged files
            raise UserError(f"{readable(file)}: not a readable parquet file ({_first(error)}).") from error
        groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
        check_unpacked(file, metadata.num_rows, sum(group.total_byte_size for group in groups))
    return schema


def _shards(files: Sequence[Path], columns: Sequence[str]) -> Shards:
    picture = next((name for name in PICTURE_COLUMNS if name in columns), None)
    if picture is None:
        raise UserError(
            f"{readable(files[0])}: columns {', '.join(map(readable, columns))}. "
            f"Expected pictures in one of {', '.join(PICTURE_COLUMNS)}."
        )
    splits = shard_splits(files)
    used = {file: split for file, split in splits.items() if split != UNUSED}
    return Shards(used, picture, next((name for name in LABEL_COLUMNS if name in columns), None))


def shard_splits(files: Sequence[Path]) -> dict[Path, str | None]:
    """Which split each shard belongs to, by the beginning of its name (or by its folder's). A third split is not used."""

    def kind(file: Path) -> str | None:
        first = file.stem.replace("_", "-").split("-")[0]
        return role(first) or role(file.parent.name)

    kinds = {file: kind(file) for file in files}
    held_out = next((one for one in HELD_OUT_ROLES if one in kinds.values()), None)
    if TRAIN not in kinds.values() or held_out is None:
        return dict.fromkeys(files)
    return {file: {TRAIN: TRAIN, held_out: HELD_OUT}.get(one or "", UNUSED) for file, one in kinds.items()}


def _rows(file: Path, columns: list[str]) -> Iterator[Mapping[str, Any]]:
    import pyarrow.parquet as parquet  # pyright: ignore[reportMissingImports]

    try:
        with open_regular(file) as stream:
            for batch in parquet.ParquetFile(stream).iter_batches(BATCH, columns=columns):
                yield from batch.to_pylist()
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{readable(file)}: damaged ({_first(error)}).") from error


def _picture(origin: str, read: Any, content: bytes) -> Any:
    try:
        return read(BytesIO(content))
    except BrokenPictureError as broken:
        raise UserError(f"{origin}: {broken}.") from broken


def _first(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def class_names(metadata: Mapping[bytes, bytes], label_name: str | None) -> tuple[str, ...]:
    """The names of the labels, where the file's metadata has them."""
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
        return tuple(readable(name) for name in features[label_name]["names"])
    except (KeyError, ValueError, TypeError, RecursionError):
        return ()

"""Readers given damaged files: whatever bytes change, they end with the images or with UserError, and nothing else."""

import io
import json
import tarfile
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from bench.data import ImageSet, read_images
from bench.data.folders.decode import BrokenPictureError, read_header, read_picture
from bench.data.standard.cifar import unpickle
from bench.data.standard.mnist import read_idx
from bench.errors import UserError

pytestmark = pytest.mark.slow

SETTINGS = settings(
    max_examples=60, derandomize=True, deadline=None, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
# What a fuzzer does: some bytes written over, some cut out, some put in.
EDITS = st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 40), st.binary(max_size=12)), min_size=1, max_size=5)


def edited(content: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    for start, cut, new in edits:
        at = start % (len(content) + 1)
        content = content[:at] + new + content[at + cut :]
    return content


def encoded(kind: str, seed: int = 0, **options: object) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (9, 11, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


IMAGES = {kind: encoded(kind) for kind in ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")}
IMAGES["TIFF packed"] = encoded("TIFF", compression="tiff_lzw")
IMAGES["TIFF deflated"] = encoded("TIFF", compression="tiff_adobe_deflate")


@pytest.mark.parametrize("kind", IMAGES)
@SETTINGS
@given(edits=EDITS)
def test_damaged_images(kind, edits):
    content = edited(IMAGES[kind], edits)
    for read in (
        read_header,
        lambda file: read_picture(file, colour=True),
        lambda file: read_picture(file, colour=False),
    ):
        with suppress(BrokenPictureError):
            read(io.BytesIO(content))


def packed(kind: str) -> bytes:
    """A small whole file of each packaging."""
    file = io.BytesIO()
    images = np.random.default_rng(0).integers(0, 256, (5, 9, 11, 3), dtype=np.uint8)
    pictures = {f"a/{i}.png": encoded("PNG", i) for i in range(3)} | {
        "dataset.json": json.dumps({"labels": None}).encode()
    }
    if kind == "npy":
        np.save(file, images)
    elif kind == "npz":
        np.savez_compressed(file, images, np.arange(5))
    elif kind == "zip":
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in pictures.items():
                archive.writestr(zipfile.ZipInfo(name), content)
    elif kind.startswith("tar"):
        mode: Any = f"w:{kind[4:]}"
        with tarfile.open(fileobj=file, mode=mode) as archive:
            for name, content in pictures.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    else:
        pa = pytest.importorskip("pyarrow")
        import pyarrow.parquet as parquet

        cells = [{"bytes": content, "path": None} for name, content in pictures.items() if name.endswith("png")]
        parquet.write_table(pa.table({"image": cells, "label": [0, 1, 0]}), file)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["npy", "npz", "zip", "tar", "tar.gz", "tar.xz", "parquet"])
@SETTINGS
@given(edits=EDITS)
def test_damaged_packaging(tmp_path, kind, edits):
    path = tmp_path / "x"
    path.write_bytes(edited(packed(kind), edits))
    read_or_refused(path)


def read_or_refused(path: Path) -> None:
    with suppress(UserError):
        found = read_images(path)
        assert isinstance(found, ImageSet)
        assert found.images.dtype == np.uint8
        assert found.labels is None or len(found.labels) == len(found)


NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12
)


@SETTINGS
@given(
    members=st.dictionaries(st.lists(NAMES, min_size=1, max_size=4).map("/".join), st.binary(max_size=20), max_size=6)
)
def test_zips_of_any_names(tmp_path, members):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, (name, content) in enumerate(members.items()):
            archive.writestr(zipfile.ZipInfo(name), content or encoded("PNG", number))
    read_or_refused(path)


LAYOUTS = st.lists(
    st.lists(
        st.sampled_from(["train", "test", "val", "A", "B", "AB", "cat", "images", "previews", "extra"]), max_size=3
    ),
    min_size=1,
    max_size=6,
)


@SETTINGS
@given(folders=LAYOUTS)
def test_every_arrangement_of_folders_is_understood_or_refused(tmp_path_factory, folders):
    """Every image is on one side or left out with a word; nothing is counted twice."""
    from bench.data import info

    root = tmp_path_factory.mktemp("tree")
    for number, parts in enumerate(folders):
        place = root.joinpath(*parts)
        place.mkdir(parents=True, exist_ok=True)
        for i in range(2):
            (place / f"{number}-{i}.png").write_bytes(encoded("PNG", 10 * number + i))
    for name in (f"folder:{root}", f"pairs:{root}", f"unpaired:{root}"):
        with suppress(UserError):
            found = info(name, resolution=8)
            total = 2 * len(folders)
            assert found.layout
            assert found.train + found.held_out <= total
            if name.startswith("folder") and found.train + found.held_out < total:
                assert any("left out" in line for line in found.layout)


@pytest.mark.slow
@SETTINGS
@given(edits=EDITS)
def test_damaged_original_files(tmp_path, edits):
    import pickle

    content = np.array([0x803, 3, 28, 28], ">u4").tobytes() + bytes(3 * 784)
    (tmp_path / "idx").write_bytes(edited(content, edits))
    batch = {b"data": np.zeros((3, 3072), np.uint8), b"labels": [0, 1, 2]}
    (tmp_path / "batch").write_bytes(edited(pickle.dumps(batch, protocol=2), edits))
    for read in (lambda: read_idx(tmp_path, "idx", (28, 28)), lambda: unpickle(tmp_path / "batch")):
        with suppress(UserError):
            read()

"""Files that are broken or made to do harm: one clear UserError, nothing run, nothing that hangs or fills the memory."""

import ast
import io
import os
import pickle
import socket
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.data import import_set, info, load, read_images
from bench.data.folders.decode import BrokenPictureError, read_header, read_picture
from bench.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 16 16\n(HARM) (w) file dup (harm) writestring closefile\nshowpage\n"


def png(size: tuple[int, int] = (8, 8), seed: int = 0) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


def test_every_image_is_opened_by_a_list_of_formats():
    """No other way in: whoever calls Image.open names the formats."""
    guilty = []
    for path in [*ROOT.glob("bench/**/*.py"), *ROOT.glob("zoo/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or ast.unparse(node.func).rpartition(".")[2] not in ("open", "imread"):
                continue
            named = any(keyword.arg == "formats" for keyword in node.keywords)
            if ast.unparse(node.func) in ("Image.open", "PIL.Image.open", "plt.imread", "imread") and not named:
                guilty.append(f"{path.name}:{node.lineno}")
    assert guilty == []


def test_nothing_pickled_is_loaded():
    """np.load always says allow_pickle=False; pickles are read by the one reader that builds arrays alone."""
    guilty = []
    for path in ROOT.glob("bench/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("np.load", "pickle.load", "pickle.loads"):
                said = any(k.arg == "allow_pickle" and ast.unparse(k.value) == "False" for k in node.keywords)
                if not said:
                    guilty.append(f"{path.name}:{node.lineno}")
    assert guilty == []


def harmful_ways_in(tmp_path: Path, content: bytes) -> dict[str, Path]:
    """The same bytes as every packaging may bring them, among good images."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.png").write_bytes(content)
    (tmp_path / "suffix").mkdir()
    (tmp_path / "suffix" / "a.eps").write_bytes(content)
    for i in range(3):
        (tmp_path / "folder" / f"good{i}.png").write_bytes(png(seed=i))
        (tmp_path / "suffix" / f"good{i}.png").write_bytes(png(seed=i))
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive, tarfile.open(tmp_path / "x.tar.gz", "w:gz") as other:
        for file in (tmp_path / "folder").iterdir():
            archive.write(file, file.name)
            other.add(file, file.name)
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    parquet.write_table(pa.table({"image": [{"bytes": content, "path": None}]}), tmp_path / "x.parquet")
    return {name: tmp_path / name for name in ("folder", "suffix", "x.zip", "x.tar.gz", "x.parquet")}


@pytest.mark.parametrize("way", ["folder", "suffix", "x.zip", "x.tar.gz", "x.parquet"])
def test_postscript_is_never_interpreted(tmp_path, monkeypatch, way):
    """An EPS file is a program: Pillow would hand it to Ghostscript."""
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *_, **__: pytest.fail("a program was run"))
    monkeypatch.chdir(tmp_path)
    path = harmful_ways_in(tmp_path, EPS)[way]
    readers = [read_images, lambda path: import_set("mine", path, resolution=8)]
    for read in [*readers, lambda path: load(f"folder:{path}")] if path.is_dir() else readers:
        with pytest.raises(UserError, match="not an image"):
            read(path)
    assert not (tmp_path / "HARM").exists()


@pytest.mark.parametrize("kind", ["EPS", "ICO", "PDF", "PCX", "TGA", "SGI", "JPEG2000", "ICNS", "DDS"])
def test_formats_that_are_not_on_the_list_are_refused(kind):
    file = io.BytesIO()
    Image.new("RGB", (16, 16)).save(file, kind)
    with pytest.raises(BrokenPictureError, match="not an image"):
        read_header(io.BytesIO(file.getvalue()))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM"])
@pytest.mark.parametrize("suffix", ["png", "PNG", "dat", "jpg", ""])
def test_formats_on_the_list_are_known_by_content(tmp_path, kind, suffix):
    (tmp_path / "p").mkdir()
    for i in range(4):
        image = Image.new("RGB", (8, 8), (10 * i, 0, 0))
        image.save(tmp_path / "p" / (f"{i}.{suffix}" if suffix else str(i)), kind)
    if suffix in ("dat", "") and kind in ("BMP", "PPM"):
        assert len(read_images(tmp_path / "p")) == 4
    assert read_images(tmp_path / "p").lossy is (kind == "JPEG")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.parametrize("name", ["pipe", "pipe.png"])
def test_pipes_and_sockets_are_not_waited_for(tmp_path, photos, name):
    photos(tmp_path / "p", 5)
    os.mkfifo(tmp_path / "p" / name)
    with socket.socket(socket.AF_UNIX) as server:
        monkey = tmp_path / "p" / f"s{name}"
        server.bind(str(monkey))
        if name == "pipe":
            assert "left out, not images: pipe, spipe" in info(f"folder:{tmp_path / 'p'}").notes
            assert len(read_images(tmp_path / "p")) == 5
        else:
            with pytest.raises(UserError, match=r"pipe\.png: a pipe, not a regular file"):
                load(f"folder:{tmp_path / 'p'}")
    for read in (read_images, lambda path: import_set("mine", path)):
        with pytest.raises(UserError, match="a pipe, not a regular file"):
            read(tmp_path / "p" / name)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no such device")
def test_devices_are_not_read(tmp_path, photos):
    photos(tmp_path / "p", 3)
    (tmp_path / "p" / "zero.png").symlink_to("/dev/zero")
    with pytest.raises(UserError, match=r"zero\.png: a device, not a regular file"):
        load(f"folder:{tmp_path / 'p'}")
    with pytest.raises(UserError, match="a device, not a regular file"):
        read_images("/dev/zero")


def test_loops_of_links_end(tmp_path, photos):
    photos(tmp_path / "p" / "a", 4)
    (tmp_path / "p" / "a" / "up").symlink_to(tmp_path / "p")
    (tmp_path / "p" / "self").symlink_to(tmp_path / "p" / "self")
    (tmp_path / "p" / "one").symlink_to(tmp_path / "p" / "two")
    (tmp_path / "p" / "two").symlink_to(tmp_path / "p" / "one")
    (tmp_path / "p" / "gone.png").symlink_to(tmp_path / "nothing")
    with pytest.raises(UserError, match=r"1 of 5 files cannot be used: gone\.png: missing, or a link to nothing"):
        load(f"folder:{tmp_path / 'p'}")
    (tmp_path / "p" / "gone.png").unlink()
    assert len(read_images(tmp_path / "p")) == 4


def test_a_link_to_another_class_is_followed_in_both(tmp_path, photos):
    photos(tmp_path / "p" / "cat", 4)
    photos(tmp_path / "p" / "dog", 4, seed=1)
    (tmp_path / "p" / "tom").symlink_to(tmp_path / "p" / "cat")
    assert info(f"folder:{tmp_path / 'p'}").classes == {"cat": 4, "dog": 4, "tom": 4}


def test_folders_without_end_are_refused(tmp_path, monkeypatch):
    for i in range(40):  # 2 to the 40 paths, none of which leads back up
        (tmp_path / f"d{i}").mkdir()
    for i in range(39):
        for name in ("l", "r"):
            (tmp_path / f"d{i}" / name).symlink_to(tmp_path / f"d{i + 1}")
    monkeypatch.setattr("bench.data.folders.listing.MOST_FOLDERS", 5_000)
    with pytest.raises(UserError, match="folders inside each other"):
        read_images(tmp_path / "d0")


def npy(header: str, data: bytes = b"") -> bytes:
    body = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(body)) + body + data


HEADERS = [
    "{'descr': '|u1', 'fortran_order': False, 'shape': (1000000, 2000, 2000, 3), }",  # 11 TiB
    "{'descr': '|u1', 'fortran_order': True, 'shape': (1000000, 2000, 2000, 3), }",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 8, 8, 3), }",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (0, 8, 8, 3), }",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (), }",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999999, 8, 8, 3), }",
    "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 8, 8, 3), }",
    "{'descr': '|V4', 'fortran_order': False, 'shape': (48,), }",
    "__import__('os').system('true')",
    "{'descr': 'x', 'shape': 3}",
    "((((((((((",
]


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("form", ["npy", "npz", "zip of npy"])
def test_arrays_that_claim_what_they_do_not_hold(tmp_path, header, form):
    content = npy(header, bytes(192))
    path = tmp_path / f"x.{form[-3:]}"
    if form == "npy":
        path.write_bytes(content)
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("arr_0.npy", content)
            if form == "zip of npy":
                archive.writestr("folder/", b"")
    for read in (read_images, lambda path: import_set("mine", path)):
        with pytest.raises(UserError):
            read(path)


class Harmful:
    def __reduce__(self):
        return (os.mkdir, ("harm",))


@pytest.mark.parametrize("suffix", ["npy", "npz", "pkl", "pt"])
def test_pickles_are_not_loaded(tmp_path, monkeypatch, suffix):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / f"x.{suffix}"
    with path.open("wb") as file:
        if suffix in ("npy", "npz"):
            (np.save if suffix == "npy" else np.savez)(file, np.array([Harmful()], dtype=object))
        else:
            pickle.dump(Harmful(), file)
    for read in (read_images, lambda path: import_set("mine", path)):
        with pytest.raises(UserError):
            read(path)
    assert not (tmp_path / "harm").exists()


def zip_with(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return path


@pytest.mark.parametrize(
    "members",
    [
        {"a.png/": b"", "b.png": png()},
        {"a.png/": b"", "a.png": png()},
        {"a.png": png(), "a.png/b.png": png(seed=1)},
        {"x" * 300 + ".png": png()},
        {"/".join(["d" * 200] * 30) + "/a.png": png()},
        {"": png()},
        {".": png()},
        {"\0.png": png()},
        {"\x1b[2J.png": b"x"},
        {},
        {"only.txt": b"x"},
    ],
    ids=range(11),
)
def test_zip_members_of_odd_names(tmp_path, members, bench_home):
    path = zip_with(tmp_path / "x.zip", members)
    for read in (read_images, lambda path: import_set("mine", path)):
        message = ""
        try:
            read(path)
        except UserError as error:
            message = str(error)
        assert "\x1b" not in message
    left = [one.name for one in (bench_home / "data").iterdir()] if (bench_home / "data").is_dir() else []
    assert not [name for name in left if name.startswith("unpack")]


def test_members_that_come_twice_are_refused(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", png())
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.png", png(seed=1))
    with pytest.raises(UserError, match=r"a\.png comes 2 times"):
        read_images(path)


def bombs(tmp_path: Path) -> dict[str, Path]:
    zeros = bytes(30_000_000)
    paths = {
        name: tmp_path / name for name in ("x.zip", "x.npz", "y.npz", "x.tar.gz", "pax.tar.gz", "plain.gz", "x.tar.xz")
    }
    zip_with(paths["x.zip"], {"a.png": zeros})
    zip_with(
        paths["x.npz"],
        {"arr_0.npy": npy("{'descr': '|u1', 'fortran_order': False, 'shape': (30000, 10, 100), }", zeros)},
    )
    zip_with(paths["y.npz"], {f"a{i}.npy": zeros[:10_000_000] for i in range(3)})
    for name in ("x.tar.gz", "x.tar.xz"):
        with tarfile.open(paths[name], "w:gz" if name.endswith("gz") else "w:xz") as archive:
            member = tarfile.TarInfo("a.png")
            member.size = len(zeros)
            archive.addfile(member, io.BytesIO(zeros))
    import gzip

    member = tarfile.TarInfo("header")
    member.type, member.size = tarfile.XHDTYPE, len(zeros)
    paths["pax.tar.gz"].write_bytes(gzip.compress(member.tobuf() + zeros))
    paths["plain.gz"].write_bytes(gzip.compress(zeros))
    return paths


@pytest.mark.parametrize("name", ["x.zip", "x.npz", "y.npz", "x.tar.gz", "pax.tar.gz", "plain.gz", "x.tar.xz"])
def test_bombs_are_refused(tmp_path, monkeypatch, name):
    monkeypatch.setattr("bench.data.limits.FREE_BYTES", 10_000_000)
    monkeypatch.setattr("bench.data.imports.archives.FREE_BYTES", 10_000_000)
    path = bombs(tmp_path)[name]
    for read in (read_images, lambda path: import_set("mine", path, resolution=8)):
        with pytest.raises(UserError, match=r"bomb|unpack|damaged"):
            read(path)


def test_a_picture_bomb_in_a_folder(tmp_path):
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    (tmp_path / "a.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"x") + chunk(b"IEND", b"")
    )
    with pytest.raises(UserError, match=r"a\.png: more than 89,478,485 pixels"):
        read_images(tmp_path)


@pytest.mark.parametrize("label", [10**12, 2**63, -1, "cat", 1.5, None])
def test_labels_of_parquet(tmp_path, label):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    cells = [{"bytes": png(seed=i), "path": None} for i in range(6)]
    labels = [label, *([0, 1, 2, 3, 4] if isinstance(label, int) else [label] * 5)]
    kind = pa.uint64() if isinstance(label, int) and label > 2**62 else None
    parquet.write_table(pa.table({"image": cells, "label": pa.array(labels, kind)}), tmp_path / "x.parquet")
    if label in (10**12, None):
        data = import_set("mine", tmp_path / "x.parquet")
        assert len(data.classes) == (0 if label is None else 6)
        return
    for read in (read_images, lambda path: import_set("mine", path)):
        with pytest.raises(UserError, match=r"row 0: expected .* whole number from 0 in 'label'"):
            read(tmp_path / "x.parquet")


def test_a_label_for_every_image_is_no_class(tmp_path, monkeypatch):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    monkeypatch.setattr("bench.data.imports.parquet.MOST_CLASSES", 5)
    cells = [{"bytes": png(seed=i), "path": None} for i in range(9)]
    parquet.write_table(pa.table({"image": cells, "label": list(range(9))}), tmp_path / "x.parquet")
    with pytest.raises(UserError, match="more than 5 different labels in 'label'"):
        import_set("mine", tmp_path / "x.parquet")


def test_parquet_without_rows_or_pictures(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    tables = [
        pa.table({"image": pa.array([], pa.binary())}),
        pa.table({"text": ["a"]}),
        pa.table({"image": ["not bytes"]}),
        pa.table({"image": [[1, 2]]}),
        pa.table({"image": [{"path": "a.png"}]}),
        pa.table({"image": pa.array([None], pa.binary())}),
    ]
    for table in tables:
        parquet.write_table(table, tmp_path / "x.parquet")
        for read in (read_images, lambda path: import_set("mine", path)):
            with pytest.raises(UserError):
                read(tmp_path / "x.parquet")


@pytest.mark.parametrize("bits", [12, 16, 32])
@pytest.mark.parametrize("signed", [False, True])
def test_deep_grey_is_scaled_over_its_range_or_refused(bits, signed):
    values = np.array([[0, 2 ** (bits - 1) - 1]] if signed else [[0, 2**bits - 1]])
    content = tiff(values, bits, signed)
    if signed or bits == 32:
        with pytest.raises(BrokenPictureError, match=f"signed {bits}-bit|not an image" if signed else "32 bits"):
            read_picture(io.BytesIO(content), colour=False)
        return
    assert np.asarray(read_picture(io.BytesIO(content), colour=False)).tolist() == [[0, 255]]


def tiff(values: np.ndarray, bits: int, signed: bool) -> bytes:
    """A grey TIFF of one strip, written by hand."""
    flat = [int(value) & (2**bits - 1) for value in values.ravel()]
    if bits == 12:
        packed = int("".join(f"{value:012b}" for value in flat), 2)
        data = packed.to_bytes((12 * len(flat) + 7) // 8, "big")
    else:
        data = b"".join(value.to_bytes(bits // 8, "little") for value in flat)
    height, width = values.shape
    tags = [
        (256, width), (257, height), (258, bits), (259, 1), (262, 1), (273, 8), (277, 1), (278, height), (279, len(data)),
        (339, 2 if signed else 1),
    ]  # fmt: skip
    offset = 8 + len(data) + len(data) % 2
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return struct.pack("<2sHI", b"II", 42, offset) + data + b"\0" * (len(data) % 2) + directory + struct.pack("<I", 0)


@pytest.mark.parametrize(
    "name",
    [
        "x" * 300,
        "x\0y",
        "a/" * 3000,
        "\udcff",
        "",
        ".",
        "..",
        "~nobody-of-this-name/x",
        "-",
        "con:",
        "folder",
        "://",
        "%s",
        "{0}",
    ],
)
def test_names_of_sets_that_are_none(tmp_path, monkeypatch, name):
    (tmp_path / "outer" / "inner").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "outer" / "inner")  # ".." is empty too
    for full in (name, f"folder:{name}", f"pairs:{name}", f"unpaired:{name},{name}", f"celeba:{name}", f"stl10:{name}"):
        with pytest.raises(UserError):
            load(full)
    for read in (read_images, lambda path: import_set("mine", path)):
        with pytest.raises(UserError):
            read(name)

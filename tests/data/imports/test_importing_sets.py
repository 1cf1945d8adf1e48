import io
import stat
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.data import describe, import_set, info, limits, load, names
from bench.data.standard.table import SETS
from bench.errors import UserError


@pytest.fixture
def small_mnist(noise, monkeypatch):
    """Stands for MNIST: 30 + 10 pictures; its pinned digest is that of the first import."""
    monkeypatch.setitem(SETS, "fashion-mnist", replace(SETS["fashion-mnist"], counts=(30, 10)))
    return {
        "x_train": noise(30, 28, 28),
        "y_train": np.arange(30) % 10,
        "x_test": noise(10, 28, 28, seed=1),
        "y_test": np.arange(10),
    }


def as_npz(path: Path, arrays: dict) -> Path:
    np.savez_compressed(path, **arrays)
    return path


def as_folder(path: Path, arrays: dict, mode: str = "L") -> Path:
    """PNG files below train/<class name>/ and test/<class name>/."""
    classes = SETS["fashion-mnist"].classes
    for split in ("train", "test"):
        for i, (image, label) in enumerate(zip(arrays[f"x_{split}"], arrays[f"y_{split}"], strict=True)):
            folder = path / split / classes[label].replace("/", " ")
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).convert(mode).save(folder / f"{97 * i % 31:02d}-{i}.png")
    return path


def as_zip(path: Path, folder: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*.png")):
            archive.write(file, Path("inside") / file.relative_to(folder))
    return path


def as_tar(path: Path, folder: Path) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, "inside")
    return path


def as_parquet(path: Path, arrays: dict) -> Path:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    path.mkdir()
    for split in ("train", "test"):
        cells = []
        for image in arrays[f"x_{split}"]:
            file = io.BytesIO()
            Image.fromarray(image).save(file, "PNG")
            cells.append({"bytes": file.getvalue(), "path": None})
        half = len(cells) // 2
        for shard, part in enumerate((slice(half, None), slice(0, half))):  # shards in another order than the rows
            table = pa.table({"image": cells[part], "label": arrays[f"y_{split}"][part]})
            parquet.write_table(table, path / f"{split}-0000{shard}-of-00002.parquet")
    return path


@pytest.mark.parametrize("packaging", ["folder", "colour folder", "zip", "tar", "zipped npz", "parquet"])
def test_a_standard_set_has_one_digest_whatever_its_packaging(tmp_path, small_mnist, packaging):
    reference = import_set("fashion-mnist", as_npz(tmp_path / "x.npz", small_mnist)).digest
    if packaging == "folder":
        path = as_folder(tmp_path / "f", small_mnist)
    elif packaging == "colour folder":
        path = as_folder(tmp_path / "f", small_mnist, "RGB")
    elif packaging == "zip":
        path = as_zip(tmp_path / "f.zip", as_folder(tmp_path / "f", small_mnist))
    elif packaging == "tar":
        path = as_tar(tmp_path / "f.tar.gz", as_folder(tmp_path / "f", small_mnist))
    elif packaging == "zipped npz":
        path = tmp_path / "f.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(tmp_path / "x.npz", "x.npz")
    else:
        path = as_parquet(tmp_path / "shards", small_mnist)
    data = import_set("fashion-mnist", path)
    assert data.digest == reference == load("fashion-mnist").digest
    assert (len(data.train), len(data.held_out)) == (30, 10)
    assert data.train.images.shape[1:] == (1, 32, 32)


def test_nothing_but_the_set_is_left_after_an_import(tmp_path, small_mnist, bench_home):
    import_set("fashion-mnist", as_zip(tmp_path / "f.zip", as_folder(tmp_path / "f", small_mnist)))
    assert sorted(path.name for path in (bench_home / "data").iterdir()) == [".locks", "fashion-mnist-32"]


def test_an_import_replaces_what_was_resized_from_the_old_content(tmp_path, small_mnist):
    import_set("fashion-mnist", as_npz(tmp_path / "x.npz", small_mnist))
    before = load("fashion-mnist", resolution=16).digest
    small_mnist["x_train"] = small_mnist["x_train"][:, ::-1]
    import_set("fashion-mnist", as_npz(tmp_path / "y.npz", small_mnist))
    assert load("fashion-mnist", resolution=16).digest != before


def test_the_original_files_can_be_imported_from_an_archive(tmp_path, noise, monkeypatch):
    """A torchvision root, or any folder that holds the files."""
    raw = tmp_path / "anything"
    raw.mkdir()
    for prefix, count in (("train", 6), ("t10k", 4)):
        head = np.array([count, 28, 28], ">u4").tobytes()
        (raw / f"{prefix}-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03" + head + noise(count, 28, 28).tobytes())
        (raw / f"{prefix}-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01" + head[:4] + bytes(count))
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        archive.add(raw, "some/where")
    for path in (raw, tmp_path / "x.tar"):
        assert len(import_set("fashion-mnist", path).train) == 6


def test_what_is_not_the_published_set_is_refused_and_named(tmp_path, noise, monkeypatch, bench_home):
    arrays = {
        "x_train": noise(8, 32, 32, 3),
        "y_train": np.arange(8),
        "x_test": noise(2, 32, 32, 3, seed=1),
        "y_test": np.arange(2),
    }
    monkeypatch.setitem(SETS, "cifar10", replace(SETS["cifar10"], counts=(8, 2), digest="0" * 64))
    monkeypatch.setattr("bench.data.standard.pinned.known_rows", lambda _: np.zeros(10, np.uint32))
    with pytest.raises(
        UserError, match=r"cifar10: differs from the published set: 10 do not belong to it: x\.npz image 0"
    ):
        import_set("cifar10", as_npz(tmp_path / "x.npz", arrays))
    assert not [path for path in (bench_home / "data").iterdir() if path.name != ".locks"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"x_train": np.zeros((29, 28, 28), np.uint8), "y_train": np.zeros(29, int)},
            r"found 29 \+ 10 images .* expected 30 \+ 10",
        ),
        ({"x_train": np.zeros((30, 20, 20), np.uint8)}, r"expected 1 x 28 x 28"),
        ({"y_train": np.full(30, 11)}, "no known label"),
        ({"y_train": np.zeros(29, int)}, "Expected 30 labels"),
        ({"x_train": np.zeros((30, 28, 28), np.float64)}, "x_train is float64"),
        ({"x_train": np.array([object()] * 30)}, "pickled objects, which are never loaded"),
    ],
)
def test_arrays_that_are_not_the_set(tmp_path, small_mnist, change, words):
    with pytest.raises(UserError, match=words):
        import_set("fashion-mnist", as_npz(tmp_path / "x.npz", {**small_mnist, **change}))


def test_unknown_classes_of_a_standard_set(tmp_path, small_mnist):
    folder = as_folder(tmp_path / "f", small_mnist)
    for split in ("train", "test"):
        (folder / split / "Bag").rename(folder / split / "Sack")
    with pytest.raises(UserError, match="unknown class 'Sack'"):
        import_set("fashion-mnist", folder)


def test_a_name_of_ones_own(tmp_path, photos):
    photos(tmp_path / "p" / "cat", 8, (20, 30), seed=1)
    photos(tmp_path / "p" / "dog", 8, (20, 30), seed=2)
    data = import_set("pets", tmp_path / "p", resolution=16)
    assert data.digest == load(f"folder:{tmp_path / 'p'}", resolution=16).digest
    (tmp_path / "p").rename(tmp_path / "moved away")
    assert load("pets").digest == data.digest
    assert load("pets").classes == ("cat", "dog")
    assert load("pets", resolution=8).resolution == 8
    assert "pets" in names()
    found = describe("pets")
    assert (found.resolution, found.channels, found.classes) == (16, 3, 2)
    assert info("pets").classes == {"cat": 8, "dog": 8}


def test_arrays_and_shards_under_a_name_of_ones_own(tmp_path, noise):
    images = noise(20, 16, 16, 3)
    np.savez(tmp_path / "x.npz", images, np.arange(20) % 4)
    data = import_set("mine", tmp_path / "x.npz")
    assert len(data.train) + len(data.held_out) == 20
    assert data.classes == ("0", "1", "2", "3")
    np.savez(tmp_path / "y.npz", noise(20, 20, 24))
    with pytest.raises(UserError, match="are 24 x 20; expected squares"):
        import_set("other", tmp_path / "y.npz")
    assert import_set("other", tmp_path / "y.npz", resolution=16).channels == 1
    arrays = {
        "x_train": noise(8, 16, 16, 3),
        "y_train": np.arange(8),
        "x_test": noise(4, 16, 16, 3, seed=1),
        "y_test": np.arange(4),
    }
    shards = import_set("shards", as_parquet(tmp_path / "shards", arrays))
    assert (len(shards.train), len(shards.held_out), shards.resolution) == (8, 4, 16)


@pytest.mark.parametrize("name", ["My Pets", "../x", "-x", "x" * 64, "a-to-b"])
def test_names_that_are_none(tmp_path, photos, name):
    photos(tmp_path / "p", 3)
    with pytest.raises(UserError, match="expected up to 63 lower-case letters"):
        import_set(name, tmp_path / "p")


def test_what_cannot_be_imported(tmp_path, photos):
    (tmp_path / "x.doc").write_text("x")
    with pytest.raises(UserError, match="not images that can be read"):
        import_set("mine", tmp_path / "x.doc")
    with pytest.raises(UserError, match="there is no such file"):
        import_set("mine", tmp_path / "gone")
    photos(tmp_path / "p", 2)
    with pytest.raises(UserError, match=r"img_align_celeba is missing"):
        import_set("celeba", tmp_path / "p")
    with pytest.raises(UserError, match="needs no files of its own"):
        import_set("digits", tmp_path / "p")
    with pytest.raises(UserError, match="read where it lies"):
        import_set("folder:x", tmp_path / "p")


@pytest.mark.parametrize("member", ["../evil.png", "/evil.png", "a/../../evil.png", "..\\evil.png", "C:\\evil.png"])
def test_members_that_point_outside_are_refused(tmp_path, member, bench_home):
    for name, write in (("x.zip", zip_of), ("x.tar", tar_of)):
        write(tmp_path / name, member)
        with pytest.raises(UserError, match="points outside the target folder"):
            import_set("mine", tmp_path / name)
    assert not list(tmp_path.rglob("evil.png"))
    assert not [path for path in (bench_home / "data").iterdir() if path.name != ".locks"]


def zip_of(path: Path, member: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo(member), b"x")


def tar_of(path: Path, member: str) -> None:
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo(member))


def test_links_in_archives_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    for name in ("x.zip", "x.tar"):
        with pytest.raises(UserError, match="is a link"):
            import_set("mine", tmp_path / name)


def test_zip_bombs_are_refused(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.png", bytes(20_000_000))
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("zeros.png")
        member.size = 20_000_000
        archive.addfile(member, io.BytesIO(bytes(20_000_000)))
    monkeypatch.setattr(limits, "FREE_BYTES", 10_000_000)
    for name in ("x.zip", "x.tar.gz"):
        with pytest.raises(UserError, match="Refused as a zip bomb"):
            import_set("mine", tmp_path / name)


def test_damaged_archives_are_named(tmp_path):
    for name in ("x.zip", "x.tar.gz"):
        (tmp_path / name).write_bytes((b"PK\x03\x04" if "zip" in name else b"\x1f\x8b") + b"this is no archive")
        with pytest.raises(UserError, match=rf"{name}: damaged"):
            import_set("mine", tmp_path / name)


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "x.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    with pytest.raises(UserError, match="pip install pyarrow"):
        import_set("mine", tmp_path / "x.parquet")


def test_parquet_that_is_none(tmp_path):
    pytest.importorskip("pyarrow")
    (tmp_path / "x.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(UserError, match="not a readable parquet file"):
        import_set("mine", tmp_path / "x.parquet")


@pytest.mark.slow
def test_real_mnist_from_shuffled_arrays_has_the_published_digest(real_root, tmp_path):
    data = load("mnist", data_root=real_root)
    generator = np.random.default_rng(0)
    arrays = {}
    for split, part in (("train", data.train), ("test", data.held_out)):
        order = generator.permutation(len(part))
        arrays[f"x_{split}"] = part.images[order][:, 0, 2:30, 2:30]
        arrays[f"y_{split}"] = part.labels[order]
    assert import_set("mnist", as_npz(tmp_path / "mnist.npz", arrays)).digest == SETS["mnist"].digest


@pytest.mark.parametrize("form", ["folder", "npz", "zip"])
def test_small_images_can_be_padded(tmp_path, noise, form):
    """28 x 28 under a name of one's own, as MNIST is kept: every pixel as it was, a black border around."""
    images = noise(8, 28, 28)
    (tmp_path / "p").mkdir()
    for i, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / "p" / f"{i}.png")
    path = {"folder": tmp_path / "p", "npz": tmp_path / "x.npz", "zip": tmp_path / "x.zip"}[form]
    if form == "npz":
        np.savez(path, images)
    elif form == "zip":
        as_zip(path, tmp_path / "p")
    data = import_set("mine", path, fit="pad")
    assert (data.resolution, data.channels) == (32, 1)
    stored = np.concatenate([data.train.images, data.held_out.images])
    assert {image.tobytes() for image in stored[:, 0, 2:30, 2:30]} == {image.tobytes() for image in images}
    assert int(stored.sum()) == int(images.sum())
    with pytest.raises(UserError, match=r"unknown fit 'stretch'.*crop, pad"):
        import_set("mine", path, fit="stretch")
    with pytest.raises(UserError, match="cannot be padded to 16"):
        import_set("mine", path, fit="pad", resolution=16)


def test_labels_with_gaps_make_no_empty_class(tmp_path, noise):
    np.savez(tmp_path / "x.npz", images=noise(40, 8, 8, 3), labels=np.arange(40) % 4 * 10 + 1)
    import_set("mine", tmp_path / "x.npz")
    found = info("mine")
    assert found.classes == {"1": 10, "11": 10, "21": 10, "31": 10}
    assert any("1, 11, 21, 31" in note for note in found.notes)
    images = {image.tobytes(): i % 4 for i, image in enumerate(noise(40, 8, 8, 3).transpose(0, 3, 1, 2))}
    data = load("mine")
    assert [images[np.ascontiguousarray(image).tobytes()] for image in data.train.images] == data.train.labels.tolist()


def test_messages_about_an_archive_name_the_archive(tmp_path, photos):
    photos(tmp_path / "p", 3, (20, 30))
    as_zip(tmp_path / "faces.zip", tmp_path / "p")
    with pytest.raises(UserError) as caught:
        import_set("mine", tmp_path / "faces.zip")
    assert str(tmp_path / "faces.zip") in str(caught.value)
    assert "unpack-" not in str(caught.value)


def test_what_killed_processes_left_is_swept_unless_in_use(tmp_path, photos, bench_home):
    from filelock import FileLock

    photos(tmp_path / "p", 6)
    as_zip(tmp_path / "x.zip", tmp_path / "p")
    data = bench_home / "data"
    for name in ("unpack-dead", "unpack-busy"):
        (data / name).mkdir(parents=True)
        (data / name / "half.png").write_bytes(b"x")
    (data / ".locks").mkdir()
    with FileLock(data / ".locks" / "unpack-busy.lock"):
        import_set("mine", tmp_path / "x.zip")
        assert sorted(path.name for path in data.iterdir()) == [".locks", "imported-mine", "unpack-busy"]
    import_set("mine", tmp_path / "x.zip")
    assert sorted(path.name for path in data.iterdir()) == [".locks", "imported-mine"]


def test_an_imported_set_that_lost_a_file_says_what_to_do(tmp_path, photos, bench_home):
    photos(tmp_path / "p", 6)
    import_set("mine", tmp_path / "p")
    (bench_home / "data" / "imported-mine" / "train.images.npy").unlink()
    with pytest.raises(UserError, match=r"mine: .* gone or damaged\. Import it again"):
        load("mine")

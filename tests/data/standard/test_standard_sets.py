import gzip
import hashlib
import pickle
import shutil
import tarfile
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from bench.data import describe, import_set, info, load, names
from bench.data.standard import download
from bench.data.standard.stacked import draws
from bench.data.standard.table import SETS
from bench.errors import UserError


def write_idx(root: Path, folder: str, train: np.ndarray, test: np.ndarray, packed: bool = False) -> None:
    """The four files, labels 0, 1, 2, ... modulo ten."""
    raw = root / folder / "raw"
    raw.mkdir(parents=True)
    for prefix, images in (("train", train), ("t10k", test)):
        n = len(images)
        content = {
            f"{prefix}-images-idx3-ubyte": b"\0\0\x08\x03" + np.array([n, 28, 28], ">u4").tobytes() + images.tobytes(),
            f"{prefix}-labels-idx1-ubyte": b"\0\0\x08\x01"
            + np.array([n], ">u4").tobytes()
            + bytes(i % 10 for i in range(n)),
        }
        for name, data in content.items():
            if packed:
                (raw / f"{name}.gz").write_bytes(gzip.compress(data))
            else:
                (raw / name).write_bytes(data)


def write_cifar100(root: Path, noise) -> None:
    folder = root / "cifar-100-python"
    folder.mkdir(parents=True)
    for name, count in (("train", 20), ("test", 10)):
        batch = {
            b"data": noise(count, 3072, seed=count),
            b"fine_labels": list(range(count)),
            b"coarse_labels": [0] * count,
        }
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
    (folder / "meta").write_bytes(pickle.dumps({b"fine_label_names": [b"x"] * 100}))


def test_digits_are_embedded_and_their_digest_never_changes():
    data = load("digits")
    assert (data.channels, data.resolution, len(data.classes)) == (1, 16, 10)
    assert data.digest == SETS["digits"].digest
    assert (
        (len(data.train), len(data.held_out)) == (describe("digits").train, describe("digits").held_out) == (1433, 364)
    )
    assert np.bincount(data.held_out.labels).min() >= 25


def test_digits_at_eight_pixels_are_the_originals():
    data = load("digits", resolution=8)
    digits: Any = load_digits()
    expected = np.rint(digits.images * 255 / 16).astype(np.uint8)
    stored = sorted(image.tobytes() for split in (data.train, data.held_out) for image in split.images)
    assert stored == sorted(image.tobytes() for image in expected)
    by_image = {image.tobytes(): label for image, label in zip(expected, digits.target, strict=True)}
    assert all(
        by_image[image.tobytes()] == label for image, label in zip(data.train.images, data.train.labels, strict=True)
    )


def test_a_digit_is_on_the_same_side_at_every_resolution():
    sizes = {len(load("digits", resolution=side).held_out) for side in (8, 16, 32)}
    assert sizes == {364}


@pytest.mark.parametrize("packed", [False, True])
def test_the_mnist_family_is_padded_to_32(tmp_path, noise, packed):
    train, test = noise(40, 28, 28), noise(10, 28, 28, seed=1)
    write_idx(tmp_path, "FashionMNIST", train, test, packed)
    data = load("fashion-mnist", data_root=tmp_path)
    assert data.train.images.shape == (40, 1, 32, 32)
    assert data.held_out.images.shape == (10, 1, 32, 32)
    assert data.classes[9] == "Ankle boot"
    inner = data.train.images[:, 0, 2:30, 2:30]
    assert sorted(image.tobytes() for image in inner) == sorted(image.tobytes() for image in train)
    assert int(data.train.images.sum()) == int(train.sum())
    order = {image.tobytes(): i % 10 for i, image in enumerate(train)}
    assert [order[image.tobytes()] for image in inner] == data.train.labels.tolist()


def test_another_resolution_keeps_splits_and_labels(tmp_path, noise):
    write_idx(tmp_path, "FashionMNIST", noise(40, 28, 28), noise(10, 28, 28, seed=1))
    data = load("fashion-mnist", data_root=tmp_path, resolution=64)
    assert data.train.images.shape == (40, 1, 64, 64)
    assert len(data.held_out) == 10
    assert np.bincount(data.train.labels).tolist() == [4] * 10
    assert data.preprocessing == "pad 28 to 32 with zeros; resize 32 to 64 bicubic antialias; uint8"


def test_the_data_root_may_come_from_the_environment(tmp_path, noise, monkeypatch):
    write_idx(tmp_path, "FashionMNIST", noise(4, 28, 28), noise(2, 28, 28, seed=1))
    monkeypatch.setenv("BENCH_DATA", str(tmp_path))
    assert len(load("fashion-mnist").train) == 4


@pytest.mark.parametrize("damage", ["short", "wrong magic", "empty"])
def test_a_damaged_idx_file_is_named(tmp_path, noise, damage):
    write_idx(tmp_path, "FashionMNIST", noise(4, 28, 28), noise(2, 28, 28))
    path = tmp_path / "FashionMNIST" / "raw" / "t10k-images-idx3-ubyte"
    content = path.read_bytes()
    path.write_bytes({"short": content[:-1], "wrong magic": b"\1" + content[1:], "empty": b""}[damage])
    with pytest.raises(UserError, match="t10k-images-idx3-ubyte: not a whole IDX file"):
        load("fashion-mnist", data_root=tmp_path)


def test_cifar100_keeps_its_fine_labels(tmp_path, noise):
    write_cifar100(tmp_path, noise)
    data = load("cifar100", data_root=tmp_path)
    assert data.train.images.shape == (20, 3, 32, 32)
    assert sorted(data.train.labels) == list(range(20))
    assert len(data.classes) == 100
    assert {image.tobytes() for image in data.train.images} == {row.tobytes() for row in noise(20, 3072, seed=20)}


class Harmful:
    def __reduce__(self):
        return (print, ("harm was done",))


@pytest.mark.parametrize("content", [pickle.dumps({b"data": Harmful()}), b"garbage", pickle.dumps([1]), b""])
def test_a_forged_or_damaged_cifar_file_is_refused(tmp_path, noise, content, capsys):
    write_cifar100(tmp_path, noise)
    (tmp_path / "cifar-100-python" / "test").write_bytes(content)
    with pytest.raises(UserError, match=r"cifar-100-python/test"):
        load("cifar100", data_root=tmp_path)
    assert "harm" not in capsys.readouterr().out


def test_stl10_is_turned_upright(tmp_path, noise):
    folder = tmp_path / "stl10_binary"
    folder.mkdir()
    upright = {
        "unlabeled": noise(6, 3, 96, 96),
        "train": noise(5, 3, 96, 96, seed=1),
        "test": noise(4, 3, 96, 96, seed=2),
    }
    for name, images in upright.items():
        (folder / f"{name}_X.bin").write_bytes(images.transpose(0, 1, 3, 2).tobytes())
        (folder / f"{name}_y.bin").write_bytes(bytes(range(1, len(images) + 1)))
    plain, labelled = load("stl10", data_root=tmp_path), load("stl10:labelled", data_root=tmp_path)
    assert (len(plain.train), len(plain.held_out), plain.classes) == (6, 4, ())
    assert (len(labelled.train), len(labelled.classes)) == (5, 10)
    assert sorted(labelled.train.labels) == [0, 1, 2, 3, 4]
    image = Image.fromarray(upright["train"][0].transpose(1, 2, 0)).resize((64, 64), Image.Resampling.BICUBIC)
    row = labelled.train.images[labelled.train.labels.tolist().index(0)]
    assert (row == np.asarray(image).transpose(2, 0, 1)).all()


def test_stacked_digits_follow_the_protocol():
    base, data = load("digits"), load("stacked-digits")
    assert (len(data.train), len(data.held_out)) == (25_600, 5_200)
    assert (data.channels, len(data.classes)) == (3, 1000)
    known = {image.tobytes(): int(label) for image, label in zip(base.train.images, base.train.labels, strict=True)}
    for image, label in zip(data.train.images[:300], data.train.labels[:300], strict=True):
        digits = [known[channel.tobytes()] for channel in image]
        assert int(label) == 100 * digits[0] + 10 * digits[1] + digits[2]
    assert len(np.unique(data.train.labels)) == 1000
    held = {image.tobytes() for image in base.held_out.images}
    assert all(channel.tobytes() in held for image in data.held_out.images[:50] for channel in image)


def test_draws_are_uniform_and_fixed():
    drawn = draws(2017, 100_000, 10)
    counts = np.bincount(drawn.ravel(), minlength=10)
    assert abs(counts - 30_000).max() < 5 * np.sqrt(30_000 * 0.9)
    # Taken once: a change would silently make another data set of the same name.
    assert draws(2017, 3, 1433).tolist() == [[963, 1409, 930], [1178, 1046, 77], [1369, 266, 995]]


def celeba(root: Path, photos, commas: bool = False, zipped: bool = False) -> Path:
    """Twelve faces: six to train on, two of valid, four of test."""
    folder = root / "celeba"
    paths = photos(folder / "img_align_celeba", 12, (178, 218), suffix="jpg")
    parts = [0] * 6 + [1] * 2 + [2] * 4
    blank, end = (",", "csv") if commas else (" ", "txt")
    head = ["image_id,partition"] if commas else []
    lines = [f"{path.name}{blank}{part}" for path, part in zip(paths, parts, strict=True)]
    (folder / f"list_eval_partition.{end}").write_text("\n".join(head + lines) + "\n")
    names = ["Male", "Smiling"]
    head = [blank.join(["image_id", *names])] if commas else ["12", blank.join(names)]
    rows = [
        blank.join([path.name, "1" if i % 2 else "-1", "1" if i % 3 == 0 else "-1"]) for i, path in enumerate(paths)
    ]
    (folder / f"list_attr_celeba.{end}").write_text("\n".join(head + rows) + "\n")
    if zipped:
        with zipfile.ZipFile(folder / "img_align_celeba.zip", "w") as archive:
            for path in paths:
                archive.write(path, f"img_align_celeba/{path.name}")
                path.unlink()
        (folder / "img_align_celeba").rmdir()
    return folder


@pytest.mark.parametrize("commas", [False, True])
@pytest.mark.parametrize("zipped", [False, True])
def test_celeba_is_cropped_split_and_labelled(tmp_path, photos, commas, zipped):
    folder = celeba(tmp_path / "root", photos, commas, zipped)
    other = celeba(tmp_path / "plain", photos)
    data = load("celeba", data_root=tmp_path / "root")
    assert (len(data.train), len(data.held_out), data.resolution, data.classes) == (6, 4, 64, ())
    assert data.preprocessing == "centre crop 148; resize 64 bicubic antialias; uint8"
    assert load("celeba", data_root=tmp_path / "root", resolution=128).resolution == 128
    smiling = load("celeba:Smiling", data_root=tmp_path / "root")
    assert smiling.classes == ("not Smiling", "Smiling")
    assert sorted(smiling.train.labels) == [0, 0, 0, 0, 1, 1]
    both = load("celeba:Smiling,Male", data_root=tmp_path / "root")
    assert both.classes == ("not Smiling, not Male", "not Smiling, Male", "Smiling, not Male", "Smiling, Male")
    image = Image.open(other / "img_align_celeba" / "0003.jpg").crop((15, 35, 163, 183))
    row = np.asarray(image.resize((64, 64), Image.Resampling.BICUBIC)).transpose(2, 0, 1)
    hit = (both.train.images == row).all((1, 2, 3))
    assert both.train.labels[hit].tolist() == [3]
    assert folder.is_dir()


@pytest.mark.parametrize("shipped", ["authors", "kaggle", "twice", "CelebA"])
def test_celeba_as_it_is_shipped(tmp_path, photos, shipped):
    """Its authors: Anno/, Eval/, Img/img_align_celeba.zip. Kaggle: img_align_celeba/img_align_celeba/ and .csv."""
    plain = load("celeba:Smiling", data_root=celeba(tmp_path / "plain", photos).parent)
    folder = celeba(tmp_path / "root", photos, commas=shipped == "kaggle", zipped=shipped == "authors")
    if shipped == "authors":
        for name, place in (
            ("list_attr_celeba.txt", "Anno"),
            ("list_eval_partition.txt", "Eval"),
            ("img_align_celeba.zip", "Img"),
        ):
            (folder / place).mkdir()
            (folder / name).rename(folder / place / name)
    elif shipped in ("kaggle", "twice"):
        (folder / "img_align_celeba").rename(folder / "inner")
        (folder / "img_align_celeba").mkdir()
        (folder / "inner").rename(folder / "img_align_celeba" / "img_align_celeba")
    else:
        folder.rename(folder.with_name("CelebA"))
    found = load("celeba:Smiling", data_root=tmp_path / "root")
    assert found.digest == plain.digest
    shutil.rmtree(tmp_path / "home" / "data")
    assert import_set("celeba:Smiling", tmp_path / "root").digest == plain.digest


@pytest.mark.parametrize("damage", ["empty", "latin", "cut", "zip", "short"])
def test_damaged_lists_of_celeba_are_named(tmp_path, photos, damage):
    folder = celeba(tmp_path, photos, zipped=damage == "zip")
    path = folder / ("img_align_celeba.zip" if damage == "zip" else "list_attr_celeba.txt")
    content = path.read_bytes()
    path.write_bytes(
        {
            "empty": b"", "latin": b"\xe9" + content, "cut": content[: len(content) // 2],
            "zip": content[:100], "short": content.replace(b" -1", b"", 1),
        }[damage]
    )  # fmt: skip
    with pytest.raises(UserError, match=path.name.replace(".", r"\.")):
        load("celeba:Smiling", data_root=tmp_path)


def test_celeba_names_what_is_wrong(tmp_path, photos):
    folder = celeba(tmp_path, photos)
    with pytest.raises(UserError, match=r"unknown CelebA attribute 'Smilling'\. Did you mean 'Smiling'"):
        load("celeba:Smilling", data_root=tmp_path)
    (folder / "img_align_celeba" / "0001.jpg").unlink()
    Image.new("RGB", (89, 109)).save(folder / "img_align_celeba" / "0002.jpg")
    with pytest.raises(
        UserError, match=r"2 of 10 files.*0001\.jpg: missing.*0002\.jpg: 89 x 109, expected the aligned"
    ):
        load("celeba", data_root=tmp_path)
    assert info("celeba", data_root=tmp_path, skip_broken=True).train == 4


@pytest.fixture
def network(monkeypatch, noise, tmp_path):
    """Stands for the network: four small files of Fashion-MNIST, whose sums are those that are published."""
    write_idx(tmp_path / "served", "FashionMNIST", noise(4, 28, 28), noise(2, 28, 28, seed=1), packed=True)
    files = {path.name: path.read_bytes() for path in (tmp_path / "served").rglob("*.gz")}
    monkeypatch.setattr(
        download, "FASHION_FILES", {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    )
    asked = []

    def fetch(url: str, target: str, progress: bool) -> None:
        asked.append(url)
        Path(target).write_bytes(files[Path(target).name])

    monkeypatch.setattr("torch.hub.download_url_to_file", fetch)
    return SimpleNamespace(files=files, asked=asked)


def kept(home: Path) -> list[Path]:
    return [path for path in home.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_without_files_and_network_one_message_says_everything(tmp_path, monkeypatch, bench_home):
    def no_network(url: str, target: str, progress: bool) -> None:
        Path(target).write_bytes(b"half a file")
        raise OSError("no route to host")

    monkeypatch.setattr("torch.hub.download_url_to_file", no_network)
    (tmp_path / "root").mkdir()
    with pytest.raises(UserError) as caught:
        load("mnist", data_root=tmp_path / "root")
    message = str(caught.value)
    for part in (
        "train-images-idx3-ubyte and 3 more not found",
        str(tmp_path / "root" / "MNIST" / "raw"),
        str(bench_home / "downloads" / "MNIST" / "raw"),
        "the download failed (train-images-idx3-ubyte.gz: https://",
        "no route to host",
        "--data-root",
        "BENCH_DATA",
        "bench data import mnist PATH",
    ):
        assert part in message
    assert not kept(bench_home)


def test_an_interrupted_download_leaves_nothing_and_can_be_started_again(monkeypatch, network, bench_home):
    real = download.fetch

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(download, "fetch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load("fashion-mnist")
    assert not kept(bench_home)
    (bench_home / "downloads" / "FashionMNIST.partial").mkdir(parents=True)  # as a killed process leaves it
    (bench_home / "downloads" / "FashionMNIST.partial" / "half").write_bytes(b"half a file")
    monkeypatch.setattr(download, "fetch", real)
    assert len(load("fashion-mnist").train) == 4
    assert not (bench_home / "downloads" / "FashionMNIST.partial").exists()


def test_a_download_is_used_and_kept(monkeypatch, network, capsys):
    assert len(load("fashion-mnist").train) == 4
    assert capsys.readouterr().out == ""
    assert all(url.startswith("https://") for url in network.asked)
    monkeypatch.setattr("torch.hub.download_url_to_file", None)
    assert len(load("fashion-mnist", refresh=True).train) == 4


def test_a_download_with_another_content_is_not_kept(network, bench_home):
    network.files["t10k-labels-idx1-ubyte.gz"] += b"x"
    with pytest.raises(UserError, match=r"t10k-labels-idx1-ubyte\.gz has sha256 \w{12}, published is \w{12}: damaged"):
        load("fashion-mnist")
    assert sum("t10k-labels" in url for url in network.asked) == 2  # both addresses were tried
    assert not kept(bench_home)


def test_an_archive_is_unpacked_and_its_sum_checked(monkeypatch, noise, tmp_path):
    write_cifar100(tmp_path / "served", noise)
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "served" / "cifar-100-python", "cifar-100-python")
    content = (tmp_path / "x.tar.gz").read_bytes()
    monkeypatch.setattr(
        "torch.hub.download_url_to_file", lambda url, target, progress: Path(target).write_bytes(content)
    )
    with pytest.raises(UserError, match=r"cifar-100-python\.tar\.gz has sha256"):
        load("cifar100")
    monkeypatch.setattr(download, "CIFAR100", ("cifar-100-python.tar.gz", hashlib.sha256(content).hexdigest()))
    assert len(load("cifar100").train) == 20


def test_every_download_has_a_sha256_and_begins_with_https():
    sums = [*download.MNIST_FILES.values(), *download.FASHION_FILES.values(), *download.CELEBA_FILES.values()]
    sums += [download.CIFAR10[1], download.CIFAR100[1], download.STL10[1]]
    assert all(len(bytes.fromhex(one)) == 32 for one in sums)
    assert len(set(sums)) == len(sums) == 14
    for addresses in (download.MNIST, download.FASHION, download.TORONTO, download.STANFORD):
        assert addresses[0].startswith("https://")


def test_a_data_root_that_is_not_there_is_said(tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"--data-root .*gone: there is no such folder"):
        load("mnist", data_root=tmp_path / "gone")
    monkeypatch.setenv("BENCH_DATA", str(tmp_path / "lost"))
    with pytest.raises(UserError, match=r"BENCH_DATA .*lost: there is no such folder"):
        load("mnist")


def test_unknown_names_and_arguments_are_refused():
    with pytest.raises(UserError, match=r"unknown data set 'cifar-10'\. Did you mean 'cifar10'"):
        load("cifar-10")
    with pytest.raises(UserError, match="digits takes no argument"):
        load("digits:3")
    with pytest.raises(UserError, match="expected folder:PATH"):
        load("folder:")
    with pytest.raises(UserError, match="resolution 48; expected one of 8, 16, 32"):
        load("digits", resolution=48)


def test_every_name_has_a_description():
    for name in names():
        found = describe(name)
        assert found.name == name
        assert found.licence
        assert found.source
    assert len(set(SETS["cifar100"].classes)) == 100


def test_declarations_agree_with_the_sets_that_they_make():
    for name in ("digits", "stacked-digits"):
        data, declared = load(name), SETS[name]
        assert (data.resolution, data.channels, data.classes) == (
            declared.resolution,
            declared.channels,
            declared.classes,
        )
        assert (len(data.train), len(data.held_out)) == declared.counts


def test_real_mnist_and_cifar10_are_what_was_published(real_root):
    for name, mean in (("mnist", 0.1307), ("cifar10", 0.4734)):
        data = load(name, data_root=real_root)
        assert (len(data.train), len(data.held_out)) == (describe(name).train, describe(name).held_out)
        inner = data.train.images[:, :, 2:30, 2:30] if name == "mnist" else data.train.images
        assert abs(float(inner.mean()) / 255 - mean) < 1e-4
        assert np.bincount(data.held_out.labels).shape == (10,)

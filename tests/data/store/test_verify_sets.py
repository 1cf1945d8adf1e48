import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from bench.data import load, verify
from bench.data.digests import held_out_rank, image_digest, row_digest, set_digest
from bench.data.loading import request
from bench.data.standard import pinned
from bench.data.standard.cifar import read_batch
from bench.data.standard.locate import locate
from bench.data.standard.table import SETS
from bench.data.store import store
from bench.errors import UserError


def write_root(root: Path, noise) -> Path:
    """A stand-in for MNIST: 20 + 10 pictures. Returns the file with the training images."""
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for prefix, count in (("train", 20), ("t10k", 10)):
        head = np.array([count, 28, 28], ">u4").tobytes()
        (raw / f"{prefix}-images-idx3-ubyte").write_bytes(
            b"\0\0\x08\x03" + head + noise(count, 28, 28, seed=count).tobytes()
        )
        (raw / f"{prefix}-labels-idx1-ubyte").write_bytes(
            b"\0\0\x08\x01" + head[:4] + bytes(i % 10 for i in range(count))
        )
    return raw / "train-images-idx3-ubyte"


@pytest.fixture
def root(tmp_path, noise, monkeypatch) -> Path:
    """A data root whose content is pinned as if it were the published MNIST."""
    root = tmp_path / "root"
    write_root(root, noise)
    plan = request("mnist", None, partial(locate, given=root)).plan()
    parts: dict[str, list[bytes]] = {}
    for row in plan.tables[0].rows():
        parts.setdefault(f"{row.split}/images", []).append(row_digest([image_digest(row.images[0])], row.label))
    monkeypatch.setitem(SETS, "mnist", replace(SETS["mnist"], digest=set_digest(parts)))
    known = np.array(sorted(pinned.short(digest) for part in parts.values() for digest in part), np.uint32)
    monkeypatch.setattr("bench.data.standard.pinned.known_rows", lambda _: known)
    return root


def flip(path: Path, offset: int, bit: int = 1) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= bit
    path.write_bytes(bytes(content))


def test_the_published_content_is_accepted(root):
    found = verify("mnist", data_root=root)
    assert found.ok
    assert found.against == "the published content"
    assert "original files" in found.checked[0]
    load("mnist", data_root=root)
    found = verify("mnist", data_root=root)
    assert found.ok
    assert len(found.checked) == 2
    assert found.digest == SETS["mnist"].digest


def test_a_flipped_bit_is_caught_and_its_image_named(root, bench_home):
    flip(root / "MNIST" / "raw" / "train-images-idx3-ubyte", 16 + 7 * 784 + 100)
    found = verify("mnist", data_root=root)
    assert not found.ok
    assert "1 do not belong to it" in found.problems[0]
    assert "train-images-idx3-ubyte image 7;" in found.problems[0]
    with pytest.raises(
        UserError, match=r"train-images-idx3-ubyte image 7; 1 of its images are missing.*get them again"
    ):
        load("mnist", data_root=root)
    assert not [path for path in (bench_home / "data").iterdir() if path.name != ".locks"]


def test_a_wrong_label_is_caught_too(root):
    flip(root / "MNIST" / "raw" / "t10k-labels-idx1-ubyte", 8 + 4)
    assert "t10k-images-idx3-ubyte image 4" in verify("mnist", data_root=root).problems[0]


def test_swapped_splits_are_caught(root):
    raw = root / "MNIST" / "raw"
    for kind in ("images-idx3-ubyte", "labels-idx1-ubyte"):
        shutil.move(raw / f"train-{kind}", raw / "x")
        shutil.move(raw / f"t10k-{kind}", raw / f"train-{kind}")
        shutil.move(raw / "x", raw / f"t10k-{kind}")
    assert "wrong side" in verify("mnist", data_root=root).problems[0]


def test_many_changes_are_counted_and_a_few_named(root):
    for image in range(8):
        flip(root / "MNIST" / "raw" / "train-images-idx3-ubyte", 16 + image * 784)
    problem = verify("mnist", data_root=root).problems[0]
    assert "8 do not belong" in problem
    assert problem.count("image ") == 5


def test_an_unreadable_original_is_a_problem_not_a_crash(root):
    path = root / "MNIST" / "raw" / "t10k-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:100])
    assert "not a whole IDX file" in verify("mnist", data_root=root).problems[0]


@pytest.mark.parametrize("file", ["train.images.npy", "held_out.images.npy", "train.labels.npy"])
def test_a_bit_that_flips_in_the_prepared_set_is_caught(bench_home, file):
    load("digits")
    assert verify("digits").ok
    path = bench_home / "data" / "digits-16" / file
    offset = path.stat().st_size - 8 if "labels" in file else path.stat().st_size - 256 * 10 + 5
    flip(path, offset)
    found = verify("digits")
    assert len(found.problems) == 1
    assert "has changed since it was prepared" in found.problems[0]
    rows = len(np.load(path, mmap_mode="r"))
    assert f"row {rows - (1 if 'labels' in file else 10)} " in found.problems[0]
    assert "bench data prepare --refresh digits" in found.problems[0]
    load("digits", refresh=True)
    assert verify("digits").ok


def test_an_edited_manifest_is_caught(bench_home):
    load("digits")
    path = bench_home / "data" / "digits-16" / "manifest.json"
    path.write_text(path.read_text().replace(load("digits").digest, "0" * 64))
    assert "manifest.json: digest 000000000000" in verify("digits").problems[0]


def test_image_to_image_sets_are_verified_in_both_columns(tmp_path, photos, bench_home):
    for number, name in enumerate(("A", "B")):
        photos(tmp_path / "p" / name, 6, seed=number)
    for name in (f"pairs:{tmp_path / 'p'}", f"unpaired:{tmp_path / 'p' / 'A'},{tmp_path / 'p' / 'B'}"):
        assert verify(name).ok
        folder = next(path for path in (bench_home / "data").iterdir() if path.name.startswith(name.partition(":")[0]))
        flip(folder / "train.source.npy", 200)
        assert "row 0 has changed" in verify(name).problems[0]


def test_digests_ignore_order_and_notice_everything_else(noise):
    rows = [image_digest(image) for image in noise(5, 1, 4, 4)]
    base = set_digest({"train/images": rows[:3], "held_out/images": rows[3:]})
    assert base == set_digest({"held_out/images": rows[:2:-1], "train/images": rows[2::-1]})
    others = [
        set_digest({"train/images": rows[:2], "held_out/images": rows[2:]}),
        set_digest({"train/images": rows[:3], "held_out/images": [*rows[3:], rows[4]]}),
        set_digest({"train/images": rows[:3], "train/source": rows[3:]}),
    ]
    assert len({base, *others}) == 4
    assert image_digest(np.zeros((1, 4, 4), np.uint8)) != image_digest(np.zeros((1, 2, 8), np.uint8))
    assert row_digest([rows[0]], None) != row_digest([rows[0]], 0) != row_digest([rows[0]], 1)


def test_ranks_are_uniform(noise):
    ranks = np.sort([held_out_rank(image) for image in noise(4000, 1, 4, 4, seed=1)])
    assert np.abs(ranks - (np.arange(4000) + 0.5) / 4000).max() < 1.63 / np.sqrt(4000)  # Kolmogorov-Smirnov, 1 %


def test_real_sets_are_accepted_and_a_flipped_bit_named(real_root, tmp_path, monkeypatch):
    for name in ("mnist", "cifar10"):
        found = verify(name, data_root=real_root)
        assert found.ok
        assert str(Path(real_root)) in found.checked[0]
    shutil.copytree(Path(real_root) / "cifar-10-batches-py", tmp_path / "cifar-10-batches-py")
    path = tmp_path / "cifar-10-batches-py" / "data_batch_3"
    image = store.load(request("cifar10", None, partial(locate, given=real_root)))
    assert len(image.train) == 50_000
    content = path.read_bytes()
    start = content.index(load_batch(path)[412].tobytes())
    flip(path, start + 1000)
    problem = verify("cifar10", data_root=tmp_path).problems[0]
    assert "1 do not belong to it" in problem
    assert "data_batch_3 image 412;" in problem


def load_batch(path: Path) -> np.ndarray:
    return read_batch(path, b"labels", 10)[0]

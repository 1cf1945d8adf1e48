"""What folders mean: understood, or said not to be; never reinterpreted."""

import os
import unicodedata
from pathlib import Path

import pytest

from bench.data import info, load
from bench.data.folders.split_names import role
from bench.data.rows import TRAIN
from bench.errors import UserError


@pytest.fixture
def tree(tmp_path, photos):
    """Write `{"train/cat": 5, ...}` below a folder, every image different; its name as a data set."""
    number = iter(range(1, 10_000))

    def write(folders: dict[str, int], name: str = "p") -> Path:
        for folder, count in folders.items():
            photos(tmp_path / name / folder, count, (8, 8), seed=next(number))
        return tmp_path / name

    return write


SPLIT = {"{train}/cat": 5, "{train}/dog": 4, "{test}/cat": 3, "{test}/dog": 2}


@pytest.mark.parametrize(
    "train", ["train", "Training", "train_set", "train-images", "TRAIN", "train2017", "train_64x64"]
)
@pytest.mark.parametrize(
    "test", ["test", "testing", "val", "Valid", "validation", "validate", "dev", "eval", "held-out"]
)
def test_splits_under_any_usual_name(tree, train, test):
    path = tree({name.format(train=train, test=test): count for name, count in SPLIT.items()})
    data = load(f"folder:{path}")
    assert (len(data.train), len(data.held_out), data.classes) == (9, 5, ("cat", "dog"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("train", TRAIN), ("test_images", "test"), ("dev", "validation"), ("extra", "unused"), ("Thumbnails", "preview")],
)
def test_the_role_of_a_name(name, expected):
    assert role(name) == expected


@pytest.mark.parametrize(
    "name", ["cat", "tester", "trains", "latest", "0", "2017", "images", "value", "devil", "strain"]
)
def test_names_that_are_no_splits(name):
    assert role(name) is None


@pytest.mark.parametrize(
    "extra",
    ["extra/x", "validation/cat", "previews", "thumbnails", "unlabelled", "val"],
)
def test_a_third_folder_beside_the_splits_is_left_out_and_said(tree, extra):
    path = tree({name.format(train="train", test="test"): count for name, count in SPLIT.items()} | {extra: 3})
    found = info(f"folder:{path}")
    assert (found.train, found.held_out, list(found.classes)) == (9, 5, ["cat", "dog"])
    assert any(extra.partition("/")[0] in line and "left out" in line for line in found.layout)


SIDE_FILES = {
    "README": b"read me",
    "README.md": b"# read me",
    "labels.csv": b"a,b",
    "dataset.json": b"{}",
    "Thumbs.db": b"x",
    ".DS_Store": b"x",
    "notes.txt": b"",
    "model.pt": b"\x80\x02}",
    "archive.zip": b"PK\x03\x04",
    "x.npy": b"\x93NUMPY",
}


@pytest.mark.parametrize("name", SIDE_FILES)
@pytest.mark.parametrize("place", [".", "train", "train/cat"])
def test_side_files_never_decide_a_layout(tree, name, place):
    path = tree({name.format(train="train", test="test"): count for name, count in SPLIT.items()})
    before = load(f"folder:{path}").digest
    (path / place / name).write_bytes(SIDE_FILES[name])
    found = info(f"folder:{path}")
    assert found.digest == before
    assert found.skipped == ()
    hidden = name in (".DS_Store", "Thumbs.db")
    assert found.notes == (() if hidden else (f"left out, not images: {(Path(place) / name).as_posix()}",))


@pytest.mark.parametrize("place", [".", "train", "train/cat"])
def test_skipped_files_never_decide_a_layout(tree, place):
    path = tree({name.format(train="train", test="test"): count for name, count in SPLIT.items()})
    before = load(f"folder:{path}").digest
    (path / place / "broken.png").write_bytes(b"x")
    with pytest.raises(UserError, match=r"broken\.png: not an image"):
        load(f"folder:{path}")
    for found in (info(f"folder:{path}", skip_broken=True), info(f"folder:{path}?broken=skip")):
        assert found.digest == before
        assert len(found.skipped) == 1


@pytest.mark.parametrize("wrapper", ["images", "photos/all/of them", "train", "data"])
def test_wrapper_folders_are_stepped_into(tree, wrapper):
    data = load(f"folder:{tree({f'{wrapper}/cat': 6, f'{wrapper}/dog': 6})}")
    assert data.classes == ("cat", "dog")
    inner = load(
        f"folder:{tree({f'{wrapper}/train/cat': 6, f'{wrapper}/train/dog': 6, f'{wrapper}/test/dog': 2}, 'q')}"
    )
    assert (inner.classes, len(inner.train), len(inner.held_out)) == (("cat", "dog"), 12, 2)


def test_wrappers_inside_splits(tree):
    path = tree({"train/images/cat": 4, "train/images/dog": 4, "test/images/cat": 2, "test/images/dog": 2})
    data = load(f"folder:{path}")
    assert (data.classes, len(data.train), len(data.held_out)) == (("cat", "dog"), 8, 4)


def test_splits_inside_classes(tree):
    path = tree({"cat/train": 4, "cat/test": 2, "dog/train": 5, "dog/test": 3})
    data = load(f"folder:{path}")
    assert (data.classes, len(data.train), len(data.held_out)) == (("cat", "dog"), 9, 5)
    assert sorted(data.held_out.labels) == [0, 0, 1, 1, 1]


def test_one_training_folder_with_an_extra_one(tree):
    data = load(f"folder:{tree({'train/cat': 10, 'train/dog': 10, 'extra': 7})}")
    assert (data.classes, len(data.train) + len(data.held_out)) == (("cat", "dog"), 20)


def test_a_train_is_a_vehicle_among_others(tree):
    data = load(f"folder:{tree({'bus': 5, 'car': 5, 'train': 5})}")
    assert data.classes == ("bus", "car", "train")


@pytest.mark.parametrize(
    ("folders", "words"),
    [
        ({"train": 5, "test": 5, "shelf": 5}, r"shelf/ beside the splits train/ and test/"),
        ({"train": 5, "test": 5, ".": 1}, r"1 image lies beside the splits"),
        ({"test": 5, ".": 20}, r"test/ is named as a split"),
        ({"test": 5, "val": 5}, r"test/ and val/ is named as a split"),
        ({"train": 5, "shelf": 5}, r"train/ is named as a split.*beside it: shelf/"),
        ({"train": 5, "training": 5, "test": 3}, r"train/ and training/ are names of the same split"),
        ({"cat": 5, "dog": 5, ".": 1}, r"1 image lies beside the classes cat/, dog/; the first is 0000\.png"),
        ({"cat/train": 5, "cat/test": 5, "dog": 5}, r"cat/ holds splits of its own"),
        ({"train/cat": 5, "train/dog": 5, "test": 5}, r"5 images lie beside the classes"),
        ({"images": 5, "masks": 5}, r"images/ is not the name of a class but of one side.*pairs:PATH"),
        (
            {"train/images": 5, "train/labels": 5, "test/images": 2, "test/labels": 2},
            r"images/ is not the name of a class",
        ),
        ({"trainA": 5, "trainB": 5, "testA": 2, "testB": 2}, r"testA/ is not the name of a class.*unpaired:PATH"),
    ],
)
def test_what_is_not_understood_is_said_with_the_trees_that_are(tree, folders, words):
    with pytest.raises(UserError, match=words) as caught:
        load(f"folder:{tree(folders)}")
    assert "PATH/train/CLASS/*.png" in str(caught.value)
    assert "?splits=none" in str(caught.value)


def test_what_folders_do_not_mean_can_be_said(tree):
    path = tree({"train": 5, "test": 5, "shelf": 5, ".": 2})
    data = load(f"folder:{path}?splits=none&labels=none")
    assert (len(data.train) + len(data.held_out), data.classes) == (17, ())
    (path / "0000.png").unlink()
    (path / "0001.png").unlink()
    assert load(f"folder:{path}?splits=none").classes == ("shelf", "test", "train")


def test_what_was_understood_is_said_before_anything_is_prepared(tree, capsys, monkeypatch):
    path = tree({"train/cat": 5, "train/dog": 4, "test/dog": 2, "previews": 1})
    monkeypatch.setattr("bench.data.store.writer.write", lambda *_: pytest.fail("prepared"))
    with pytest.raises(pytest.fail.Exception):
        load(f"folder:{path}")
    said = capsys.readouterr()
    assert said.out == ""
    for line in (
        "left out as previews: previews/",
        "train/ is trained on (9 images)",
        "classes: 2: cat, dog",
        "Expected:",
    ):
        assert line in said.err


def test_folders_are_classes_whatever_they_are_called_if_one_says_so(tree):
    assert load(f"folder:{tree({'images': 5, 'masks': 5})}?labels=folders").classes == ("images", "masks")


def test_classes_and_splits_that_disagree_are_said(tree):
    found = info(f"folder:{tree({'train/a': 5, 'train/b': 5, 'test/b': 3, 'test/c': 3})}")
    assert found.notes == (
        "no image is trained on of class c: no model learns it",
        "no image is held out of class a",
    )


def test_training_images_in_the_held_out_split_are_counted(tree, tmp_path):
    import shutil

    path = tree({"train": 10, "test": 5})
    for i in range(3):
        shutil.copy(path / "train" / f"000{i}.png", path / "test" / f"copy{i}.png")
    found = info(f"folder:{path}")
    assert found.in_both_splits == 3
    assert found.notes[0].startswith("3 of 8 held-out images are also in the training split")
    assert load(f"folder:{path}").notes == found.notes


def test_a_single_held_out_image_is_said(tree):
    assert "a single image is held out" in info(f"folder:{tree({'train': 5, 'test': 1})}").notes[0]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_class_names_have_one_form(tree, form):
    other = "NFD" if form == "NFC" else "NFC"
    path = tree(
        {f"train/{unicodedata.normalize(form, 'é')}": 4, "train/x": 4, f"test/{unicodedata.normalize(other, 'é')}": 2}
    )
    assert load(f"folder:{path}").classes == ("x", "é")


@pytest.mark.skipif(os.name != "posix", reason="names of bytes")
def test_names_that_are_not_utf8(tree, tmp_path, photos):
    path = tree({"dog": 6})
    folder = os.fsencode(path) + b"/caf\xe9"
    (path / "dog").rename(path / "kept")
    os.mkdir(folder)  # noqa: PTH102
    for i, file in enumerate(photos(tmp_path / "more", 6, (8, 8), seed=99)):
        os.rename(file, folder + b"/p\xff%d.png" % i)  # noqa: PTH104
    (Path(os.fsdecode(folder)) / os.fsdecode(b"r\xe9adme\x1b[2J.txt")).write_text("x")
    name = f"folder:{path}"
    found = info(name)
    assert list(found.classes) == ["café", "kept"]
    assert found.notes == (r"left out, not images: café/réadme\x1b[2J.txt",)
    assert load(name).classes == ("café", "kept")
    os.rename(path, os.fsencode(path) + b"\xe9")  # noqa: PTH104
    assert load(f"folder:{os.fsdecode(os.fsencode(path) + bytes([0xE9]))}").digest == found.digest


def test_padding_instead_of_resizing(tmp_path, photos):
    photos(tmp_path / "p", 6, (28, 28), mode="L")
    data = load(f"folder:{tmp_path / 'p'}?fit=pad")
    assert (data.resolution, data.preprocessing) == (32, "pad to square with zeros; grey; uint8")
    for images in (data.train.images, data.held_out.images):
        assert not images[:, :, :2].any()
        assert not images[:, :, :, -2:].any()
    assert data.digest != load(f"folder:{tmp_path / 'p'}", resolution=32).digest
    photos(tmp_path / "q", 6, (40, 20))
    assert load(f"folder:{tmp_path / 'q'}?fit=pad").resolution == 64
    with pytest.raises(UserError, match=r"40 x 20 and cannot be padded to 32 pixels"):
        load(f"folder:{tmp_path / 'q'}?fit=pad", resolution=32)

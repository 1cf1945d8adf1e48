import io
import json
import zipfile
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.data import ImageSet, read_images, source_path
from bench.errors import UserError


def test_a_folder_is_read_in_the_order_of_its_paths(tmp_path, photos):
    paths = photos(tmp_path / "p", 5, (10, 6)) + photos(tmp_path / "p" / "q", 2, (10, 6), seed=1)
    images = read_images(tmp_path / "p")
    assert images.images.shape == (7, 3, 6, 10)
    assert (images.labels, images.held_out, images.size) == (None, None, (10, 6))
    assert all(
        (image == np.asarray(Image.open(path)).transpose(2, 0, 1)).all()
        for image, path in zip(images.images, paths, strict=True)
    )


def test_grey_images_have_one_channel(tmp_path, photos):
    photos(tmp_path / "p", 2, mode="L")
    assert read_images(tmp_path / "p").images.shape == (2, 1, 16, 16)


@pytest.mark.parametrize(
    ("shape", "read"), [((5, 8, 8, 3), (5, 3, 8, 8)), ((5, 3, 8, 8), (5, 3, 8, 8)), ((5, 8, 8, 1), (5, 1, 8, 8))]
)
def test_arrays_of_both_layouts(tmp_path, noise, shape, read):
    array = noise(*shape)
    np.savez(tmp_path / "x.npz", array)
    np.save(tmp_path / "x.npy", array)
    expected = array if shape == read else array.transpose(0, 3, 1, 2)
    for name in ("x.npz", "x.npy"):
        got = read_images(tmp_path / name).images
        assert got.shape == read
        assert (got == expected).all()


def test_labels_beside_arr_0_are_read(tmp_path, noise):
    np.savez_compressed(tmp_path / "x.npz", noise(4, 8, 8, 3), np.array([3, 1, 3, 7]))
    found = read_images(tmp_path / "x.npz")
    assert found.images.shape == (4, 3, 8, 8)
    assert found.labels.tolist() == [3, 1, 3, 7]
    assert found.classes == ()


def test_one_array_of_any_name_will_do(tmp_path, noise):
    np.savez(tmp_path / "x.npz", pictures=noise(4, 8, 8, 3))
    assert len(read_images(tmp_path / "x.npz")) == 4


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"a": np.zeros(3, np.uint8), "b": np.zeros(3, np.uint8)}, "holds a, b"),
        ({"arr_0": np.zeros((2, 8, 8, 3), np.float32)}, "arr_0 is float32"),
        ({"arr_0": np.zeros((2, 8, 8, 4), np.uint8)}, r"shape \(2, 8, 8, 4\)"),
        ({"arr_0": np.zeros((0, 8, 8, 3), np.uint8)}, r"shape \(0, 8, 8, 3\)"),
        ({"arr_0": np.array([{"a": 1}], dtype=object)}, "pickled objects, which are never loaded"),
    ],
)
def test_arrays_that_are_no_images(tmp_path, arrays, words):
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(UserError, match=words):
        read_images(tmp_path / "x.npz")


def test_a_truncated_npz(tmp_path, noise):
    np.savez(tmp_path / "x.npz", noise(20, 8, 8, 3))
    whole = (tmp_path / "x.npz").read_bytes()
    (tmp_path / "x.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="damaged"):
        read_images(tmp_path / "x.npz")


def test_an_npz_that_swells_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.data.limits.FREE_BYTES", 100_000)
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("arr_0.npy", bytes(10_000_000))
    with pytest.raises(UserError, match="zip bomb"):
        read_images(tmp_path / "x.npz")


@pytest.mark.parametrize("name", ["gone", "notes.txt"])
def test_what_is_nothing_to_score(tmp_path, name):
    if name == "notes.txt":
        (tmp_path / name).write_text("x")
    with pytest.raises(UserError, match=r"Expected a folder of images, an \.npz or"):
        read_images(tmp_path / name)


def test_folders_that_cannot_be_scored(tmp_path, photos):
    photos(tmp_path / "p", 2)
    photos(tmp_path / "p", 1, (20, 20), suffix="bmp")
    with pytest.raises(UserError, match="2 sizes"):
        read_images(tmp_path / "p")
    (tmp_path / "p" / "0000.bmp").write_bytes(b"BMnothing")
    with pytest.raises(UserError, match=r"1 of 3 files cannot be used: 0000\.bmp") as caught:
        read_images(tmp_path / "p")
    assert str(caught.value).endswith("Or leave them out and record them: --skip-broken.")


def style_zip(path: Path, noise, labels: object, folder: str = "00000") -> np.ndarray:
    """A zip as StyleGAN's dataset_tool writes it."""
    images = noise(6, 8, 8, 3)
    with zipfile.ZipFile(path, "w") as archive:
        for i, image in enumerate(images):
            file = io.BytesIO()
            Image.fromarray(image).save(file, "PNG")
            archive.writestr(f"{folder}/img{i:08d}.png", file.getvalue())
        archive.writestr("dataset.json", json.dumps({"labels": labels}))
    return images.transpose(0, 3, 1, 2)


def test_the_zip_of_stylegan_has_labels(tmp_path, noise, bench_home):
    labels = [[f"00000/img{i:08d}.png", 2 * i % 4] for i in range(6)]
    images = style_zip(tmp_path / "x.zip", noise, labels)
    for name in ("x.zip", "X.ZIP", "no suffix"):
        (tmp_path / "x.zip").rename(tmp_path / name)
        found = read_images(tmp_path / name)
        assert (found.images == images).all()
        assert found.labels.tolist() == [0, 1, 0, 1, 0, 1]
        assert found.classes == ("0", "2")
        (tmp_path / name).rename(tmp_path / "x.zip")
    assert [path.name for path in (bench_home / "data").iterdir()] == [".locks"]
    style_zip(tmp_path / "y.zip", noise, None)
    assert read_images(tmp_path / "y.zip").labels is None


@pytest.mark.parametrize("labels", [[["00000/img00000000.png", 1]], "x", [["a"]], 7])
def test_labels_of_stylegan_that_do_not_fit(tmp_path, noise, labels):
    style_zip(tmp_path / "x.zip", noise, labels)
    with pytest.raises(UserError, match=r"dataset\.json"):
        read_images(tmp_path / "x.zip")


def test_vectors_in_the_place_of_labels_are_left_alone_and_said(tmp_path, noise):
    style_zip(tmp_path / "x.zip", noise, [[f"00000/img{i:08d}.png", [0.5, 1.0]] for i in range(6)])
    found = read_images(tmp_path / "x.zip")
    assert found.labels is None
    assert any("not whole numbers" in note for note in found.notes)


def test_class_folders_and_splits_are_read(tmp_path, photos):
    for number, name in enumerate(("train/cat", "train/dog", "test/cat", "test/dog")):
        photos(tmp_path / "p" / name, 3, seed=number)
    found = read_images(f"folder:{tmp_path / 'p'}")
    assert found.classes == ("cat", "dog")
    assert found.part(held_out=True).images.shape == (6, 3, 16, 16)
    assert found.part(held_out=False).labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert len(found) == 12


def test_folders_that_are_not_understood_are_read_whole_and_said(tmp_path, photos):
    photos(tmp_path / "p" / "a", 3)
    photos(tmp_path / "p" / "b", 3, seed=1)
    photos(tmp_path / "p", 1, seed=2)
    found = read_images(tmp_path / "p")
    assert (len(found), found.labels, found.held_out) == (7, None, None)
    assert any("all images are used" in note for note in found.notes)


@pytest.mark.parametrize("suffix", ["npz", "NPZ", "npy", "dat"])
def test_arrays_of_grey_images_without_a_channel(tmp_path, noise, suffix):
    images = noise(5, 28, 28)
    path = tmp_path / f"x.{suffix}"
    with path.open("wb") as file:
        (np.save if suffix == "npy" else np.savez)(file, images)
    assert (read_images(path).images == images[:, None]).all()


def test_other_names_splits_and_one_hot_labels(tmp_path, noise):
    np.savez(tmp_path / "x.npz", images=noise(4, 8, 8, 1), labels=np.eye(3)[[2, 0, 1, 2]])
    assert read_images(tmp_path / "x.npz").labels.tolist() == [2, 0, 1, 2]
    np.savez(tmp_path / "y.npz", x_train=noise(4, 8, 8, 1), x_test=noise(2, 8, 8, 1, seed=1))
    assert read_images(tmp_path / "y.npz").held_out.tolist() == [False] * 4 + [True] * 2


def test_arrays_in_fortran_order(tmp_path, noise):
    images = noise(5, 6, 7, 3)
    np.save(tmp_path / "x.npy", np.asfortranarray(images))
    assert (read_images(tmp_path / "x.npy").images == images.transpose(0, 3, 1, 2)).all()


@pytest.mark.parametrize("size", [(8, 8), (48, 48), (100, 75), (299, 299), (1024, 1024), (13, 200)])
def test_any_size_is_read_as_it_is(tmp_path, photos, size):
    photos(tmp_path / "p", 2, size)
    assert read_images(tmp_path / "p").size == size


def test_several_sizes_need_a_resolution(tmp_path, photos):
    photos(tmp_path / "p", 2, (20, 30))
    photos(tmp_path / "p" / "q", 2, (50, 10), seed=1)
    with pytest.raises(UserError, match=r"2 sizes: 50 x 10, 20 x 30.*--resolution"):
        read_images(tmp_path / "p")
    found = read_images(tmp_path / "p", resolution=16)
    assert found.size == (16, 16)
    assert any("resize to 16" in note for note in found.notes)


def test_grey_saved_as_colour_becomes_grey_only_without_loss(tmp_path, noise):
    grey = noise(3, 8, 8)
    np.savez(tmp_path / "x.npz", np.repeat(grey[..., None], 3, 3))
    found = read_images(tmp_path / "x.npz")
    assert found.with_channels(3) is found
    assert (found.with_channels(1).images == grey[:, None]).all()
    assert "read as grey" in found.with_channels(1).notes[-1]
    assert (found.with_channels(1).with_channels(3).images == found.images).all()
    np.savez(tmp_path / "y.npz", noise(3, 8, 8, 3))
    with pytest.raises(UserError, match="image 0 has colour, grey images were expected"):
        read_images(tmp_path / "y.npz").with_channels(1)


def test_classes_are_matched_by_name():
    images = np.zeros((3, 1, 8, 8), np.uint8)
    fakes = ImageSet("fakes", images, np.array([0, 1, 1]), ("cat", "dog"))
    assert fakes.with_classes(("ape", "dog", "cat")).labels.tolist() == [2, 1, 1]
    with pytest.raises(UserError, match="class 'cat' is not one of ape, dog"):
        fakes.with_classes(("ape", "dog"))
    numbers = ImageSet("fakes", images, np.array([0, 1, 5]))
    assert numbers.with_classes([str(i) for i in range(6)]).labels.tolist() == [0, 1, 5]
    with pytest.raises(UserError, match=r"label 5; expected 0 to 4"):
        numbers.with_classes([str(i) for i in range(5)])


def test_jpeg_files_are_said_by_content(tmp_path, photos):
    for path in photos(tmp_path / "p", 3, suffix="jpg"):
        path.rename(path.with_suffix(".png"))
    assert read_images(tmp_path / "p").lossy
    photos(tmp_path / "q", 3)
    assert not read_images(tmp_path / "q").lossy


def test_which_sources_are_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    (tmp_path / "mine").mkdir()
    assert source_path("digits") is None  # the data set of that name comes first
    assert source_path("./digits") == Path("digits")
    assert source_path("mine") == Path("mine")
    assert source_path("folder:mine?labels=none") == Path("mine")
    assert source_path("nothing here") is None
    assert source_path(Path("nothing here")) == Path("nothing here")


def test_memory_is_asked_before_it_is_taken(tmp_path, noise, monkeypatch):
    np.savez(tmp_path / "x.npz", noise(20, 8, 8, 3))
    memory = namedtuple("memory", "available")
    monkeypatch.setattr("psutil.virtual_memory", lambda: memory(1000))
    with pytest.raises(UserError, match=r"takes 0\.0 GB of memory, 0\.0 GB are available"):
        read_images(tmp_path / "x.npz")


def test_an_npz_is_in_memory_once(tmp_path):
    import tracemalloc

    np.savez(tmp_path / "x.npz", np.zeros((300, 256, 256, 3), np.uint8))  # 59 MB, channels last
    tracemalloc.start()
    found = read_images(tmp_path / "x.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < found.images.nbytes + 40e6  # the images and two chunks of 16 MB

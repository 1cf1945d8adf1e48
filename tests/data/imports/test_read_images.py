import zipfile

import numpy as np
import pytest
from PIL import Image

from bench.data import read_images
from bench.errors import UserError


def test_a_folder_is_read_in_the_order_of_its_paths(tmp_path, photos):
    paths = photos(tmp_path / "p", 5, (10, 6)) + photos(tmp_path / "p" / "q", 2, (10, 6), seed=1)
    images = read_images(tmp_path / "p")
    assert images.shape == (7, 3, 6, 10)
    assert all(
        (image == np.asarray(Image.open(path)).transpose(2, 0, 1)).all()
        for image, path in zip(images, paths, strict=True)
    )


def test_grey_images_have_one_channel(tmp_path, photos):
    photos(tmp_path / "p", 2, mode="L")
    assert read_images(tmp_path / "p").shape == (2, 1, 16, 16)


@pytest.mark.parametrize(
    ("shape", "read"), [((5, 8, 8, 3), (5, 3, 8, 8)), ((5, 3, 8, 8), (5, 3, 8, 8)), ((5, 8, 8, 1), (5, 1, 8, 8))]
)
def test_arrays_of_both_layouts(tmp_path, noise, shape, read):
    array = noise(*shape)
    np.savez(tmp_path / "x.npz", array)
    np.save(tmp_path / "x.npy", array)
    expected = array if shape == read else array.transpose(0, 3, 1, 2)
    for name in ("x.npz", "x.npy"):
        got = read_images(tmp_path / name)
        assert got.shape == read
        assert (got == expected).all()


def test_labels_beside_arr_0_are_left_alone(tmp_path, noise):
    np.savez_compressed(tmp_path / "x.npz", noise(4, 8, 8, 3), np.arange(4))
    assert read_images(tmp_path / "x.npz").shape == (4, 3, 8, 8)


def test_one_array_of_any_name_will_do(tmp_path, noise):
    np.savez(tmp_path / "x.npz", samples=noise(4, 8, 8, 3))
    assert len(read_images(tmp_path / "x.npz")) == 4


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"a": np.zeros(3, np.uint8), "b": np.zeros(3, np.uint8)}, "holds a, b"),
        ({"arr_0": np.zeros((2, 8, 8, 3), np.float32)}, "found float32"),
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
    with pytest.raises(UserError, match="cannot be read"):
        read_images(tmp_path / "x.npz")


def test_an_npz_that_swells_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.data.imports.archives.BOMB_BYTES", 100_000)
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("arr_0.npy", bytes(10_000_000))
    with pytest.raises(UserError, match="zip bomb"):
        read_images(tmp_path / "x.npz")


@pytest.mark.parametrize("name", ["gone", "notes.txt"])
def test_what_is_nothing_to_score(tmp_path, name):
    if name == "notes.txt":
        (tmp_path / name).write_text("x")
    with pytest.raises(UserError, match=r"Expected a folder of images or an \.npz file"):
        read_images(tmp_path / name)


def test_folders_that_cannot_be_scored(tmp_path, photos):
    photos(tmp_path / "p", 2)
    photos(tmp_path / "p", 1, (20, 20), suffix="bmp")
    with pytest.raises(UserError, match="2 sizes"):
        read_images(tmp_path / "p")
    (tmp_path / "p" / "0000.bmp").write_bytes(b"BMnothing")
    with pytest.raises(UserError, match=r"1 of 3 files cannot be used: 0000\.bmp") as caught:
        read_images(tmp_path / "p")
    assert "skip" not in str(caught.value)

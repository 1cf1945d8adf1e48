from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.data import info, load
from bench.errors import UserError


def side_by_side(folder: Path, noise, count: int, seed: int = 0, side: int = 16) -> list[tuple[np.ndarray, np.ndarray]]:
    """A|B pictures; returns the halves (left, right), each (3, side, side)."""
    folder.mkdir(parents=True, exist_ok=True)
    halves = []
    for i in range(count):
        both = noise(side, 2 * side, 3, seed=100 * seed + i)
        Image.fromarray(both).save(folder / f"{i}.png")
        halves.append((both[:, :side].transpose(2, 0, 1), both[:, side:].transpose(2, 0, 1)))
    return halves


def pairs_of(split) -> set[tuple[bytes, bytes]]:
    return {(image.tobytes(), source.tobytes()) for image, source in zip(split.images, split.source, strict=True)}


def test_side_by_side_pictures_have_their_source_on_the_right(tmp_path, noise):
    halves = side_by_side(tmp_path / "p" / "train", noise, 6)
    tests = side_by_side(tmp_path / "p" / "test", noise, 3, seed=1)
    side_by_side(tmp_path / "p" / "val", noise, 2, seed=2)
    data = load(f"pairs:{tmp_path / 'p'}")
    assert data.train.paired
    assert pairs_of(data.train) == {(left.tobytes(), right.tobytes()) for left, right in halves}
    assert pairs_of(data.held_out) == {(left.tobytes(), right.tobytes()) for left, right in tests}
    assert data.source_channels == 3
    turned = load(f"pairs:{tmp_path / 'p'}?source=left")
    assert pairs_of(turned.train) == {(right.tobytes(), left.tobytes()) for left, right in halves}
    assert turned.digest != data.digest


def test_without_splits_pairs_are_held_out_by_content(tmp_path, noise):
    side_by_side(tmp_path / "p", noise, 20)
    data = load(f"pairs:{tmp_path / 'p'}", resolution=8)
    assert len(data.train) + len(data.held_out) == 20
    assert len(data.held_out) >= 1
    assert data.train.images.shape[1:] == data.train.source.shape[1:] == (3, 8, 8)


def place(folder: Path, noise, names: list[str], mode: str = "RGB", seed: int = 0, side: int = 16) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(names):
        shape = (side, side, 3) if mode == "RGB" else (side, side)
        Image.fromarray(noise(*shape, seed=50 * seed + i)).save(folder / name)


@pytest.mark.parametrize("layout", ["{domain}/{split}", "{split}/{domain}", "{split}{domain}"])
def test_parallel_folders(tmp_path, noise, layout):
    """Matched by name, whatever the suffix; A in colour, B (the source unless said otherwise) grey."""
    for number, split in enumerate(("train", "test")):
        place(tmp_path / "p" / layout.format(domain="A", split=split), noise, ["x.png", "y.png", "z.bmp"], seed=number)
        place(
            tmp_path / "p" / layout.format(domain="B", split=split),
            noise,
            ["z.png", "x.png", "y.bmp"],
            "L",
            seed=9 + number,
        )
    data = load(f"pairs:{tmp_path / 'p'}")
    assert (len(data.train), len(data.held_out), data.channels, data.source_channels) == (3, 3, 3, 1)
    train_a, train_b = (tmp_path / "p" / layout.format(domain=domain, split="train") for domain in "AB")
    expected = (
        np.asarray(Image.open(train_a / "z.bmp")).transpose(2, 0, 1).tobytes(),
        np.asarray(Image.open(train_b / "z.png")).tobytes(),
    )
    assert expected in pairs_of(data.train)
    turned = load(f"pairs:{tmp_path / 'p'}?source=A")
    assert (turned.channels, turned.source_channels) == (1, 3)


def test_pairs_that_are_none_are_named(tmp_path, noise):
    place(tmp_path / "p" / "A", noise, ["x.png", "y.png"])
    place(tmp_path / "p" / "B", noise, ["x.png", "q.png"])
    with pytest.raises(UserError, match=r"2 images have no partner, the first is q of B.*unpaired:PATH_A,PATH_B"):
        load(f"pairs:{tmp_path / 'p'}")
    (tmp_path / "p" / "B" / "q.png").rename(tmp_path / "p" / "B" / "y.png")
    Image.new("RGB", (16, 20)).save(tmp_path / "p" / "A" / "y.png")
    with pytest.raises(UserError, match=r"A/y\.png and B/y\.png differ in size"):
        load(f"pairs:{tmp_path / 'p'}")


def test_side_by_side_pictures_of_odd_width_or_shape(tmp_path, noise):
    (tmp_path / "p").mkdir()
    Image.new("RGB", (33, 16)).save(tmp_path / "p" / "a.png")
    with pytest.raises(UserError, match=r"a\.png \(33 x 16\) cannot be halved"):
        load(f"pairs:{tmp_path / 'p'}")
    Image.new("RGB", (16, 16)).save(tmp_path / "p" / "a.png")
    with pytest.raises(UserError, match=r"too narrow for two side by side, the first is a\.png \(16 x 16\)"):
        load(f"pairs:{tmp_path / 'p'}")
    with pytest.raises(UserError, match="8 x 16; expected squares"):
        load(f"pairs:{tmp_path / 'p'}?form=halves")
    with pytest.raises(UserError, match="source=up; expected one of right, left, B, A"):
        load(f"pairs:{tmp_path / 'p'}?source=up")


def test_broken_pairs_are_named_or_skipped(tmp_path, noise):
    side_by_side(tmp_path / "p", noise, 6, side=64)
    whole = (tmp_path / "p" / "3.png").read_bytes()
    (tmp_path / "p" / "3.png").write_bytes(whole[:2000])
    with pytest.raises(UserError, match=r"1 of 6 files cannot be used: 3\.png"):
        load(f"pairs:{tmp_path / 'p'}")
    found = info(f"pairs:{tmp_path / 'p'}", skip_broken=True)
    assert found.train + found.held_out == 5
    assert len(found.skipped) == 1


def test_unpaired_folders_translate_a_to_b(tmp_path, photos):
    photos(tmp_path / "horses", 30, seed=1)
    photos(tmp_path / "zebras", 20, mode="L", seed=2)
    name = f"unpaired:{tmp_path / 'horses'},{tmp_path / 'zebras'}"
    data = load(name)
    assert not data.train.paired
    assert (data.channels, data.source_channels) == (1, 3)
    found = info(name)
    assert found.train + found.held_out == 20
    assert found.train_source + found.held_out_source == 30
    sources = {image.tobytes() for split in (data.train, data.held_out) for image in split.source}
    first = np.asarray(Image.open(tmp_path / "horses" / "0000.png")).transpose(2, 0, 1)
    assert first.tobytes() in sources


def test_unpaired_as_cyclegan_ships_it(tmp_path, photos):
    for number, (name, count) in enumerate({"trainA": 5, "trainB": 4, "testA": 3, "testB": 2}.items()):
        photos(tmp_path / "h2z" / name, count, seed=number)
    found = info(f"unpaired:{tmp_path / 'h2z'}")
    assert (found.train, found.held_out, found.train_source, found.held_out_source) == (4, 2, 5, 3)


def test_unpaired_names_that_say_too_little_or_too_much(tmp_path, photos):
    photos(tmp_path / "p", 3)
    with pytest.raises(UserError, match="no folder has the name of a domain"):
        load(f"unpaired:{tmp_path / 'p'}")
    with pytest.raises(UserError, match="expected unpaired:PATH_A,PATH_B"):
        load(f"unpaired:{tmp_path / 'p'},{tmp_path / 'p'},{tmp_path / 'p'}")
    with pytest.raises(UserError, match="there is no such folder"):
        load(f"unpaired:{tmp_path / 'p'},{tmp_path / 'gone'}")


def test_facades_come_from_the_data_root(tmp_path, noise):
    halves = side_by_side(tmp_path / "root" / "facades" / "train", noise, 5)
    side_by_side(tmp_path / "root" / "facades" / "test", noise, 3, seed=1)
    data = load("facades", data_root=tmp_path / "root")
    assert (len(data.train), len(data.held_out)) == (5, 3)
    assert (halves[0][0].tobytes(), halves[0][1].tobytes()) in pairs_of(data.train)
    with pytest.raises(UserError, match="no automatic download"):
        load("facades", data_root=tmp_path, refresh=True)


def test_real_facades(real_root):
    data = load("facades", data_root=real_root)
    assert (len(data.train), len(data.held_out)) == (400, 106)
    red, _, blue = data.train.source.mean((0, 2, 3))
    assert blue > 2 * red  # the background of the label maps is blue
    red, _, blue = data.train.images.mean((0, 2, 3))
    assert 0.8 < blue / red < 1.2  # walls are not

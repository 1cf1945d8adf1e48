import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.data import info, load
from bench.data.folders import decode
from bench.errors import UserError


def leftovers(home: Path) -> list[str]:
    """Whatever a failed preparation left in the cache."""
    data = home / "data"
    return [path.name for path in data.iterdir() if path.name != ".locks"] if data.is_dir() else []


def test_a_flat_folder(tmp_path, photos):
    paths = photos(tmp_path / "p", 40)
    data = load(f"folder:{tmp_path / 'p'}")
    assert data.train.images.shape[1:] == (3, 16, 16)
    assert len(data.train) + len(data.held_out) == 40
    assert len(data.held_out) >= 1
    assert data.train.labels is None
    assert data.classes == ()
    assert data.train.images.dtype == np.uint8
    assert not data.train.images.flags.writeable
    stored = {image.tobytes() for split in (data.train, data.held_out) for image in split.images}
    assert stored == {np.asarray(Image.open(path)).transpose(2, 0, 1).tobytes() for path in paths}


def test_the_digest_and_the_order_of_rows_depend_on_the_content_alone(tmp_path, photos):
    paths = photos(tmp_path / "one", 12)
    (tmp_path / "two" / "deep" / "down").mkdir(parents=True)
    for i, path in enumerate(reversed(paths)):  # other names, other places, another format
        Image.open(path).save(tmp_path / "two" / "deep" / "down" / f"z{i}.bmp")
    one, two = load(f"folder:{tmp_path / 'one'}"), load(f"folder:{tmp_path / 'two'}")
    assert one.digest == two.digest
    assert (one.train.images == two.train.images).all()
    assert (one.held_out.images == two.held_out.images).all()


def test_the_digest_notices_a_pixel_a_label_a_split(tmp_path, photos):
    photos(tmp_path / "a" / "cat", 6, seed=1)
    photos(tmp_path / "a" / "dog", 6, seed=2)
    base = load(f"folder:{tmp_path / 'a'}").digest
    shutil.copytree(tmp_path / "a", tmp_path / "pixel")
    changed = np.array(Image.open(tmp_path / "pixel" / "cat" / "0000.png"))
    changed[3, 3, 1] ^= 1
    Image.fromarray(changed).save(tmp_path / "pixel" / "cat" / "0000.png")
    shutil.copytree(tmp_path / "a", tmp_path / "label")
    (tmp_path / "label" / "cat" / "0000.png").rename(tmp_path / "label" / "dog" / "moved.png")
    shutil.copytree(tmp_path / "a", tmp_path / "split" / "train")
    (tmp_path / "split" / "test" / "cat").mkdir(parents=True)
    (tmp_path / "split" / "train" / "cat" / "0001.png").rename(tmp_path / "split" / "test" / "cat" / "x.png")
    digests = [load(f"folder:{tmp_path / name}").digest for name in ("pixel", "label", "split")]
    assert len({base, *digests}) == 4


def test_subfolders_are_classes_unless_told_otherwise(tmp_path, photos):
    for number, name in enumerate(("zebra", "ape", "cat")):
        photos(tmp_path / "zoo" / name / "deeper", 5, seed=number)
    data = load(f"folder:{tmp_path / 'zoo'}")
    assert data.classes == ("ape", "cat", "zebra")
    assert sorted(np.bincount(np.concatenate([data.train.labels, data.held_out.labels]))) == [5, 5, 5]
    first = np.asarray(Image.open(tmp_path / "zoo" / "zebra" / "deeper" / "0000.png")).transpose(2, 0, 1)
    for split in (data.train, data.held_out):
        hit = (split.images == first).all((1, 2, 3))
        assert set(split.labels[hit]) <= {2}
    assert load(f"folder:{tmp_path / 'zoo'}?labels=none").classes == ()


def test_train_and_test_subfolders_are_the_splits(tmp_path, photos):
    photos(tmp_path / "p" / "train", 7, seed=1)
    photos(tmp_path / "p" / "test", 3, seed=2)
    photos(tmp_path / "p" / "val", 2, seed=3)
    data = load(f"folder:{tmp_path / 'p'}")
    assert (len(data.train), len(data.held_out)) == (7, 3)


def test_the_held_out_side_does_not_move_when_images_are_added_or_resized(tmp_path, photos):
    photos(tmp_path / "p", 60, (32, 32))
    before = {image.tobytes() for image in load(f"folder:{tmp_path / 'p'}").held_out.images}
    small = load(f"folder:{tmp_path / 'p'}", resolution=16)
    assert len(small.held_out) == len(before)
    photos(tmp_path / "p" / "more", 60, (32, 32), seed=1)
    after = {image.tobytes() for image in load(f"folder:{tmp_path / 'p'}?labels=none").held_out.images}
    assert before < after


def test_copies_are_counted_and_never_on_both_sides(tmp_path, photos):
    for path in photos(tmp_path / "p", 30):
        shutil.copy(path, path.with_name(f"copy-{path.name}"))
    found = info(f"folder:{tmp_path / 'p'}")
    assert found.duplicates == 30
    data = load(f"folder:{tmp_path / 'p'}")
    train, held_out = ({image.tobytes() for image in split.images} for split in (data.train, data.held_out))
    assert not train & held_out


def test_images_of_any_size_are_cropped_and_resized(tmp_path, photos):
    photos(tmp_path / "p", 3, (40, 30))
    photos(tmp_path / "p" / "q", 3, (21, 50), seed=1)
    data = load(f"folder:{tmp_path / 'p'}", resolution=16)
    assert data.train.images.shape[1:] == (3, 16, 16)
    assert data.preprocessing == "centre crop to square; resize to 16 bicubic antialias; RGB; uint8"
    image = Image.open(tmp_path / "p" / "0000.png").crop((5, 0, 35, 30)).resize((16, 16), Image.Resampling.BICUBIC)
    expected = np.asarray(image).transpose(2, 0, 1)
    assert any((row == expected).all() for split in (data.train, data.held_out) for row in split.images)


def test_grey_among_colour_becomes_rgb_and_is_noted(tmp_path, photos):
    photos(tmp_path / "p", 4)
    photos(tmp_path / "p" / "grey", 2, mode="L", seed=1)
    found = info(f"folder:{tmp_path / 'p'}")
    assert found.shape == (3, 16, 16)
    assert found.notes == ("2 of 6 images are grey and became RGB",)


def test_grey_alone_stays_grey(tmp_path, photos):
    photos(tmp_path / "p", 4, mode="L")
    assert load(f"folder:{tmp_path / 'p'}").channels == 1


def test_a_class_with_one_image_and_enlarged_images_are_noted(tmp_path, photos):
    photos(tmp_path / "p" / "many", 5)
    photos(tmp_path / "p" / "lonely", 1, seed=1)
    notes = info(f"folder:{tmp_path / 'p'}", resolution=32).notes
    assert any(note.startswith("no image is") and "class lonely" in note for note in notes)
    assert any("smaller than 32 x 32 and were enlarged" in note for note in notes)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_too_few_images_are_refused(tmp_path, photos, bench_home, count):
    photos(tmp_path / "p", count)
    with pytest.raises(UserError, match=rf"{count} different images\. At least 4 .*: 2 to train on and 2 to hold out"):
        load(f"folder:{tmp_path / 'p'}")
    assert not leftovers(bench_home)


@pytest.mark.parametrize("count", [4, 5, 20, 40])
def test_small_sets_hold_out_two_at_least(tmp_path, photos, count):
    for seed in range(6):
        photos(tmp_path / f"p{seed}", count, (8, 8), seed=seed)
        data = load(f"folder:{tmp_path / f'p{seed}'}")
        assert min(len(data.train), len(data.held_out)) >= 2
        assert len(data.train) + len(data.held_out) == count


def test_copies_alone_are_no_set(tmp_path, photos):
    for path in photos(tmp_path / "p", 3):
        shutil.copy(path, path.with_name(f"copy-{path.name}"))
    with pytest.raises(UserError, match="3 different images"):
        load(f"folder:{tmp_path / 'p'}")


def test_links_are_followed_once(tmp_path, photos):
    photos(tmp_path / "elsewhere", 5)
    (tmp_path / "p").mkdir()
    for path in (tmp_path / "elsewhere").iterdir():
        (tmp_path / "p" / path.name).symlink_to(path)
    (tmp_path / "p" / "loop").symlink_to(tmp_path / "p")
    data = load(f"folder:{tmp_path / 'p'}")
    assert len(data.train) + len(data.held_out) == 5


def test_hidden_files_are_no_images(tmp_path, photos):
    photos(tmp_path / "p", 4)
    for name in (".complete", ".DS_Store", "Thumbs.db"):
        (tmp_path / "p" / name).write_text("x")
    assert len(load(f"folder:{tmp_path / 'p'}").train) == 2


def test_a_changed_folder_is_prepared_anew(tmp_path, photos):
    photos(tmp_path / "p", 10)
    before = load(f"folder:{tmp_path / 'p'}")
    assert load(f"folder:{tmp_path / 'p'}").digest == before.digest
    photos(tmp_path / "p" / "new", 1, seed=9)
    after = load(f"folder:{tmp_path / 'p'}")
    assert len(after.train) + len(after.held_out) == 11


def spoil(path: Path, how: str) -> Path:
    """A file that cannot be used, beside good ones."""
    if how == "truncated":
        good = path.with_suffix(".jpg")
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(good)
        good.write_bytes(good.read_bytes()[:1500])
        return good
    if how == "not an image":
        path.write_text("notes")
    elif how == "empty":
        path.touch()
    elif how == "animated":
        path = path.with_suffix(".gif")
        frames = [Image.new("L", (16, 16), shade) for shade in (0, 255)]
        frames[0].save(path, save_all=True, append_images=frames[1:])
    elif how == "link to nothing":
        path.symlink_to(path.parent / "gone")
    return path


@pytest.mark.parametrize("how", ["truncated", "not an image", "empty", "animated", "link to nothing"])
def test_a_file_that_cannot_be_used_is_named_and_counted_or_skipped(tmp_path, photos, bench_home, how):
    photos(tmp_path / "p", 8)
    bad = spoil(tmp_path / "p" / "spoilt.png", how)
    with pytest.raises(UserError, match="1 of 9 files cannot be used") as caught:
        load(f"folder:{tmp_path / 'p'}", resolution=16)
    assert bad.name in str(caught.value)
    assert "--skip-broken" in str(caught.value)
    assert not leftovers(bench_home)
    found = info(f"folder:{tmp_path / 'p'}", resolution=16, skip_broken=True)
    assert found.train + found.held_out == 8
    assert len(found.skipped) == 1
    assert found.skipped[0].startswith(bad.name)


def test_all_broken_files_are_counted_whatever_is_wrong_with_them(tmp_path, photos):
    photos(tmp_path / "p", 8)
    for how in ("truncated", "not an image", "animated"):
        spoil(tmp_path / "p" / f"{how}.png", how)
    with pytest.raises(UserError, match="3 of 11 files"):
        load(f"folder:{tmp_path / 'p'}", resolution=16)


def test_skipping_every_file_is_no_data_set(tmp_path, bench_home):
    (tmp_path / "p").mkdir()
    spoil(tmp_path / "p" / "a.png", "not an image")
    with pytest.raises(UserError, match="1 of 1 files"):
        load(f"folder:{tmp_path / 'p'}", skip_broken=True)
    assert not leftovers(bench_home)


def test_an_unreadable_file_is_named(tmp_path, photos, monkeypatch):
    """Simulated, as the tests may run as a user who may read everything."""
    bad = photos(tmp_path / "p", 4)[2]
    real = decode.open_regular

    def refuse(path):
        if path == bad:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(decode, "open_regular", refuse)
    with pytest.raises(UserError, match=r"0002\.png: not readable \(permission denied\)"):
        load(f"folder:{tmp_path / 'p'}")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "there is no such folder"),
        (lambda path: path.mkdir(), "holds no files"),
        (lambda path: path.write_text("x"), "it is a file"),
    ],
)
def test_a_folder_that_is_none(tmp_path, make, words):
    make(tmp_path / "p")
    with pytest.raises(UserError, match=words):
        load(f"folder:{tmp_path / 'p'}", resolution=16)


def test_several_sizes_need_a_resolution(tmp_path, photos):
    photos(tmp_path / "p", 3)
    photos(tmp_path / "p" / "odd", 1, (20, 20), seed=1)
    with pytest.raises(UserError, match=r"2 sizes: most are 16 x 16, odd/0000\.png is not.*--resolution"):
        load(f"folder:{tmp_path / 'p'}")


def test_a_size_that_no_member_is_built_for_needs_a_resolution(tmp_path, photos):
    photos(tmp_path / "p", 3, (20, 20))
    with pytest.raises(UserError, match=r"20 x 20; expected squares of 8, 16.*--resolution"):
        load(f"folder:{tmp_path / 'p'}")
    with pytest.raises(UserError, match="resolution 20; expected one of 8"):
        load(f"folder:{tmp_path / 'p'}", resolution=20)


def test_options_are_checked(tmp_path, photos):
    photos(tmp_path / "p", 3)
    with pytest.raises(UserError, match="labels=maybe; expected one of auto, none, folders"):
        load(f"folder:{tmp_path / 'p'}?labels=maybe")
    with pytest.raises(UserError, match=r"unknown option of folder:PATH 'lables'\. Did you mean 'labels'"):
        load(f"folder:{tmp_path / 'p'}?lables=none")


def test_thousands_of_files_take_little_memory(tmp_path, photos):
    """Pictures go to the disk as they come: the peak stays far below the size of the set."""
    import tracemalloc

    first = photos(tmp_path / "p", 1, (256, 256))[0]
    for i in range(1, 400):
        os.link(first, tmp_path / "p" / f"{i:04d}.png")  # 79 MB of pixels; three more make two splits
    photos(tmp_path / "p" / "other", 3, (256, 256), seed=1)
    tracemalloc.start()
    data = load(f"folder:{tmp_path / 'p'}?labels=none")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert data.train.images.nbytes + data.held_out.images.nbytes > 78e6
    assert peak < 60e6

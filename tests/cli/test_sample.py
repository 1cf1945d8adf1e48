"""`bench sample` and `bench score`."""

import hashlib
import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from bench.records import record as records


def across(images: int) -> int:
    """Pixels of so many images of 16 px in a row, with lines of 2 px between them."""
    return 16 * images + 2 * (images - 1)


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.array(picture)


def test_sample_draws_from_a_record_or_a_checkpoint(after, toys, tmp_path):
    source = after.record
    code, _, err = after("sample", source, "--n", 5, "--out", tmp_path / "five.npz", "--debug")
    assert code == 0, err
    with np.load(tmp_path / "five.npz") as file:
        images = file["arr_0"]
    assert images.shape == (5, 16, 16, 1)
    assert images.dtype == np.uint8
    checkpoint = next((after.folder / "home").rglob(f"{source.stem}/last.pt"))
    assert after("sample", checkpoint, "--n", 5, "--out", tmp_path / "folder")[0] == 0
    files = sorted((tmp_path / "folder").iterdir())
    assert [np.array(Image.open(path)).tolist() for path in files] == images[..., 0].tolist()
    assert after("sample", source, "--n", 9, "--seed", 3, "--grid", "--out", tmp_path / "grid.png")[0] == 0
    assert pixels(tmp_path / "grid.png").shape == (across(2), across(8))
    assert after("sample", source, "--n", 20, "--interpolate", "--out", tmp_path / "path.png")[0] == 0
    assert pixels(tmp_path / "path.png").shape == (across(2), across(10))


def test_pictures_say_where_they_come_from_until_they_are_saved_again(after, toys, tmp_path):
    grid = tmp_path / "grid.png"
    assert after("sample", after.record, "--n", 4, "--seed", 3, "--grid", "--out", grid)[0] == 0
    assert after("sample", after.record, "--n", 2, "--seed", 3, "--out", tmp_path / "two")[0] == 0
    checkpoint = next((after.folder / "home").rglob(f"{after.record.stem}/last.pt"))
    for path in (grid, tmp_path / "two" / "000001.png"):
        with Image.open(path) as picture:
            said = dict(getattr(picture, "text"))  # noqa: B009 - only PNG has it
            picture.save(tmp_path / "again.png")
            picture.save(tmp_path / "again.jpg")
        packet = ElementTree.fromstring(said["XML:com.adobe.xmp"])
        kinds = [value for node in packet.iter() for key, value in node.items() if key.endswith("}DigitalSourceType")]
        assert kinds == ["http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"]
        assert said["gan-bench:source"] == after.record.name
        assert said["gan-bench:seed"] == "3"
        assert said["gan-bench:checkpoint"] == hashlib.sha256(checkpoint.read_bytes()).hexdigest()
        for name in ("again.png", "again.jpg"):
            assert b"trainedAlgorithmicMedia" not in (tmp_path / name).read_bytes()
    assert (pixels(tmp_path / "again.png") == pixels(tmp_path / "two" / "000001.png")).all()


def test_score_reads_what_sample_wrote(after, toys, tmp_path):
    after("sample", after.record, "--n", 120, "--out", tmp_path / "fakes.npz")
    fakes = ("--real", "digits", "--fake", tmp_path / "fakes.npz")
    code, out, _ = after("score", *fakes, "--metric", "fid@digits-cnn", "--json")
    assert code == 0
    (row,) = json.loads(out)
    assert row["samples_fake"] == 120
    assert {"error", "baseline", "flags"} < row.keys()
    reported = records.read(after.record).scores
    scores = {s.metric: s.value for s in reported if s.sample_seed == 0 and s.checkpoint == "last"}
    assert row["value"] == pytest.approx(scores["fid@digits-cnn"], rel=1e-6)  # the same seed, the same images


def test_a_checkpoint_that_belongs_elsewhere_is_refused(after, toys, tmp_path):
    from bench.errors import UserError
    from bench.training import checkpoint

    path = next((after.folder / "home").rglob("0-*/last.pt"))
    identity = checkpoint.identity_of(checkpoint.load(path))
    other = type(identity)(**{**vars(identity), "member": "dcgan"})
    with pytest.raises(UserError, match="it was written by member 'toy', expected 'dcgan'"):
        checkpoint.load(path, other)
    damaged = tmp_path / "last.pt"
    damaged.write_bytes(path.read_bytes()[:1000])
    assert "damaged" in after.refuses("sample", damaged, "--out", tmp_path / "x.npz")

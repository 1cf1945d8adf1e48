"""`bench filter`, and `bench sample --keep`."""

import json

import numpy as np
import pytest
from PIL import Image

from bench.filtering.selection import best

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("by", ["realism", "critic"])
def test_a_curve_has_a_point_for_every_rate_and_sample(after, toys, tmp_path, by):
    out = tmp_path / "curve.json"
    asked = ("filter", after.record, "--by", by, "--rates", "1,0.5", "--repeats", 2, "--out", out)
    code, said, err = after(*asked)
    assert code == 0, err
    found = json.loads(out.read_text())
    assert [(point["rate"], point["seed"]) for point in found["points"]] == [(1, 0), (0.5, 0), (1, 1), (0.5, 1)]
    assert [point["candidates"] for point in found["points"]] == [120, 240, 120, 240]
    assert set(found["points"][0]["scores"]) == {f"{name}@digits-cnn" for name in ("fid", "precision", "recall")}
    assert "100%" in said
    assert f"{by} puts a held-out image above a generated one" in said
    before = out.read_bytes()
    after(*asked)
    assert out.read_bytes() == before


def test_at_rate_1_the_scores_are_those_of_the_record(after, toys):
    code, said, err = after(
        "filter", after.record, "--rates", "1", "--repeats", 1, "--metric", "fid@digits-cnn", "--json"
    )
    assert code == 0, err
    recorded = {
        score["sample_seed"]: score["value"]
        for score in json.loads(after.record.read_text())["scores"]
        if score["metric"] == "fid@digits-cnn" and score["checkpoint"] == "last"
    }
    assert json.loads(said)["points"][0]["scores"]["fid@digits-cnn"] == pytest.approx(recorded[0], rel=1e-6)


def test_a_sample_keeps_the_best_of_more_and_its_pictures_say_so(after, toys, tmp_path):
    assert after("sample", after.record, "--n", 40, "--out", tmp_path / "all.npz")[0] == 0
    keep = ("--keep", 0.25, "--by", "realism")
    assert after("sample", after.record, "--n", 10, *keep, "--out", tmp_path / "best.npz")[0] == 0
    assert after("sample", after.record, "--n", 10, *keep, "--out", tmp_path / "best")[0] == 0
    whole, kept = (np.load(tmp_path / f"{name}.npz")["arr_0"] for name in ("all", "best"))
    places = [index for index, image in enumerate(whole) if any(np.array_equal(image, one) for one in kept)]
    assert len(places) == len(kept) == 10
    assert np.array_equal(whole[places], kept)
    with Image.open(tmp_path / "best" / "000000.png") as picture:
        assert getattr(picture, "text")["gan-bench:kept"] == "the best 0.25 by realism"  # noqa: B009


def test_what_is_kept_is_what_realism_says(after, toys, tmp_path):
    import torch

    from bench import data
    from bench.features import networks
    from bench.features.sample import Sample
    from bench.metrics.realism import realism

    assert after("sample", after.record, "--n", 40, "--out", tmp_path / "all.npz")[0] == 0
    assert after("sample", after.record, "--n", 10, "--keep", 0.25, "--out", tmp_path / "best.npz")[0] == 0
    whole, kept = (np.load(tmp_path / f"{name}.npz")["arr_0"] for name in ("all", "best"))
    extractor = networks.load("digits-cnn")
    real = Sample.of(np.asarray(data.load("digits", resolution=16).train.images), name="real").features(extractor)
    fake = Sample.of(torch.from_numpy(np.moveaxis(whole, -1, 1).copy()), name="fake").features(extractor)
    assert np.array_equal(whole[best(realism(real.features, fake.features), 10)], kept)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("filter", "--rates", "0"), "--rates 0"),
        (("filter", "--rates", "2"), "--rates 2"),
        (("filter", "--rates", "half"), "--rates half"),
        (("filter", "--metric", "nonsense"), "nonsense"),
        (("filter", "--real", "folder:nowhere"), "nowhere"),
        (("filter", "--extractor", "nonsense"), "nonsense"),
        (("sample", "--keep", "0.5", "--interpolate", "--out", "path.png"), "--keep"),
    ],
)
def test_what_cannot_be_is_refused(after, toys, asked, said):
    verb, *rest = asked
    assert said in after.refuses(verb, after.record, *rest)

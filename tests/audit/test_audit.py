"""Attributes, groups and the verbs, on digits."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from bench import data
from bench.audit.attributes import Attribute, crossed, merged, read_attributes
from bench.audit.groups import groups
from bench.cli import main
from bench.errors import UserError


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("audit")
    train = data.load("digits").train
    images, labels = np.moveaxis(np.array(train.images), 1, -1), np.array(train.labels)
    np.savez(place / "all.npz", images)
    np.savez(place / "no3.npz", images[labels != 3])
    np.savez(place / "few.npz", images[:3])
    np.savez(place / "wide.npz", np.repeat(images[:40], 2, axis=2))
    np.savez(place / "labelled.npz", images, labels)
    ink = images.mean((1, 2, 3))
    (place / "ink.csv").write_text("ink\n" + "\n".join(np.where(ink > np.median(ink), "much", "little")) + "\n")
    np.savez(place / "thick.npz", images[ink > np.median(ink)])
    return place


def run(capsys, *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


def test_a_class_that_is_missing_is_flagged(folder, capsys, tmp_path):
    page = tmp_path / "audit.html"
    code, out, _ = run(
        capsys, "audit", "balance", folder / "no3.npz", "--real", "digits", "--json", "--page", page, "--device", "cpu"
    )
    found = json.loads(out)
    assert code == 0
    assert found["flagged"]
    verdicts = {row["value"]: row["verdict"] for row in found["findings"][0]["balance"]["shares"]}
    assert [value for value, verdict in verdicts.items() if verdict == "under"] == ["3"]
    html = page.read_text()
    assert "too rare: 3" in html
    assert "default-src 'none'" in html or "default-src &#39;none&#39;" in html


def test_all_classes_are_not(folder, capsys):
    _, out, _ = run(capsys, "audit", "balance", folder / "all.npz", "--real", "digits", "--device", "cpu")
    assert "no difference from the data is shown" in out


@pytest.mark.slow
def test_attributes_and_their_cells(folder, capsys):
    real = ("--real", folder / "labelled.npz", "--attributes", folder / "ink.csv", "--extractor", "digits-cnn")
    code, out, err = run(capsys, "audit", "balance", folder / "thick.npz", *real, "--json", "--device", "cpu")
    assert code == 0, err
    found = {item["balance"]["name"]: item["balance"] for item in json.loads(out)["findings"]}
    assert list(found) == ["class", "ink", "class x ink"]
    assert {row["value"]: row["verdict"] for row in found["ink"]["shares"]} == {"little": "under", "much": "over"}


def test_drift_sees_the_missing_class(folder, capsys):
    _, out, _ = run(capsys, "audit", "drift", folder / "no3.npz", "--real", "digits", "--json", "--device", "cpu")
    assert json.loads(out)["flagged"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("balance", "few.npz", "--real", "digits"), "3 images; an audit needs at least 30"),
        (("drift", "few.npz", "--real", "digits"), "the folder has 3 images"),
        (("balance", "all.npz", "--real", "all.npz"), "has no labels"),
        (("balance", "wide.npz", "--real", "digits"), "32 x 16 pixels"),
        (("drift", "wide.npz", "--real", "all.npz"), "32 x 16 pixels"),
        (("balance", "nowhere.npz", "--real", "digits"), "nowhere.npz"),
        (("balance", "nowhere.json", "--real", "digits"), "nowhere.json"),
        (("balance", "all.npz", "--real", "digits", "--page", "x.pdf"), "written as .html"),
        (("balance", "all.npz", "--real", "digits", "--attributes", "ink.csv"), "without splits"),
        (("balance", "all.npz", "--real", "labelled.npz", "--attributes", "few.npz"), "no table of attributes"),
    ],
)
def test_bad_input_ends_in_one_line(folder, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(folder)
    code, _, err = run(capsys, "audit", *arguments, "--device", "cpu", "--extractor", "digits-cnn")
    assert code == 2
    assert message in err
    assert len(err.strip().splitlines()[-1:]) == 1
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("text", "message"),
    [("a\nx\n", "1 rows for 3"), ("a\nx\nx\nx\n", "one value"), ("a,b\nx,y\nx,\nx,y\n", "line 3"), ("", "no table")],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path, text, message):
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        read_attributes(path, 3)


def test_cells_are_products_and_small_ones_are_merged():
    a = Attribute("a", ("x", "y"), np.repeat([0, 1], 50))
    b = Attribute("b", ("u", "v"), np.r_[np.zeros(90, int), np.ones(10, int)])
    (both,) = crossed([a, b])
    assert both.values == ("x, u", "x, v", "y, u", "y, v")
    assert np.bincount(both.places).tolist() == [50, 0, 40, 10]
    small = merged(both)
    assert small.values == ("x, u", "y, u", "rest")
    assert np.bincount(small.places).tolist() == [50, 40, 10]
    assert "x, v, y, v merged" in small.notes[0]


def test_groups_are_measured_at_one_size():
    generator = torch.Generator().manual_seed(0)
    real = torch.randn(300, 4, generator=generator)
    places = np.r_[np.zeros(200, int), np.ones(80, int), np.full(20, 2)]
    same, near, few = groups(["a", "b", "c"], (real, places), (real.clone(), places))
    assert (same.images, near.images) == (80, 80)
    assert near.recall == 1.0  # every image of the group is its own sample
    assert few == type(few)("c", 20, None, None)

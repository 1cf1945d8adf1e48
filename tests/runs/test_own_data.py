"""Your own data set in one line: the suite that is made, where it is kept, and what it refuses to mix."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.cli import main
from bench.errors import UserError
from bench.features import networks
from bench.records import record as records
from bench.runs import own_data
from bench.runs.own_data import SuiteOptions
from bench.suites import suite

pytestmark = pytest.mark.slow

COUNT = 60


@pytest.fixture
def photos(tmp_path, monkeypatch, toys):
    """A folder of small pictures, in a working directory and with a cache of their own; no network for photographs."""
    folder = tmp_path / "My Photos"
    folder.mkdir()
    random = np.random.default_rng(0)
    for index in range(COUNT):
        Image.fromarray(random.integers(256, size=(16, 16, 3), dtype=np.uint8)).save(folder / f"{index}.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(networks, "missing", lambda name: "not installed" if name == "efficientnet-lite0" else None)
    return "folder:My Photos/"


def wishes(photos: str, images: int | None = 320, **more: object) -> SuiteOptions:
    return SuiteOptions(photos, ("toys:toy",), resolution=16, images=images, **more)  # pyright: ignore[reportArgumentType]


def bench(monkeypatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["bench", *map(str, arguments)])
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def record_under(path: Path) -> None:
    """Something was recorded under the rules kept there."""
    (path.parent / "dcgan").mkdir()
    (path.parent / "dcgan" / "0-abc.json").touch()


def test_what_is_not_said_has_a_default(photos):
    made = own_data.compose(wishes(photos, images=None))
    assert made.name == "my-photos-16"
    assert made.seeds == (0, 1, 2)
    assert made.training == suite.Budget(images=1_000_000, batch_size=min(64, made.evaluation.samples))
    assert made.ranking == "fid@random-cnn"  # the network for photographs is not installed
    assert made.evaluation.selection == "fid@random-cnn:held-out"


def test_samples_are_bounded_by_the_set_and_the_title_says_so(photos):
    made = own_data.compose(wishes(photos))
    training_images = made.evaluation.samples
    assert training_images < COUNT  # some are held out
    assert f"{training_images} samples because there are no more images" in made.title


def test_a_metric_that_needs_more_images_than_are_held_out_is_left_away(photos):
    made = own_data.compose(wishes(photos))
    assert "precision@random-cnn" in made.evaluation.metrics
    assert "nearest-train@random-cnn" not in made.evaluation.metrics  # needs 20


def test_a_set_that_has_a_network_of_its_own_is_measured_by_it(monkeypatch, tmp_path):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    assert own_data.compose(SuiteOptions("digits", ("dcgan",))).ranking == "fid@digits-cnn"


def test_the_file_says_what_the_suite_says(photos):
    made = own_data.compose(wishes(photos))
    assert suite.parse(own_data.render(made), "-") == made


def test_members_and_seeds_gather_in_the_kept_file(photos):
    results = Path("results")
    path = own_data.keep(own_data.compose(wishes(photos, seeds=(1,))), results)
    assert path == results / "my-photos-16" / "suite.toml"
    record_under(path)
    other = own_data.compose(SuiteOptions(photos, ("dcgan",), (0,), 16, 320))
    own_data.keep(other, results)
    kept = suite.load(str(path))
    assert kept.members == ("toys:toy", "dcgan")
    assert kept.seeds == (0, 1)
    assert kept.training == other.training


def test_other_rules_are_refused_and_nothing_is_changed(photos):
    results = Path("results")
    path = own_data.keep(own_data.compose(wishes(photos)), results)
    record_under(path)
    before = path.read_bytes()
    with pytest.raises(UserError, match=r"training.images is 320, not 640.*--name"):
        own_data.keep(own_data.compose(wishes(photos, images=640)), results)
    Path("elsewhere").mkdir()
    Path("My Photos").rename("elsewhere/My Photos")
    with pytest.raises(UserError, match="is a suite of folder:My Photos/, not of folder:elsewhere/My Photos"):
        own_data.keep(own_data.compose(wishes("folder:elsewhere/My Photos")), results)
    assert path.read_bytes() == before
    own_data.keep(own_data.compose(wishes("folder:elsewhere/My Photos", images=640, name="second")), results)


def test_a_suite_file_with_other_rules_needs_another_version(tmp_path):
    source, results = tmp_path / "own.toml", tmp_path / "results"
    training = suite.Budget(images=36_000, batch_size=16)
    text = own_data.render(
        suite.load("demo").model_copy(update={"name": "own", "version": "1.0.0", "training": training})
    )
    source.write_text(text)
    own_data.keep_file(source, suite.load(str(source)), results)
    record_under(results / "own" / "suite.toml")
    source.write_text(text.replace("images = 36000", "images = 72000"))
    with pytest.raises(UserError, match=r"training.images is 36000, not 72000.*Raise the version in .*own.toml"):
        own_data.keep_file(source, suite.load(str(source)), results)
    source.write_text(source.read_text().replace("1.0.0", "2.0.0"))
    own_data.keep_file(source, suite.load(str(source)), results)
    assert suite.load(str(results / "own" / "suite.toml")).training.images == 72_000


def test_what_is_said_stands_in_the_suite(photos):
    made = own_data.compose(
        wishes(photos, samples=24, every=64, metrics=("kid-full", "fid:held-out", "copies@random-cnn"))
    )
    assert made.evaluation.metrics == ("kid-full@random-cnn", "fid@random-cnn:held-out", "copies@random-cnn")
    assert made.ranking == "kid-full@random-cnn"
    assert (made.evaluation.samples, made.evaluation.every, made.evaluation.curve_samples) == (24, 64, 24)
    with pytest.raises(UserError, match="unknown metric 'fidd'"):
        own_data.compose(wishes(photos, metrics=("fidd",)))


def test_rules_that_nothing_was_recorded_under_may_change(photos):
    results = Path("results")
    own_data.keep(own_data.compose(wishes(photos)), results)
    path = own_data.keep(own_data.compose(wishes(photos, images=640)), results)
    assert suite.load(str(path)).training.images == 640


def test_a_set_without_two_images_on_each_side_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    for split, count in (("train", 8), ("test", 1)):
        (tmp_path / "few" / split).mkdir(parents=True)
        for index in range(count):
            noise = np.random.default_rng(index).integers(256, size=(16, 16, 3), dtype=np.uint8)
            Image.fromarray(noise).save(tmp_path / "few" / split / f"{index}.png")
    with pytest.raises(UserError, match="1 image held out; at least 2 are required"):
        own_data.compose(SuiteOptions(f"folder:{tmp_path}/few", ("dcgan",)))


def test_skipped_files_are_named_in_the_kept_suite(photos):
    Path("My Photos/notes.png").write_text("no image")
    made = own_data.compose(wishes(photos, skip_broken=True))
    assert made.data.name == "folder:My Photos/?broken=skip"


def test_from_one_line_to_records_and_again_from_the_kept_file(photos, monkeypatch, capsys):
    line = ("--dataset", photos, "--resolution", 16, "--member", "toys:toy", "--images", 640, "--seed", 0)
    assert bench(monkeypatch, "run", *line, "--device", "cpu") == 0, capsys.readouterr().err
    printed = capsys.readouterr().out
    assert "[evaluation]" in printed
    assert 'name = "folder:My Photos/"' in printed
    (found,) = records.read_all(Path("results"))
    assert found.suite == "my-photos-16"
    assert found.protocol["data"]["name"] == "folder"
    assert found.command == "bench run --suite results/my-photos-16/suite.toml --member toys:toy --seed 0"
    assert bench(monkeypatch, *found.command.split()[1:], "--device", "cpu") == 0
    assert "has a record" in capsys.readouterr().out
    assert bench(monkeypatch, "plan", *line, "--device", "cpu") == 0
    assert "0 of 1 jobs to do" in capsys.readouterr().out


def test_broken_files_are_skipped_where_that_is_said(photos, monkeypatch, capsys):
    Path("My Photos/notes.png").write_text("no image")
    line = ("--dataset", photos, "--resolution", 16, "--member", "toys:toy", "--images", 320, "--seed", 0)
    assert bench(monkeypatch, "plan", *line, "--device", "cpu") == 2
    assert "notes.png" in capsys.readouterr().err
    assert bench(monkeypatch, "plan", *line, "--device", "cpu", "--skip-broken") == 0
    assert "1 of 1 jobs to do" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run",), "give either --suite NAME, or --dataset SET"),
        (("run", "--suite", "demo", "--dataset", "digits"), "give either --suite NAME, or --dataset SET"),
        (("run", "--suite", "demo", "--images", 10, "--metric", "fid"), "--images, --metric: belongs to --dataset"),
        (("run", "--dataset", "digits"), "no member is named"),
        (("run", "--dataset", "digits", "--member", "dcgan", "--name", "demo"), "a suite of that name comes with"),
        (("run", "--dataset", "digits", "--member", "dcgan", "--name", "a b"), "'name'"),
    ],
)
def test_what_does_not_go_together_is_said(arguments, words, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    assert bench(monkeypatch, *arguments) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "results").exists()

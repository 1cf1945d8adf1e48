"""What a trained member shows: each exhibit on images whose content says where they come from."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from bench.data import DataSet, Split, describe
from bench.features.sample import Sample
from bench.gan import GAN, Task, gaussian
from bench.metrics.measure import measure
from bench.records.grid import GAP
from bench.runs.gallery import kinds, nearest
from bench.runs.gallery.exhibit import ArtifactFile, GalleryContext
from bench.training.sampling import SampleRequest

pytestmark = pytest.mark.slow

SIDE = 8


@dataclass(frozen=True)
class Mean:
    """An extractor with two features: the mean of the left and of the right half."""

    name: str = "mean"
    digest: str = "d"
    preprocessing: str = "none"
    classes: int | None = None

    def __call__(self, images: Tensor) -> tuple[Tensor, None]:
        halves = images.float().mean(1).unflatten(2, (2, SIDE // 2)).mean((1, 3))
        return halves, None


def flat(*levels: int, channels: int = 1) -> np.ndarray:
    """Images of one grey each."""
    return np.tile(np.array(levels, np.uint8)[:, None, None, None], (1, channels, SIDE, SIDE))


def show_of(
    draw: Callable[[SampleRequest], Tensor] = lambda asked: torch.from_numpy(flat(*[7] * asked.count)),
    task: Task = "unconditional",
    *,
    fakes: np.ndarray | None = None,
    train: np.ndarray | None = None,
    source: np.ndarray | None = None,
    paired: bool = True,
    labels: int = 0,
    shows_data: bool = True,
    metrics: tuple[str, ...] = ("fid@mean",),
) -> GalleryContext:
    images = flat(*range(0, 200, 2)) if train is None else train
    held = flat(*range(1, 21))
    number = np.arange(len(images)) % labels if labels else None
    dataset = DataSet(
        "made up", Split(images, number), Split(held, None, source, paired), tuple("abcdefghijklmnop"[:labels]), "d", "none"
    )  # fmt: skip
    latents = gaussian(3) if task in ("unconditional", "conditional") else None
    fake = flat(*range(100, 160)) if fakes is None else fakes
    return GalleryContext(
        GAN({}, [], lambda nets, prompt: torch.zeros(1), latents, task=task),
        dataset,
        draw,
        Sample.of(fake, name="fake"),
        Sample.of(images, name="train"),
        Sample.of(held, name="held-out"),
        metrics,
        lambda name: Mean(),
        shows_data,
    )


def levels(made: ArtifactFile, columns: int) -> list[list[int]]:
    """The grey in the middle of each image of a picture, row by row."""
    with Image.open(io.BytesIO(made.content)) as opened:
        pixels = np.array(opened.convert("L"))
    step = SIDE + GAP
    return [
        [int(pixels[y, x]) for x in range(SIDE // 2, step * columns, step)] for y in range(SIDE // 2, len(pixels), step)
    ]


def lines(made: ArtifactFile) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(made.content.decode())))


def test_a_row_per_class_with_the_same_latents_in_a_column() -> None:
    def draw(asked: SampleRequest) -> Tensor:
        assert asked.latents is not None
        assert asked.labels is not None
        column = asked.latents[:8, 0].argsort().argsort()
        assert torch.equal(asked.latents, asked.latents[:8].repeat(3, 1))
        return torch.from_numpy(flat(*(10 * asked.labels + column.repeat(3)).tolist()))

    (made,) = kinds.classes(show_of(draw, "conditional", labels=3))
    assert [[level // 10 for level in row] for row in levels(made, 8)] == [[0] * 8, [1] * 8, [2] * 8]
    assert made.note == "Top to bottom: a, b, c."
    assert kinds.classes(show_of(labels=3)) == []


def test_of_many_classes_ten_are_shown_evenly() -> None:
    found: list[int] = []

    def draw(asked: SampleRequest) -> Tensor:
        assert asked.labels is not None
        found.extend(asked.labels[::8].tolist())
        return torch.from_numpy(flat(*[0] * asked.count))

    kinds.classes(show_of(draw, "conditional", labels=16))
    assert found == [0, 2, 3, 5, 7, 8, 10, 12, 13, 15]


def test_truncation_is_shown_where_it_changes_the_images() -> None:
    asked_for: list[float] = []

    def draw(asked: SampleRequest) -> Tensor:
        asked_for.append(asked.truncation)
        return torch.from_numpy(flat(*[round(100 * asked.truncation)] * asked.count))

    (made,) = kinds.truncation(show_of(draw))
    assert levels(made, 8) == [[level] * 8 for level in (25, 50, 75, 100)]
    assert asked_for == [0.25, 0.5, 0.75, 1.0]
    assert kinds.truncation(show_of()) == []
    assert kinds.truncation(show_of(task="paired")) == []


@pytest.mark.parametrize("paired", [True, False])
def test_translations_stand_beside_their_source_and_target(paired: bool) -> None:
    def draw(asked: SampleRequest) -> Tensor:
        assert asked.source is not None
        return asked.source[:, :1] + 50

    made = kinds.translation(show_of(draw, "paired", source=flat(*range(60, 80), channels=3), paired=paired))[0]
    wanted = [[60 + i, 110 + i, 1 + i] if paired else [60 + i, 110 + i] for i in range(6)]
    assert levels(made, 3 if paired else 2) == wanted
    assert ("target" in made.note and "no targets" not in made.note) == paired


def test_reconstructions_stand_below_their_originals() -> None:
    def draw(asked: SampleRequest) -> Tensor:
        assert asked.source is not None
        return asked.source + 100

    (made,) = kinds.reconstruction(show_of(draw, "reconstruction"))
    rows = levels(made, 8)
    assert rows[0] == list(range(1, 9))
    assert rows[2] == list(range(9, 17))
    assert [[level + 100 for level in row] for row in rows[::2]] == rows[1::2]


def test_the_samples_nearest_to_training_come_first_with_their_neighbours() -> None:
    fakes = flat(151, 60, 90, 199, 33, 35, 37, 39, 41, 43)
    distances, pixel, feature = nearest.nearest(show_of(fakes=fakes))
    assert (pixel.kind, feature.kind) == ("nearest-pixel", "nearest-feature")
    for made in (pixel, feature):
        rows = levels(made, 8)
        assert [row[0] for row in rows[:2]] == [60, 90], "two copies of training images"
        assert [row[1] for row in rows[:2]] == [60, 90]
        assert len(rows) == 6
        assert all(
            sorted(abs(level - row[0]) for level in row[1:]) == [abs(level - row[0]) for level in row[1:]]
            for row in rows
        )
    found = [line for line in lines(distances) if line["images"] == "samples" and line["space"] == "pixels"]
    assert [float(line["distance"]) for line in found] == pytest.approx([0, 0, *[1 / 255] * 8], rel=1e-5)
    held_out = [
        float(line["distance"]) for line in lines(distances) if line["images"] == "held-out" and line["space"] == "mean"
    ]
    assert held_out == pytest.approx([0.0] * 10 + [2**0.5] * 10, rel=1e-5)


def test_neighbours_do_not_depend_on_the_pieces_in_which_they_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    train, fakes = (random.integers(0, 256, (count, 1, SIDE, SIDE), dtype=np.uint8) for count in (90, 20))
    whole = nearest.by_pixels(show_of(fakes=fakes, train=train))
    monkeypatch.setattr(nearest, "FLOATS", SIDE * SIDE * 13)
    pieces = nearest.by_pixels(show_of(fakes=fakes, train=train))
    for a, b in zip(whole, pieces, strict=True):
        assert torch.equal(a[1], b[1])
        torch.testing.assert_close(a[0], b[0])
    one, other = (torch.from_numpy(part).flatten(1).double() / 255 for part in (fakes, train))
    brute = torch.cdist(one, other) / SIDE
    torch.testing.assert_close(whole[0][0], brute.sort(1).values[:, :7])


def test_fewer_training_images_than_neighbours() -> None:
    made = nearest.nearest(show_of(train=flat(10, 200, 30)))[1]
    assert len(levels(made, 4)[0]) == 4


def test_best_and_worst_by_realism() -> None:
    fakes = flat(*range(100, 116), *range(220, 250, 2))
    best, worst = nearest.extremes(show_of(fakes=fakes))
    assert {level for row in levels(best, 8) for level in row} == set(range(100, 116))
    assert levels(worst, 8)[0] == list(range(248, 232, -2))
    assert best.note.startswith("Realism ")
    assert nearest.extremes(show_of(metrics=("ssim",))) == []


def test_fid_by_size_is_that_of_the_metrics() -> None:
    random = np.random.default_rng(1)
    train, fakes = (
        random.integers(0, high, (count, 1, SIDE, SIDE), dtype=np.uint8) for count, high in ((200, 256), (100, 240))
    )
    ids = ("fid@mean", "fid@mean:held-out", "fid-infinity@mean")
    show = show_of(fakes=fakes, train=train, metrics=ids)
    (made,) = nearest.sizes(show)
    found = lines(made)
    assert {line["metric"] for line in found} == {"fid@mean"}, "no limit is measured on the held-out split"
    scores = {item.metric: item for item in measure(ids, show.train, show.held_out, show.fake, show.load)}
    assert [int(line["samples"]) for line in found[:-1]][::14] == [10, 100]
    assert float(found[-2]["fid"]) == pytest.approx(scores["fid@mean"].value)
    assert found[-1]["samples"] == "inf"
    assert float(found[-1]["fid"]) == pytest.approx(scores["fid-infinity@mean"].value)
    assert float(found[-1]["error"]) == pytest.approx(scores["fid-infinity@mean"].error)
    assert nearest.sizes(show_of(fakes=fakes[:40])) == []


@pytest.mark.parametrize("task", ["unconditional", "paired", "reconstruction"])
def test_real_images_that_must_not_be_kept_are_not(task: Task) -> None:
    real, fake = 40, 200
    show = show_of(
        lambda asked: torch.from_numpy(flat(*[fake] * asked.count)), task, fakes=flat(*[fake] * 60), train=flat(*[real] * 50),
        source=flat(*[real] * 20), shows_data=False,
    )  # fmt: skip
    made = {item.kind: item for item in kinds.exhibits(show)}
    refused = {kind for kind, item in made.items() if item.status == "not kept"}
    own = {"paired": {"translation"}, "reconstruction": {"reconstruction"}, "unconditional": set()}[task]
    assert refused == {"nearest-pixel", "nearest-feature"} | own
    assert all("made up" in made[kind].reason and "show_data = true" in made[kind].reason for kind in refused)
    assert {"nearest-distances", "best", "worst"} <= set(made)
    for kind in ("best", "worst"):
        assert {level for row in levels(made[kind], 8) for level in row} == {fake}


def test_what_cannot_be_made_says_why_and_the_rest_is_made() -> None:
    def draw(asked: SampleRequest) -> Tensor:
        if asked.truncation < 1:
            raise ValueError("this generator takes no truncation\nwhatever the level")
        return torch.from_numpy(flat(*[7] * asked.count))

    made = {item.kind: item for item in kinds.exhibits(show_of(draw))}
    assert made["truncation"].status == "not made"
    assert made["truncation"].reason == "not made: ValueError: this generator takes no truncation"
    assert made["interpolation"].suffix == ".png"
    assert made["fid-by-samples"].suffix == ".csv"


def test_large_pictures_are_kept_in_fewer_bytes() -> None:
    large = torch.zeros(2, 3, 128, 128, dtype=torch.uint8)
    from bench.runs.gallery.exhibit import picture

    assert picture("grid", large, 2).suffix == ".webp"
    assert picture("grid", large[:, :, :64, :64], 2).suffix == ".png"


def test_the_same_show_gives_the_same_bytes() -> None:
    random = np.random.default_rng(2)
    fakes = random.integers(0, 256, (60, 1, SIDE, SIDE), dtype=np.uint8)
    once, again = ([(item.kind, item.content) for item in kinds.exhibits(show_of(fakes=fakes))] for _ in range(2))
    assert once == again


def test_standard_sets_may_be_shown_and_faces_and_own_data_not() -> None:
    assert all(describe(name).shown for name in ("digits", "mnist", "cifar10", "stacked-mnist", "facades"))
    assert not any(describe(name).shown for name in ("celeba", "celeba:Smiling", "folder:a", "pairs:a", "unpaired:a,b"))


def test_a_suite_may_decide_otherwise() -> None:
    from pathlib import Path

    from bench.runs.experiment import Experiment
    from bench.runs.jobs import JobFiles
    from bench.suites import suite as suites
    from bench.training.loop import Execution

    suite = suites.load("digits")
    experiment = Experiment(suite, show_of().dataset, Execution(), JobFiles.of(suite.name, Path()))
    assert experiment.shows_data
    hidden = suite.model_copy(update={"show_data": False})
    assert not replace(experiment, suite=hidden).shows_data
    assert hidden.protocol({}) == suite.protocol({}), "what is shown does not move a score"

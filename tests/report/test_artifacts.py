"""Pictures beside the records: verified, shown as gone when they are, and kept within the budget."""

import hashlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from bench.records import record
from bench.records.grid import side
from bench.records.record import Artifact, Record
from bench.report import gallery, pictures


@pytest.fixture
def run(synthetic: ModuleType, tmp_path: Path) -> tuple[Path, Record]:
    path = synthetic.write_run(tmp_path, "toy", "dcgan", 0, 0, synthetic.blobs, "ok")
    return tmp_path, record.read(path)


def test_sound_pictures_carry_their_bytes_and_size(run: tuple[Path, Record]) -> None:
    found = pictures.pictures_of(run[0], [run[1]])
    kinds = [
        "best",
        "classes",
        *["grid"] * 5,
        "interpolation",
        "nearest-feature",
        "nearest-pixel",
        "truncation",
        "worst",
    ]
    assert [picture.kind for picture in found] == kinds
    found = [picture for picture in found if picture.kind == "grid"]
    assert found[0].size == (128, 128)
    assert found[0].uri.startswith(("data:image/webp;base64,UklGR", "data:image/png;base64,iVBOR"))
    assert [picture.images for picture in found[:5]] == sorted(picture.images or 0 for picture in found[:5])


def test_a_missing_a_changed_and_a_broken_file_are_shown_as_such(run: tuple[Path, Record]) -> None:
    results, made = run
    folder = results / "toy" / "dcgan"
    first, second, third = made.artifacts[:3]
    (folder / first.path).unlink()
    (folder / second.path).write_bytes((folder / second.path).read_bytes() + b"x")
    (folder / third.path).write_bytes(b"no picture")
    honest = third.model_copy(update={"sha256": hashlib.sha256(b"no picture").hexdigest()})
    assert pictures.load(results, made, first).problem.startswith("missing")
    assert "digest" in pictures.load(results, made, second).problem
    assert "not a PNG" in pictures.load(results, made, honest).problem
    assert all(not pictures.load(results, made, artifact).content for artifact in (first, second, honest))


@pytest.mark.parametrize("path", ["../../secret.png", "/etc/passwd", "a/../../b.png", "a\x00b.png", "x" * 5000])
def test_a_path_that_leads_elsewhere_is_not_followed(run: tuple[Path, Record], path: str) -> None:
    found = pictures.load(run[0], run[1], Artifact.model_construct(kind="grid", path=path, sha256="0" * 64))
    assert found.problem
    assert not found.content


def test_a_truncated_picture_with_an_honest_digest_does_not_break_the_page(run: tuple[Path, Record]) -> None:
    results, made = run
    content = (results / "toy" / "dcgan" / made.artifacts[0].path).read_bytes()[:20]
    (results / "toy" / "dcgan" / "short.png").write_bytes(content)
    artifact = Artifact(kind="grid", path="short.png", sha256=hashlib.sha256(content).hexdigest())
    assert pictures.load(results, made, artifact).problem.startswith("damaged")


def test_the_budget_keeps_the_end_of_training_first(run: tuple[Path, Record]) -> None:
    kinds = ("grid", "interpolation")
    found = [picture for picture in pictures.pictures_of(run[0], [run[1]]) if picture.kind in kinds]
    cost = [len(picture.content) * 4 // 3 for picture in found]
    kept = pictures.within(found, cost[4] + cost[5] + cost[0])
    assert [bool(picture.content) for picture in kept] == [True, False, False, False, True, True]
    assert all("left out" in picture.problem for picture in kept[1:4])
    assert pictures.within(found, 10**9) == found


def test_the_run_that_is_shown_is_the_lowest_seed_that_finished(synthetic: ModuleType, tmp_path: Path) -> None:
    synthetic.write_results(tmp_path, ["a", "b"], statuses={("a", 0): "diverged"})
    shown = gallery.chosen(record.read_all(tmp_path))
    assert [(item.member.name, item.seed) for item in shown] == [("a", 1), ("b", 0)]


def _with(run: tuple[Path, Record], kind: str, name: str, content: bytes, note: str = "") -> Record:
    """The run with one more artifact."""
    results, made = run
    (results / "toy" / "dcgan" / name).write_bytes(content)
    artifact = Artifact(kind=kind, path=name, sha256=hashlib.sha256(content).hexdigest(), note=note)
    return made.model_copy(update={"artifacts": (artifact,)})


@pytest.mark.parametrize(
    ("content", "rows", "problem"),
    [
        (b"space,images\npixels,samples\n", ({"space": "pixels", "images": "samples"},), ""),
        (b"space,images\n", (), ""),
        (b"\xff\xfe\x00", (), "damaged: not a table"),
        (b'a,b\n"1,2\n', (), "damaged: not a table"),
        (b"a,b\n1\n1,2,3\n", ({"a": "1", "b": "None"}, {"a": "1", "b": "2", "None": "['3']"}), ""),
    ],
)
def test_tables_are_read_when_sound(
    run: tuple[Path, Record], content: bytes, rows: tuple[dict[str, str], ...], problem: str
) -> None:
    made = _with(run, "nearest-distances", "d.csv", content)
    found = pictures.data_of(run[0], made, "nearest-distances")
    assert found.rows == rows
    assert found.problem.startswith(problem)
    assert bool(found.problem) == bool(problem)
    assert pictures.pictures_of(run[0], [made]) == []


def test_a_table_that_is_gone_or_changed_is_said_to_be(run: tuple[Path, Record]) -> None:
    made = _with(run, "fid-by-samples", "d.csv", b"a\n1\n")
    assert pictures.data_problems(run[0], [made], "fid-by-samples") == []
    assert pictures.data_problems(run[0], [made], "nearest-distances") == [], "a run that left none is no problem"
    (run[0] / "toy" / "dcgan" / "d.csv").write_bytes(b"a\n2\n")
    (words,) = pictures.data_problems(run[0], [made], "fid-by-samples")
    assert words.startswith("dcgan, seed 0, fid-by-samples: damaged")
    (run[0] / "toy" / "dcgan" / "d.csv").unlink()
    assert "missing" in pictures.data_problems(run[0], [made], "fid-by-samples")[0]
    told = _with(run, "fid-by-samples", "d.txt", b"not made: ValueError: no")
    assert pictures.data_problems(run[0], [told], "fid-by-samples")[0].endswith("not made: ValueError: no")
    assert pictures.pictures_of(run[0], [told]) == []


@pytest.mark.parametrize(
    ("text", "number"), [("1.5", 1.5), ("inf", None), ("nan", None), ("", None), (None, None), ("x", None)]
)
def test_numbers_of_a_table(text: str | None, number: float | None) -> None:
    assert pictures.number(text) == number


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"not made: ValueError: no\nsecond line", "not made: ValueError: no"),
        (b"", "not made: the run does not say why"),
        (b"\xff" * 1000, "\ufffd" * 299 + "…"),
    ],
)
def test_words_in_place_of_a_picture(run: tuple[Path, Record], content: bytes, problem: str) -> None:
    (found,) = pictures.pictures_of(run[0], [_with(run, "truncation", "t.txt", content)])
    assert found.problem == problem
    assert not found.content


def test_what_is_withheld_from_every_member_is_said_once(run: tuple[Path, Record]) -> None:
    (picture,) = pictures.pictures_of(run[0], [_with(run, "nearest-pixel", "n.txt", b"not kept: faces")])
    (wall,) = gallery.walls([picture, replace(picture, member="sngan")], {}, {})
    assert wall.withheld == "not kept: faces"
    (mixed,) = gallery.walls([picture, replace(picture, problem="missing")], {}, {})
    assert mixed.withheld == ""
    failed = replace(picture, problem="not made: no", withheld=False)
    (made,) = gallery.walls([failed, failed], {}, {})
    assert made.withheld == ""


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((270, 270), (32, 2)),
        ((256, 256), (32, 0)),
        ((270, 338), (32, 2)),
        ((142, 142), (16, 2)),
        ((8, 8), (1, 0)),
        ((3, 3), (1, 0)),
    ],
)
def test_the_images_of_a_grid_are_found(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert side(*size) == expected


def test_thumbnails_show_whole_samples(run: tuple[Path, Record]) -> None:
    content = np.zeros((270, 270), np.uint8)
    path = run[0] / "toy" / "dcgan" / "g.png"
    Image.fromarray(content).save(path)
    (picture,) = pictures.pictures_of(run[0], [_with(run, "grid", "g.png", path.read_bytes(), note="a note")])
    found = gallery.thumbs(gallery.walls([picture], {"dcgan": 0}, {}))
    assert (found[0].width, found[0].height) == (4 * 32 + 3 * 2, 32)


def test_among_equals_the_budget_goes_to_the_earlier(run: tuple[Path, Record]) -> None:
    """Pictures come in the order of the board: the last grid of the winner is never the one that is left out."""
    last = [picture for picture in pictures.pictures_of(run[0], [run[1]]) if picture.kind == "grid"][-1]
    kept = pictures.within([last, replace(last, member="second")], len(last.content) * 4 // 3)
    assert [bool(picture.content) for picture in kept] == [True, False]
    (wall,) = gallery.walls(kept, {"dcgan": 0, "second": 1}, {}, folder="../results")
    shots = [film.shots[0] for film in wall.films]
    assert [shot.link for shot in shots] == [f"../results/{last.path}"] * 2, "what is left out is linked"
    assert gallery.walls(kept, {}, {})[0].films[0].shots[0].link == ""


@pytest.mark.parametrize(("width", "shown"), [(128, 256), (270, 270), (64, 256), (526, 526)])
def test_pictures_are_shown_at_whole_numbers(width: int, shown: int) -> None:
    frame = gallery.Frame("a", "data:", width, width, "", None, "", "", "", "", withheld=False)
    assert frame.shown == shown


def test_the_slider_stops_where_something_trained(run: tuple[Path, Record]) -> None:
    grids = [picture for picture in pictures.pictures_of(run[0], [run[1]]) if picture.kind == "grid"]
    floor = replace(grids[0], member="gaussian", images=0)
    (wall,) = gallery.walls([*grids, floor], {}, {})
    assert wall.steps == tuple(sorted(picture.images or 0 for picture in grids))

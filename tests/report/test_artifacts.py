"""Pictures beside the records: verified, shown as gone when they are, and kept within the budget."""

import json
from pathlib import Path
from types import ModuleType

import pytest

from bench import record
from bench.record import Artifact, Record
from bench.report import gallery, pictures


@pytest.fixture
def run(synthetic: ModuleType, tmp_path: Path) -> tuple[Path, Record]:
    path = synthetic.write_run(tmp_path, "toy", "dcgan", 0, 0, synthetic.blobs, "ok")
    return tmp_path, record.read(path)


def test_sound_pictures_carry_their_bytes_and_size(run: tuple[Path, Record]) -> None:
    found = pictures.pictures_of(run[0], [run[1]])
    assert [picture.kind for picture in found] == ["grid"] * 5 + ["interpolation"]
    assert found[0].size == (128, 128)
    assert found[0].uri.startswith("data:image/png;base64,iVBOR")
    assert [picture.images for picture in found[:5]] == sorted(picture.images or 0 for picture in found[:5])


def test_a_missing_a_changed_and_a_broken_file_are_shown_as_such(run: tuple[Path, Record]) -> None:
    results, made = run
    folder = results / "toy" / "dcgan"
    first, second, third = made.artifacts[:3]
    (folder / first.path).unlink()
    (folder / second.path).write_bytes((folder / second.path).read_bytes() + b"x")
    (folder / third.path).write_bytes(b"no picture")
    import hashlib

    honest = third.model_copy(update={"sha256": hashlib.sha256(b"no picture").hexdigest()})
    assert pictures.load(results, made, first).problem.startswith("missing")
    assert "digest" in pictures.load(results, made, second).problem
    assert "no PNG" in pictures.load(results, made, honest).problem
    assert all(not pictures.load(results, made, artifact).content for artifact in (first, second, honest))


@pytest.mark.parametrize("path", ["../../secret.png", "/etc/passwd", "a/../../b.png", "a\x00b.png", "x" * 5000])
def test_a_path_that_leads_elsewhere_is_not_followed(run: tuple[Path, Record], path: str) -> None:
    found = pictures.load(run[0], run[1], Artifact(kind="grid", path=path, sha256="0" * 64))
    assert found.problem
    assert not found.content


def test_a_truncated_picture_with_an_honest_digest_does_not_break_the_page(run: tuple[Path, Record]) -> None:
    import hashlib

    results, made = run
    content = (results / "toy" / "dcgan" / made.artifacts[0].path).read_bytes()[:20]
    (results / "toy" / "dcgan" / "short.png").write_bytes(content)
    artifact = Artifact(kind="grid", path="short.png", sha256=hashlib.sha256(content).hexdigest())
    assert pictures.load(results, made, artifact).problem.startswith("damaged")


def test_the_budget_keeps_the_end_of_training_first(run: tuple[Path, Record]) -> None:
    found = pictures.pictures_of(run[0], [run[1]])
    cost = [len(picture.content) * 4 // 3 for picture in found]
    kept = pictures.within(found, cost[4] + cost[5] + cost[0])
    assert [bool(picture.content) for picture in kept] == [True, False, False, False, True, True]
    assert all("left out" in picture.problem for picture in kept[1:4])
    assert pictures.within(found, 10**9) == found


def test_the_run_that_is_shown_is_the_lowest_seed_that_finished(synthetic: ModuleType, tmp_path: Path) -> None:
    synthetic.write_results(tmp_path, ["a", "b"], statuses={("a", 0): "diverged"})
    shown = gallery.chosen(record.read_all(tmp_path))
    assert [(item.member.name, item.seed) for item in shown] == [("a", 1), ("b", 0)]


def test_data_files_are_read_when_sound_and_ignored_otherwise(run: tuple[Path, Record]) -> None:
    import hashlib

    results, made = run
    for content, expected in ((json.dumps({"pixel": {}}).encode(), {"pixel": {}}), (b"{", {}), (b"[1]", {})):
        (results / "toy" / "dcgan" / "d.json").write_bytes(content)
        artifact = Artifact(kind="nearest-distances", path="d.json", sha256=hashlib.sha256(content).hexdigest())
        with_data = made.model_copy(update={"artifacts": (artifact,)})
        assert pictures.data_of(results, with_data, "nearest-distances") == expected
        assert pictures.pictures_of(results, [with_data]) == []

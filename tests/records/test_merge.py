"""Records from many machines, and what is wrong with a folder of them."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.records import merge, record, validate
from bench.records.record import Artifact

FID, PRECISION = "fid@digits-cnn", "precision@digits-cnn"


@pytest.fixture
def with_grid(make_record):
    """Writes a record with a picture beside it."""

    def write(results, *args, content=b"a picture", **kwargs):
        item = make_record(*args, **kwargs)
        name = f"{item.seed}-{item.job}.png"
        grid = Artifact(kind="grid", path=name, sha256=hashlib.sha256(content).hexdigest())
        checkpoint = Artifact(kind="checkpoint", path="elsewhere.pt", sha256="0" * 64)
        path = record.write(item.model_copy(update={"artifacts": (grid, checkpoint)}), results)
        (path.parent / name).write_bytes(content)
        return path

    return write


def words(results):
    return [problem.words for problem in validate.validate(results)]


def test_a_sound_folder_has_no_problems(with_grid, tmp_path):
    with_grid(tmp_path, "dcgan", 0)
    with_grid(tmp_path, "dcgan", 1)
    assert words(tmp_path) == []
    assert validate.render_text([], 2) == "2 records, all sound\n"
    with pytest.raises(UserError, match="no such folder"):
        validate.validate(tmp_path / "nowhere")


def test_everything_wrong_is_found_at_once(with_grid, make_record, tmp_path):
    edited, gone, touched = (with_grid(tmp_path, "dcgan", seed) for seed in range(3))
    edited.write_text(edited.read_text().replace('"value": 10.0', '"value": 9.0'))
    gone.with_suffix(".png").unlink()
    touched.with_suffix(".png").write_bytes(b"another picture")
    record.write(make_record("sngan", 0, {PRECISION: 1.5}), tmp_path)
    (tmp_path / "digits" / "sngan" / "1-cut.json").write_text("{")
    moved = record.write(make_record("gan", 0), tmp_path)
    shutil.copy(moved, moved.with_name("copy.json"))
    found = words(tmp_path)
    assert "its content does not match its digest, so it was edited by hand" in found[0]
    assert "missing: the file is not there" in found[1]
    assert "damaged: the file does not match the digest" in found[2]
    assert found[3].startswith("lies at digits/gan/copy.json, its content belongs at digits/gan/0-")
    assert "outside [0, 1]" in found[4]
    assert found[5].startswith("truncated or not JSON")
    assert found[6].startswith("the same job has a result in")
    assert len(found) == 7
    assert validate.render_text(validate.validate(tmp_path), 7).endswith("7 records, 7 problems\n")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"status": "diverged"}, "no step is given"),
        ({"status": "failed"}, "no failure is given"),
        ({"scores": ()}, "there is no score"),
        ({"protocol_digest": "0" * 64}, "does not match its digest"),
        ({"job": "0123456789"}, "its job is 0123456789"),
        ({"seconds": {"train": -1.0}}, "seconds.train: Input should be greater than or equal to 0"),
    ],
)
def test_invariants(make_record, tmp_path, change, says):
    record.write(make_record().model_copy(update=change), tmp_path)
    assert any(says in problem for problem in words(tmp_path))


def test_a_sample_count_other_than_the_protocols_is_found(make_record, tmp_path):
    item = make_record()
    short = item.scores[0].model_copy(update={"samples_fake": 10})
    record.write(item.model_copy(update={"scores": (short,)}), tmp_path)
    assert "10 samples, the protocol wants 1000" in words(tmp_path)[0]


def test_nan_cannot_be_ok(make_record, tmp_path):
    path = record.write(make_record(), tmp_path)
    content = json.loads(path.read_text())
    content["scores"][0]["value"] = float("nan")
    path.write_text(json.dumps(content))
    assert "NaN is not a number" in words(tmp_path)[0]


def test_merging_copies_records_and_pictures_once(with_grid, tmp_path):
    a, b, out = tmp_path / "a", tmp_path / "b", tmp_path / "out"
    first = with_grid(a, "dcgan", 0)
    with_grid(b, "dcgan", 1)
    shutil.copytree(a, b, dirs_exist_ok=True)
    merged = merge.merge([a, b], out)
    assert (len(merged.added), merged.already_there, merged.files) == (2, 0, 2)
    assert (out / first.relative_to(a)).read_bytes() == first.read_bytes()
    assert words(out) == []
    again = merge.merge([b, a], out)
    assert (again.added, again.already_there) == ((), 2)


def test_what_belongs_to_the_folder_comes_along_and_must_agree(make_record, tmp_path):
    for name in ("a", "b"):
        record.write(make_record("dcgan", "ab".index(name)), tmp_path / name)
        (tmp_path / name / make_record().suite / "suite.toml").write_text("rules")
    merged = merge.merge([tmp_path / "a", tmp_path / "b"], tmp_path / "out")
    assert merged.files == 1
    assert (tmp_path / "out" / make_record().suite / "suite.toml").read_text() == "rules"
    (tmp_path / "b" / make_record().suite / "suite.toml").write_text("other rules")
    with pytest.raises(UserError, match=r"conflict: another suite.toml goes to the same place"):
        merge.merge([tmp_path / "a", tmp_path / "b"], tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_order_of_folders_does_not_change_a_byte(with_grid, tmp_path):
    for name, seed in (("a", 0), ("b", 2), ("b", 1)):
        with_grid(tmp_path / name, "dcgan", seed)
    shutil.copytree(tmp_path / "a", tmp_path / "b", dirs_exist_ok=True)
    for out, order in (("one", ["a", "b"]), ("other", ["b", "a"])):
        merge.merge([tmp_path / name for name in order], tmp_path / out)
    files = [
        {path.relative_to(tmp_path / out): path.read_bytes() for path in (tmp_path / out).rglob("*.*")}
        for out in ("one", "other")
    ]
    assert files[0] == files[1]
    assert len(files[0]) == 6


def test_two_results_for_one_cell_are_a_conflict_and_nothing_is_written(make_record, tmp_path):
    for name, value in (("a", 10.0), ("b", 11.0)):
        record.write(make_record("dcgan", 0, {FID: value}), tmp_path / name)
    with pytest.raises(UserError, match=r"conflict: .* holds another result of the same job"):
        merge.merge([tmp_path / "a", tmp_path / "b"], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    merge.merge([tmp_path / "a"], tmp_path / "out")
    with pytest.raises(UserError, match="conflict"):
        merge.merge([tmp_path / "b"], tmp_path / "out")


def test_a_failed_attempt_and_a_later_result_are_no_conflict(make_record, tmp_path):
    record.write(make_record("dcgan", 0, status="failed"), tmp_path / "a")
    record.write(make_record("dcgan", 0).model_copy(update={"attempt": 2}), tmp_path / "b")
    assert len(merge.merge([tmp_path / "a", tmp_path / "b"], tmp_path / "out").added) == 2
    assert words(tmp_path / "out") == []


def test_an_unsound_record_stops_the_merge(make_record, tmp_path):
    path = record.write(make_record(), tmp_path / "a")
    path.write_text(path.read_text()[:100])
    with pytest.raises(UserError, match="1 problem, nothing was written"):
        merge.merge([tmp_path / "a"], tmp_path / "out")
    with pytest.raises(UserError, match="no such folder"):
        merge.merge([tmp_path / "gone"], tmp_path / "out")


def test_a_record_cannot_write_outside_its_folder(make_record, tmp_path):
    secret = tmp_path / "a" / "secret"
    item = make_record()
    outside = Artifact.model_construct(kind="grid", path="../../../secret", sha256=hashlib.sha256(b"x").hexdigest())
    record.write(item.model_copy(update={"artifacts": (outside,)}), tmp_path / "a" / "results")
    secret.write_bytes(b"x")
    with pytest.raises(UserError, match="must be a path below the record's folder"):
        merge.merge([tmp_path / "a" / "results"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_prefix_keeps_two_peoples_members_apart(with_grid, tmp_path):
    with_grid(tmp_path / "alice", "my-gan", 0, {FID: 10.0})
    with_grid(tmp_path / "bob", "my-gan", 0, {FID: 11.0})
    with pytest.raises(UserError, match="with --prefix NAME-"):
        merge.merge([tmp_path / "alice", tmp_path / "bob"], tmp_path / "out")
    merge.merge([tmp_path / "alice"], tmp_path / "out", "alice-")
    merge.merge([tmp_path / "bob"], tmp_path / "out", "bob-")
    assert words(tmp_path / "out") == []
    found = record.read_all(tmp_path / "out")
    assert [(item.member.name, item.renamed_from) for item in found] == [
        ("alice-my-gan", "my-gan"),
        ("bob-my-gan", "my-gan"),
    ]
    again = merge.merge([tmp_path / "bob"], tmp_path / "out", "bob-")
    assert (again.added, again.already_there) == ((), 2)


@pytest.mark.parametrize(("out", "prefix", "says"), [("", "", "names no folder"), ("out", "a/", "may hold no /")])
def test_a_merge_that_makes_no_sense_is_refused(make_record, tmp_path, out, prefix, says):
    record.write(make_record(), tmp_path / "a")
    with pytest.raises(UserError, match=says):
        merge.merge([tmp_path / "a"], tmp_path / out if out else Path(out), prefix)

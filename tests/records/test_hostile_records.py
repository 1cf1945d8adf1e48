"""Records that anybody may have written: either they are refused with one message, or every board and verdict works."""

import copy
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from bench.boards import board, explain, render
from bench.boards.verdicts import compare, compare_text, gate, gate_text
from bench.errors import UserError
from bench.files import digest
from bench.records import record, validate
from bench.report import provenance

FID = "fid@digits-cnn"
SURROGATE = "\ud800"
BAD = [
    None, True, -1, 0, 1e308, -1e308, 10**30, 1e-320, "", "x" * 5000, "a/b", "..", "\0", SURROGATE, "\n::error::x",
    "not.a.version", "1.2", "9" * 5000 + ".0.0", [], [[]], {}, {"a": -1}, "=1+1", "[x](http://y)",
]  # fmt: skip


def places(content: Any, at: tuple = ()) -> list[tuple]:
    """Every place in a JSON value."""
    keys = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    return [at, *(place for key, value in keys for place in places(value, (*at, key)))]


def changed(content: dict[str, Any], place: tuple, value: Any) -> dict[str, Any]:
    """The record with one value replaced, its digests made to fit again."""
    made = copy.deepcopy(content)
    target: Any = made
    for key in place[:-1]:
        target = target[key]
    target[place[-1]] = value
    return sealed(made)


def sealed(made: dict[str, Any]) -> dict[str, Any]:
    try:
        if isinstance(made.get("protocol"), dict):
            made["protocol_digest"] = digest(made["protocol"])
        made["digest"] = digest({key: value for key, value in made.items() if key != "digest"})
    except (ValueError, TypeError):
        made["digest"] = "0" * 64
    return made


def read_or_refused(path: Path, text: bytes):
    """The record, or None where it is refused by one message, at reading or as unsound."""
    path.write_bytes(text)
    try:
        item = record.read(path)
        board.build([item])
    except UserError as error:
        refusal = str(error)
    else:
        return item
    assert "\n" not in refusal
    assert len(refusal) < 2_000
    return None


def everything_works(items: list[record.Record]) -> None:
    """Boards, verdicts and tables of the pages; only a UserError may stop them."""
    try:
        built = board.build(items)
    except UserError:
        return
    for format in render.FORMATS:
        text = render.render(built, format)
        text.encode()
        assert "\x1b" not in text
    names = [row.member for row in built.rows if row.kind != "superseded"]
    gate_text.render_junit(found := gate.gate(built, built))
    gate_text.render_text(found)
    provenance.flat(built.protocol)
    if len(names) > 1:
        verdict = compare.compare(built, names[0], names[1:2])
        compare_text.render_text(verdict)
        compare_text.render_json(verdict)
    explain.render_text(explain.explain(explain.of_record(items[0]), explain.of_record(items[-1])))


@pytest.fixture(scope="module")
def sound(make_record) -> list[record.Record]:
    return [make_record(name, seed, {FID: 10.0 + seed}) for name in ("dcgan", "sngan") for seed in (0, 1)]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=some.data())
def test_a_changed_record_is_refused_or_shown(data, sound, tmp_path) -> None:
    content = sound[0].model_dump(mode="json")
    place = data.draw(some.sampled_from([place for place in places(content) if place and place[-1] != "digest"]))
    value = data.draw(some.sampled_from(BAD) | some.floats() | some.integers() | some.text(max_size=20))
    text = json.dumps(changed(content, place, value)).encode("utf-8", "surrogatepass")
    item = read_or_refused(tmp_path / "record.json", text)
    if item is not None:
        everything_works([item, *sound[1:]])


@pytest.mark.parametrize(
    "text",
    [
        b'{"suite": "a", "suite": "b"}', b'{"a": NaN}', b'"\\ud800"', b"[" * 100_000, b"\xff\xfe", b"", b"12",
        b'{"schema_version": 99}', b'{"a": "\\u0000"}', b'{"a": 1' + b"0" * 5000 + b"}",
    ],
)  # fmt: skip
def test_what_is_not_a_record_is_one_message(text: bytes, tmp_path: Path) -> None:
    assert read_or_refused(tmp_path / "record.json", text) is None


def test_the_digest_of_nothing_is_refused(make_record, tmp_path) -> None:
    nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    record.write(make_record(source=nothing), tmp_path)
    (problem,) = validate.validate(tmp_path)
    assert "is that of nothing" in problem.words


def test_a_copied_suite_folder_is_no_other_suite(make_record, tmp_path) -> None:
    path = record.write(make_record(), tmp_path)
    path.parent.parent.rename(tmp_path / "copy")
    with pytest.raises(UserError, match="its content belongs at digits/dcgan/"):
        list(board.load(tmp_path, "copy"))


def test_links_are_not_followed_out_of_the_folder(make_record, tmp_path) -> None:
    outside = tmp_path / "outside"
    path = record.write(make_record(), outside)
    inside = tmp_path / "results"
    (inside / "digits" / "dcgan").mkdir(parents=True)
    (inside / "digits" / "dcgan" / path.name).symlink_to(path)
    assert "leads out of its folder" in validate.validate(inside)[0].words
    (inside / "digits" / "sngan").symlink_to(outside / "digits" / "dcgan")
    with pytest.raises(UserError, match="is a link that leads out"):
        list(board.load(inside))


def test_a_pipe_does_not_hang(make_record, tmp_path) -> None:
    path = record.write(make_record(), tmp_path)
    os.mkfifo(path.with_name("1-pipe.json"))
    assert "not a regular file" in validate.validate(tmp_path)[0].words


def test_what_a_killed_run_left_is_named_and_ignored(make_record, tmp_path) -> None:
    path = record.write(make_record(), tmp_path)
    left = path.with_name(f".{path.name}.abc.part")
    left.write_bytes(b"half")
    assert validate.validate(tmp_path) == []
    text = validate.render_text([], 1, validate.leftovers(tmp_path))
    assert text == f"{left}: left half-written by a killed run, ignored\n1 record, all sound\n"


def test_the_order_of_records_does_not_follow_the_clock(make_record, tmp_path) -> None:
    record.write(make_record(source="old", finished="2099-01-01T00:00:00Z"), tmp_path)
    record.write(make_record(source="new", finished="1970-01-01T00:00:00Z"), tmp_path)
    rows = board.build(board.load(tmp_path)).rows
    assert [(row.kind, row.source) for row in rows] == [("ranked", "new"), ("superseded", "old")]


def test_a_failure_is_bounded(make_record) -> None:
    long = make_record(status="failed").model_dump(mode="json")
    long["failure"] |= {"message": "x" * 10**6, "traceback_tail": ["y" * 10**5] * 100}
    kept = record.Record.model_validate(long).failure
    assert kept is not None
    assert len(kept.message) == 2_000
    assert len(kept.traceback_tail) == 40
    assert max(map(len, kept.traceback_tail)) == 500


def test_two_authors_of_one_name_are_two_rows(make_record) -> None:
    records = [
        item.model_copy(update={"member": item.member.model_copy(update={"author": author})}).sealed()
        for author in ("alice", "bob")
        for item in [make_record("my-gan", seed, {FID: 10.0 + seed}, source=author) for seed in (0, 1)]
    ]
    assert {row.member for row in board.build(records).of("ranked")} == {"my-gan (alice)", "my-gan (bob)"}

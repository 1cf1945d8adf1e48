"""Files are written whole or not at all, where a link points to, with their mode or the umask's."""

import os
import stat
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.files import NotWritten, sweep_parts, write_atomically


@pytest.fixture
def umask():
    """Sets the process's umask for a test."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(("mask", "expected"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_a_new_file_has_what_the_umask_leaves(tmp_path, umask, mask, expected):
    umask(mask)
    write_atomically(tmp_path / "new" / "a.json", b"1")
    assert mode(tmp_path / "new" / "a.json") == expected
    assert os.umask(mask) == mask, "the umask is as it was"


def test_a_file_that_is_replaced_keeps_its_mode(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b"1")
    path.chmod(0o640)
    write_atomically(path, b"2")
    assert (path.read_bytes(), mode(path)) == (b"2", 0o640)


def test_a_link_is_followed(tmp_path):
    target, link = tmp_path / "far" / "target.json", tmp_path / "link.json"
    link.symlink_to(target)
    write_atomically(link, b"1")  # the target is not there yet
    write_atomically(link, b"2")
    assert link.is_symlink()
    assert target.read_bytes() == b"2"


@pytest.mark.parametrize("kind", ["fifo", "folder", "loop", "file-in-the-way"])
def test_what_is_not_a_regular_file_is_refused_and_stays(tmp_path, kind):
    path = tmp_path / "it"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "loop":
        path.symlink_to(path)
    else:
        path.write_bytes(b"1")
        path = path / "below"
    before = os.lstat(path if kind != "file-in-the-way" else path.parent)
    with pytest.raises(NotWritten, match="cannot be written: ") as caught:
        write_atomically(path, b"1")
    assert isinstance(caught.value, UserError)
    assert os.lstat(path if kind != "file-in-the-way" else path.parent).st_ino == before.st_ino
    assert not list(tmp_path.rglob("*.part"))


def test_a_long_name_is_written(tmp_path):
    path = tmp_path / ("a" * 250 + ".json")
    write_atomically(path, b"1")
    assert path.read_bytes() == b"1"


def test_half_written_files_are_swept_by_their_stem(tmp_path):
    for name in (".0-abc.json.x.part", ".1-abc.json.x.part", "0-abc.json", ".0-abc.lock", "0-a.part"):
        (tmp_path / name).touch()
    sweep_parts(tmp_path, "0-abc")
    assert {path.name for path in tmp_path.iterdir()} == {".1-abc.json.x.part", "0-abc.json", ".0-abc.lock", "0-a.part"}
    sweep_parts(tmp_path / "nowhere")

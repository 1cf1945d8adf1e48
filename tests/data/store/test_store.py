import errno
import json
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from bench.data import load
from bench.data.store import store, writer
from bench.errors import UserError


def folders(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "data").iterdir() if path.name != ".locks")


def test_a_prepared_set_is_opened_not_made_again(bench_home, monkeypatch):
    first = load("digits")
    monkeypatch.setattr(store, "prepare", lambda *_: pytest.fail("prepared twice"))
    assert load("digits").digest == first.digest
    assert isinstance(load("digits").train.images, np.memmap)


def test_a_prepared_set_can_be_read_where_nothing_may_be_written(bench_home, monkeypatch):
    load("digits")
    monkeypatch.setattr(store, "locked", lambda *_: pytest.fail("took a lock"))
    assert len(load("digits").train) > 0


def test_what_a_killed_preparation_left_is_swept_away(bench_home):
    partial = bench_home / "data" / "digits-16.partial"
    partial.mkdir(parents=True)
    (partial / "images.raw").write_bytes(b"half")
    assert len(load("digits").train) + len(load("digits").held_out) == 1797
    assert folders(bench_home) == ["digits-16"]


@pytest.mark.parametrize("damage", ["manifest gone", "file gone", "file short", "older format", "manifest cut"])
def test_a_damaged_set_is_prepared_again(bench_home, damage):
    digest = load("digits").digest
    folder = bench_home / "data" / "digits-16"
    manifest = folder / "manifest.json"
    if damage == "manifest gone":
        manifest.unlink()
    elif damage == "file gone":
        (folder / "train.images.npy").unlink()
    elif damage == "file short":
        (folder / "train.images.npy").write_bytes(b"short")
    elif damage == "older format":
        manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format": 0}))
    else:
        manifest.write_text(manifest.read_text()[:50])
    assert load("digits").digest == digest
    assert folders(bench_home) == ["digits-16"]


def test_an_interrupted_preparation_leaves_nothing_and_can_be_started_again(bench_home, monkeypatch):
    real = writer.image_digest
    calls = iter(range(10**6))

    def interrupted(pixels):
        if next(calls) == 500:
            raise KeyboardInterrupt
        return real(pixels)

    monkeypatch.setattr(writer, "image_digest", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load("digits")
    assert folders(bench_home) == []
    monkeypatch.undo()
    os.environ["BENCH_HOME"] = str(bench_home)
    assert len(load("digits").train) > 0


def test_a_disk_that_fills_up_is_a_message_and_leaves_nothing(bench_home, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writer, "write_rows", full)
    with pytest.raises(UserError, match=r"no space left.*Nothing was kept.*BENCH_HOME"):
        load("digits")
    assert folders(bench_home) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_write_that_fails_is_a_message(bench_home, monkeypatch):
    """The real error of the system: the file of pictures is a device that is always full."""
    monkeypatch.setattr(writer.TableWriter, "_raw", lambda self, column: Path("/dev/full"))
    with pytest.raises(UserError, match="no space left"):
        load("digits")
    assert folders(bench_home) == []


def test_what_cannot_fit_is_refused_before_it_begins(bench_home, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(100, 99, 1_000_000))
    with pytest.raises(UserError, match=r"preparing needs 1 MB, 1 MB are free"):
        load("digits")
    assert folders(bench_home) == []


def test_a_cache_that_may_not_be_written(bench_home, monkeypatch):
    def denied(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", denied)
    with pytest.raises(UserError, match=r"cannot write prepared data to .*BENCH_HOME"):
        load("digits")


PREPARE = """
from bench.data import load; from bench.data.store import store
real, made = store.prepare, []
store.prepare = lambda *arguments: (made.append(1), real(*arguments))
print(load("digits").digest, len(made))
"""


@pytest.mark.slow
def test_two_processes_prepare_a_set_once(bench_home):
    processes = [subprocess.Popen([sys.executable, "-c", PREPARE], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    results = [process.communicate()[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert results[0][0] == results[1][0]
    assert sum(int(made) for _, made in results) == 1


def test_an_open_map_survives_a_refresh(bench_home):
    data = load("digits")
    before = np.array(data.train.images)
    load("digits", refresh=True)
    assert (data.train.images == before).all()
    assert folders(bench_home) == ["digits-16"]


def test_a_replacement_that_was_killed_in_the_middle_is_taken_back(bench_home, monkeypatch):
    digest = load("digits").digest
    folder = bench_home / "data" / "digits-16"
    folder.rename(folder.with_name("digits-16.old"))
    monkeypatch.setattr(store, "prepare", lambda *_: pytest.fail("prepared again"))
    assert load("digits").digest == digest
    assert folders(bench_home) == ["digits-16"]


def test_an_old_copy_is_swept_when_the_set_is_next_prepared(bench_home):
    load("digits")
    (bench_home / "data" / "digits-16.old").mkdir()
    load("digits", refresh=True)
    assert folders(bench_home) == ["digits-16"]


@pytest.mark.parametrize("content", ["[]", "{}", "null", '{"files": 3}', '{"format": 1, "files": {}}', "\x00"])
def test_a_manifest_of_another_kind_is_made_again(bench_home, content):
    digest = load("digits").digest
    (bench_home / "data" / "digits-16" / "manifest.json").write_text(content)
    assert load("digits").digest == digest


def test_a_file_of_the_user_that_may_not_be_read_is_not_called_the_cache(bench_home, tmp_path, monkeypatch):
    from bench.data.rows import DatasetSpec

    def plan():
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "mine.txt"))

    with pytest.raises(UserError, match=r"mine\.txt: Permission denied\. Expected a file that may be read"):
        store.load(DatasetSpec("x", "x", plan))

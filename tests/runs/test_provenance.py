"""A record says which code made it, and keeps a copy where nobody could get it from elsewhere."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bench import members
from bench.runs.provenance import Snapshot, snapshot

FILES = {"solo.py": "import parts\n\ndef gan(spec):\n    return parts\n", "parts.py": "import numpy, bench.gan\n"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder with a member in two files."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name in ("solo", "parts"):
        sys.modules.pop(name, None)


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=A", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


def taken() -> Snapshot:
    return snapshot(members.find("solo:gan"))


def test_a_loose_file_is_kept_whole(folder):
    found = taken()
    assert (found.commit, found.dirty, found.distribution, found.can_be_fetched) == (None, False, "", False)
    assert set(found.libraries) == {"numpy"}
    packed = zipfile.ZipFile(io.BytesIO(found.archive()))
    assert {name: packed.read(name).decode() for name in packed.namelist()} == FILES
    assert found.archive() == taken().archive(), "equal files give equal bytes"


def test_a_commit_says_it_all_until_a_file_differs_from_it(folder):
    git(folder, "init", "--quiet")
    git(folder, "add", "solo.py")
    git(folder, "commit", "--quiet", "--message", "one")
    partly = taken()
    assert partly.dirty, "parts.py is not in the commit"
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "two")
    clean = taken()
    assert (clean.dirty, clean.can_be_fetched) == (False, True)
    assert clean.commit is not None
    assert len(clean.commit) == 40
    (folder / "unrelated.py").write_text("")
    assert not taken().dirty
    (folder / "parts.py").write_text("import numpy  # changed\n")
    assert taken().dirty
    assert not taken().can_be_fetched


def test_a_member_of_an_installed_package_has_its_distribution():
    found = snapshot(members.find("dcgan"))
    assert found.distribution.startswith("gan-bench ")
    assert "torch" in found.libraries


def test_what_git_does_not_track_has_no_commit(folder):
    git(folder, "init", "--quiet")
    (folder / ".gitignore").write_text("*.py\n")
    git(folder, "add", ".gitignore")
    git(folder, "commit", "--quiet", "--message", "one")
    assert taken().commit is None

"""`bench run --at REV` runs the revision's own code, however the package that holds it is installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import bench
from bench.runs import revision

pytestmark = pytest.mark.slow

BUILDER = """
from bench.errors import UserError
from {package}.parts import WORDS

def gan(spec):
    raise UserError(WORDS)
"""
PYPROJECT = """
[project]
name = "shapes"
version = "{version}"
[project.entry-points."bench.members"]
{name} = "shapes.model:gan"
"""
FINDER = """
import sys
from importlib.machinery import PathFinder

class Editable:
    @staticmethod
    def find_spec(name, path=None, target=None):
        return PathFinder.find_spec(name, [{root!r}]) if path is None and name == "shapes" else None

sys.meta_path.append(Editable)
"""


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=A", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


def commit(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "a step")


@pytest.fixture
def repository(tmp_path):
    """A package under a src layout in two revisions, with a folder called bench and a file that would shadow a library."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet")
    package = {"src/shapes/__init__.py": "", "src/shapes/model.py": BUILDER.format(package="shapes")}
    commit(
        folder,
        {
            **package,
            "src/shapes/parts.py": "WORDS = 'the first revision'\n",
            "loose.py": BUILDER.format(package="shapes"),
            "bench/__init__.py": "raise RuntimeError('shadowed')",
            "pyproject.toml": PYPROJECT.format(version="1.0", name="old-name"),
        },
    )
    commit(
        folder,
        {
            "src/shapes/parts.py": "WORDS = 'the second revision'\n",
            "pyproject.toml": PYPROJECT.format(version="2.0", name="new-name"),
        },
    )
    return folder


def installed(repository: Path, how: str, tmp_path: Path) -> dict[str, str]:
    """The environment in which the package is installed in one of the usual ways."""
    site = tmp_path / "site"
    site.mkdir()
    if how == "path":  # a .pth file
        places = [repository / "src"]
    elif how == "finder":
        (site / "sitecustomize.py").write_text(FINDER.format(root=str(repository / "src")))
        places = [site]
    else:
        shutil.copytree(repository / "src/shapes", site / "shapes")
        places = [site]
    home = Path(bench.__file__ or "").parents[1]
    path = os.pathsep.join(str(place) for place in [*places, home])
    return os.environ | {"PYTHONPATH": path, "BENCH_HOME": str(tmp_path / "home")}


SCRIPT = "import sys; from bench.runs.revision import run_at; sys.exit(run_at(sys.argv[1], [sys.argv[2]], ['check', sys.argv[2]]))"


def at(repository: Path, environment: dict[str, str], rev: str, member: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-c", SCRIPT, rev, member]
    return subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["path", "finder", "copy"])
def test_the_revision_runs_and_not_what_is_installed(repository, tmp_path, how):
    environment = installed(repository, how, tmp_path)
    (repository / "src/shapes/parts.py").write_text("WORDS = 'not committed'\n")
    first, second = (at(repository, environment, rev, "shapes.model:gan") for rev in ("HEAD~1", "HEAD"))
    assert "the first revision" in first.stdout, first.stderr
    assert "the second revision" in second.stdout, second.stderr
    assert first.returncode == 1, "the exit code is that of the verb"
    assert not list((tmp_path / "home/worktrees").iterdir())
    listed = subprocess.run(["git", "worktree", "list"], cwd=repository, capture_output=True, text=True, check=True)
    assert len(listed.stdout.splitlines()) == 1


@pytest.mark.slow
def test_members_go_by_the_names_of_the_revision(repository, tmp_path):
    environment = installed(repository, "path", tmp_path)
    assert "the first revision" in at(repository, environment, "HEAD~1", "old-name").stdout
    refused = at(repository, environment, "HEAD~1", "new-name")
    assert "unknown member 'new-name'" in refused.stderr


@pytest.mark.slow
def test_a_file_of_the_current_folder_is_the_revisions(repository, tmp_path):
    environment = installed(repository, "path", tmp_path)
    (repository / "loose.py").write_text("raise RuntimeError('not committed')\n")
    assert "the first revision" in at(repository, environment, "HEAD~1", "loose:gan").stdout


@pytest.mark.slow
def test_code_that_is_not_in_the_revision_is_refused(repository, tmp_path):
    environment = installed(repository, "path", tmp_path)
    (repository / "src/shapes/newer.py").write_text("def gan(spec): ...\n")
    (repository / "later.py").write_text("def gan(spec): ...\n")
    for member in ("shapes.newer:gan", "later:gan"):
        refused = at(repository, environment, "HEAD", member)
        assert refused.returncode == 2
        assert refused.stderr.count("\n") <= 2, refused.stderr
        assert "bench" in refused.stderr


@pytest.mark.slow
def test_what_is_no_revision_is_said(repository, tmp_path):
    environment = installed(repository, "path", tmp_path)
    assert "there is no such revision" in at(repository, environment, "nowhere", "shapes.model:gan").stderr


def test_the_distribution_of_a_revision_is_read_from_its_pyproject(tmp_path):
    (tmp_path / "pyproject.toml").write_text(PYPROJECT.format(version="1.0", name="old-name"))
    out = tmp_path / "metadata"
    out.mkdir()
    revision._describe(tmp_path, "0123456789abcdef", out)
    (place,) = out.iterdir()
    assert place.name == "shapes-1.0.dist-info"
    assert "old-name = shapes.model:gan" in (place / "entry_points.txt").read_text()
    (tmp_path / "pyproject.toml").write_text("[build-system]\n")
    shutil.rmtree(place)
    revision._describe(tmp_path, "0123456789abcdef", out)
    assert list(out.iterdir()) == []

"""A revision's own code: `bench run --at REV` trains what a commit holds, in a worktree and a process of its own.

Python finds an installed package wherever it was installed from, so that a worktree alone proves nothing: under a src layout or
an editable install the candidate's code would run as the baseline. The process is therefore started with an import path in
which every folder of the repository is replaced by the worktree's, and it refuses to begin unless each member, and all that it
imports of the repository, lies below the worktree.
"""

import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import bench
from bench import members
from bench.errors import UserError
from bench.parameters import split
from bench.paths import home

LAUNCHER = Path(__file__).with_name("revision_process.py")
GROUPS = ("bench.members", "bench.metrics")


def run_at(revision: str, names: Sequence[str], arguments: Sequence[str]) -> int:
    """Run `bench` with these arguments under a revision's code of the members named; its exit code.

    Raises UserError for a revision or a repository that is not there.
    """
    repository = _repository(names)
    commit = _git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if commit is None:
        raise UserError(f"--at {revision}: there is no such revision in {repository}. Fetch it, or give another.")
    with _worktree(repository, commit.strip(), revision) as worktree, tempfile.TemporaryDirectory() as metadata:
        _describe(worktree, commit.strip(), Path(metadata))
        setting = {
            "repository": str(repository),
            "worktree": str(worktree),
            "metadata": metadata,
            "members": list(names),
            "own_bench": Path(bench.__file__ or "").resolve().is_relative_to(repository),
        }
        command = [sys.executable, "-P", str(LAUNCHER), json.dumps(setting), *arguments]
        return _wait(subprocess.Popen(command))


def _wait(process: "subprocess.Popen[bytes]") -> int:
    """The process's exit code. It gets a terminal's signals too, saves what it must, and is waited for."""
    while True:
        try:
            code = process.wait()
            return 128 - code if code < 0 else code
        except KeyboardInterrupt as signal:
            signum = getattr(signal, "signum", None)
            if signum is not None:  # SIGTERM and SIGHUP come to this process alone
                process.send_signal(signum)


def _repository(names: Sequence[str]) -> Path:
    """The checkout that holds the members as they are now, else that of the current folder."""
    tops: set[Path] = set()
    for name in names:
        try:
            place = members.locate(members.find(split(name)[0]))
        except UserError:  # a member of the revision alone
            continue
        top = _git(place.parent, "rev-parse", "--show-toplevel") if place else None
        if place and top and _git(place.parent, "ls-files", "--error-unmatch", "--", str(place)) is not None:
            tops.add(Path(top.strip()).resolve())
    if len(tops) > 1:
        raise UserError(f"--at: the members are in {len(tops)} repositories. Run those of each by themselves.")
    here = _git(Path.cwd(), "rev-parse", "--show-toplevel")
    if not tops and here is None:
        raise UserError("--at: neither the members nor the current folder are in a git repository.")
    return tops.pop() if tops else Path((here or "").strip()).resolve()


@contextmanager
def _worktree(repository: Path, commit: str, revision: str) -> Iterator[Path]:
    """A checkout of the commit, which is gone afterwards."""
    parent = home() / "worktrees"
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=parent, prefix=f"{commit[:12]}-")) / repository.name
    if _git(repository, "worktree", "add", "--quiet", "--detach", str(folder), commit) is None:
        raise UserError(f"--at {revision}: git cannot check out {commit[:12]} to {folder}. See `git worktree list`.")
    try:
        yield folder.resolve()
    finally:
        _git(repository, "worktree", "remove", "--force", str(folder))
        folder.parent.rmdir()


def _describe(worktree: Path, commit: str, folder: Path) -> None:
    """The names that the revision registers, from its pyproject.toml, as an installed distribution would say them."""
    try:
        project = tomllib.loads((worktree / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
    except (OSError, tomllib.TOMLDecodeError):
        return
    if "name" not in project:
        return
    version = project.get("version", f"0+g{commit[:12]}")
    lines: list[str] = []
    for group in GROUPS:
        points = project.get("entry-points", {}).get(group, {})
        lines += [f"[{group}]", *(f"{name} = {target}" for name, target in points.items()), ""]
    place = folder / f"{project['name'].replace('-', '_')}-{version}.dist-info"
    place.mkdir()
    (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {version}\n")
    (place / "entry_points.txt").write_text("\n".join(lines))


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says, or None where it refuses or is not there."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False, env=environment
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None

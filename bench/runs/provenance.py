"""Which code made a result: the member's repository, its distribution, what it imports, and a copy of its files."""

import io
import subprocess
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

from bench import members

EPOCH = (1980, 1, 1, 0, 0, 0)  # of every file in an archive: equal files give equal bytes
KIND = "source"  # of the artifact
NOTE = "The member's files. To run them again, unpack them into a folder and run from there."


@dataclass(frozen=True)
class Snapshot:
    """A member's source as it was when its job was made."""

    digest: str
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)  # place on the import path -> content
    commit: str | None = None  # of the repository that holds them
    dirty: bool = False  # some of them differ from the commit, or are not in it
    distribution: str = ""  # "mypackage 1.2", of an installed package
    libraries: Mapping[str, str] = field(default_factory=dict)  # distributions that the source imports -> versions

    @property
    def can_be_fetched(self) -> bool:
        """Whether somebody else gets the same files from the commit or the distribution."""
        return (self.commit is not None and not self.dirty) or (self.commit is None and bool(self.distribution))

    def archive(self) -> bytes:
        """The files as a zip: unpacked, its folder goes on the import path."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
            for place, content in self.files.items():
                entry = zipfile.ZipInfo(place, EPOCH)
                entry.external_attr = 0o644 << 16
                packed.writestr(entry, content, zipfile.ZIP_DEFLATED)
        return buffer.getvalue()


def snapshot(member: members.Listing) -> Snapshot:
    """The member's source as it stands. Raises UserError when it cannot be found."""
    source = members.source(member)
    paths = source.files
    commit, dirty = checkout(sorted(set(paths.values())))
    owners = _owners()
    top = member.module.partition(".")[0]
    owner = _versions(owners.get(top, ())) if commit is None else {}
    return Snapshot(
        digest=source.digest(),
        files={place: path.read_bytes() for place, path in paths.items()},
        commit=commit,
        dirty=dirty,
        distribution=member.distribution or ", ".join(f"{name} {said}" for name, said in owner.items()),
        libraries=_versions(name for foreign in source.foreign for name in owners.get(foreign, ())),
    )


def checkout(paths: Sequence[Path]) -> tuple[str | None, bool]:
    """The commit of the repository that holds these files, and whether any of them differs from it.

    (None, False) when no file is tracked: installed packages inside a checkout's virtual environment are not.
    """
    if not paths:
        return None, False
    folder = str(paths[0].resolve().parent)
    names = [str(path.resolve()) for path in paths]
    tracked = _git(folder, "ls-files", "-z", "--", *names)
    commit = _git(folder, "rev-parse", "HEAD")
    if not tracked or not commit:
        return None, False
    changed = _git(folder, "status", "--porcelain", "--", *names)
    return commit.strip(), bool(changed) or tracked.count("\0") < len(set(names))


def _git(folder: str, *arguments: str) -> str:
    """What git says; empty where there is no git, no repository, or a file outside of it."""
    try:
        done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout if done.returncode == 0 else ""


@cache
def _owners() -> Mapping[str, Sequence[str]]:
    """Top-level name -> the distributions that install it."""
    return packages_distributions()


@cache
def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _versions(names: Iterable[str]) -> dict[str, str]:
    found = {name: _version(name) for name in names}
    return {name: said for name, said in sorted(found.items()) if said is not None}

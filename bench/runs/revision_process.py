"""The process of `bench run --at REV`, run as a file: it arranges where Python finds the revision's code, then calls `bench`.

It imports nothing of the bench before the path is arranged, because the revision may hold a bench of its own.
"""

import importlib
import json
import os
import sys
from importlib.machinery import PathFinder
from pathlib import Path

REMEDY = "Run from the folder that holds it, or install its package in place (pip install --editable)."


def main() -> None:
    """Arrange, prove, run."""
    setting, arguments = json.loads(sys.argv[1]), sys.argv[2:]
    repository, worktree = Path(setting["repository"]), Path(setting["worktree"])
    if not setting["own_bench"]:
        importlib.import_module("bench.cli")  # the one that is installed, whatever the revision calls its folders
    here = Path.cwd().resolve()
    sys.path[:] = [setting["metadata"], *(str(moved(Path(entry), repository, worktree)) for entry in sys.path if entry)]
    if here.is_relative_to(repository):
        sys.path.append(str(moved(here, repository, worktree)))
    sys.path += [str(folder) for folder in (worktree, worktree / "src") if folder.is_dir()]
    if setting["own_bench"]:
        prove_bench(worktree)
    from bench.errors import UserError

    try:
        prove(setting["members"], repository, worktree)
    except UserError as error:
        refuse(str(error))
    sys.argv = ["bench", *arguments]
    importlib.import_module("bench.cli").main()


def moved(entry: Path, repository: Path, worktree: Path) -> Path:
    """The folder's counterpart in the worktree; folders outside of the repository, and what git ignores, stay."""
    resolved = entry.resolve()
    if not resolved.is_relative_to(repository):
        return entry
    counterpart = worktree / resolved.relative_to(repository)
    return counterpart if counterpart.exists() else entry


def prove_bench(worktree: Path) -> None:
    """Exit with code 2 unless a repository that holds the bench runs the revision's."""
    place = file_of("bench")
    if place is None or not place.is_relative_to(worktree):
        insert("bench", worktree)
        place = file_of("bench")
    if place is None or not place.is_relative_to(worktree):
        refuse(f"the bench would be imported from {place or 'nowhere'}, not from the revision. {REMEDY}")


def prove(names: list[str], repository: Path, worktree: Path) -> None:
    """Exit with code 2 unless the members, and what they import of the repository, are the revision's."""
    from bench import members

    for name in names:
        listing = members.find(name.partition("(")[0])  # without parameters: nothing may be imported yet
        top = listing.entry_point.partition(":")[0].partition(".")[0]
        place = file_of(top)
        if place is None or not place.is_relative_to(worktree):
            insert(top, worktree)
            place = file_of(top)
        if place is None or not place.is_relative_to(worktree):
            refuse(f"member {name!r} would be imported from {place or 'nowhere'}, not from the revision. {REMEDY}")
        source = getattr(members, "source", None)  # a revision of the bench may be older than it
        followed = source(listing).modules if source else {}
        strays = [module for module, path in followed.items() if stray(path, repository, worktree)]
        if strays:
            refuse(f"member {name!r} would import {', '.join(strays)} from the checkout, not the revision. {REMEDY}")


def file_of(top: str) -> Path | None:
    """Where a top-level module or package is found."""
    spec = PathFinder.find_spec(top)
    places = [] if spec is None else [spec.origin] if spec.origin else list(spec.submodule_search_locations or ())
    return Path(places[0]).resolve() if places and places[0] else None


def insert(top: str, worktree: Path) -> None:
    """Put the folder that holds the package first: it is installed, and its copy would be found before."""
    for folder in (worktree / "src", worktree):
        if (folder / top).is_dir() or (folder / f"{top}.py").is_file():
            sys.path.insert(0, str(folder))
            importlib.invalidate_caches()
            return


def stray(path: Path, repository: Path, worktree: Path) -> bool:
    """Whether a file is the checkout's own."""
    resolved = path.resolve()
    return resolved.is_relative_to(repository) and not resolved.is_relative_to(worktree)


def refuse(words: str) -> None:
    """One message, exit code 2."""
    print(f"bench: error: --at: {words}", file=sys.stderr)
    sys.stderr.flush()
    os._exit(2)


if __name__ == "__main__":
    main()

"""Sets that a user imported under a name of their own."""

import re
from pathlib import Path

from bench.data.rows import DatasetRecipe, DatasetSpec
from bench.data.store import store
from bench.errors import UserError

PREFIX = "imported-"
ALLOWED = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


def check_name(name: str) -> str:
    """A name that can be a folder's. Raises UserError."""
    if not ALLOWED.fullmatch(name) or "-to-" in name:
        raise UserError(
            f"data set name {name!r}: expected up to 63 lower-case letters, digits, dots, dashes and underscores, "
            'beginning with a letter or digit, without "-to-".'
        )
    return name


def folder(name: str) -> Path:
    """Where an imported set is kept."""
    return store.folder() / f"{PREFIX}{name}"


def names() -> list[str]:
    """All that were imported."""
    folders = store.folder().glob(f"{PREFIX}*") if store.folder().is_dir() else []
    complete = (path.name.removeprefix(PREFIX) for path in folders if store.is_complete(path))
    return sorted(name for name in complete if "-to-" not in name)


def gone(name: str) -> UserError:
    """The error for a set whose files were lost: it cannot be made anew from anything else."""
    return UserError(
        f"data set {name}: its prepared form in {folder(name)} is gone or damaged. "
        f"Import it again: bench data import {name} PATH"
    )


def request(name: str) -> DatasetSpec:
    """The set as it was imported; it cannot be made anew without its files."""

    def plan() -> DatasetRecipe:
        raise gone(name)

    return DatasetSpec(name, f"{PREFIX}{name}", plan)

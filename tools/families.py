"""What each member of a family of one change per member changes, as its builder says it."""

import ast
from pathlib import Path

from bench import members, sources


def changes(module: str) -> dict[str, str]:
    """Member -> the first line of its builder's docstring, without importing the module (e.g. "zoo.stabilisers")."""
    tree = sources.parse(_file(module))
    lines = {f.name: (ast.get_docstring(f) or "").split("\n")[0] for f in tree.body if isinstance(f, ast.FunctionDef)}
    family = [found for found in members.listings().values() if found.module == module]
    return {found.name: lines[found.entry_point.partition(":")[2]] for found in family}


def _file(module: str) -> Path:
    path = sources.locate(module)
    assert path is not None, module
    return path

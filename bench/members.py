"""Members: from a name or "module:function" to a builder, by entry point.

An installed package registers members under the entry-point group "bench.members"; the zoo does the same. A variant that
is in no package is given as "mypackage.my_gan:my_gan".
"""

import ast
import hashlib
import importlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from bench.errors import UserError, unknown

GROUP = "bench.members"


@dataclass(frozen=True)
class Listing:
    """A member that can be built."""

    name: str
    entry_point: str  # "module:function"
    distribution: str  # "gan-bench 0.1.0", or "" for a loose file


def listings() -> dict[str, Listing]:
    """Every registered member by name, in the order of their names."""
    points = importlib.metadata.entry_points(group=GROUP)
    found = [Listing(point.name, point.value, _distribution(point)) for point in points]
    return {listing.name: listing for listing in sorted(found, key=lambda listing: listing.name)}


def _distribution(point: importlib.metadata.EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else ""


def find(name: str) -> Listing:
    """A member by its registered name, or by "module:function". Raises UserError for a name that nobody knows."""
    known = listings()
    if name in known:
        return known[name]
    if ":" in name:
        return Listing(name.partition(":")[2].replace("_", "-"), name, "")
    raise unknown("member", name, known)


def builder(listing: Listing) -> Callable[..., Any]:
    """The function that builds the member from an ImageSpec. Raises UserError when it cannot be imported."""
    module_name, _, function_name = listing.entry_point.partition(":")
    if "" not in sys.path and "." not in sys.path:
        sys.path.insert(0, "")  # a variant that lies in the working directory
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise UserError(
            f"member {listing.entry_point!r}: there is no module {error.name!r}. "
            "Run from the folder that holds it, or install its package."
        ) from None
    function = getattr(module, function_name, None)
    if not callable(function):
        functions = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
        raise unknown(f"function in {module_name}", function_name, functions)
    return function


def summary(listing: Listing) -> str:
    """The first paragraph of the member's own docstring, without importing it (a listing must not load torch)."""
    source = _source(listing.entry_point.partition(":")[0])
    doc = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) if source else None
    return " ".join((doc or "").split("\n\n")[0].split())


def source_digest(listing: Listing) -> str:
    """The sha256 over the syntax trees of the member's module and of what it imports from its own top-level package.

    Comments, docstrings and layout do not count, so a record goes stale only when the code says something else.
    """
    module_name = listing.entry_point.partition(":")[0]
    seen: dict[str, str] = {}
    waiting = [module_name]
    while waiting:
        name = waiting.pop()
        path = _source(name)
        if name in seen or path is None:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        seen[name] = " ".join(_canonical(tree))
        waiting += [other for other in _imports(tree) if other.split(".")[0] == module_name.split(".")[0]]
    return hashlib.sha256("\n".join(f"{name} {seen[name]}" for name in sorted(seen)).encode()).hexdigest()


def _source(module_name: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(module_name)
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec and spec.origin and spec.origin.endswith(".py") else None


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _canonical(node: ast.AST) -> Iterator[str]:
    """Node names and values, skipping what is empty: the same for every Python version."""
    yield type(node).__name__
    for name, value in ast.iter_fields(node):
        items = cast("list[object]", value if isinstance(value, list) else [value])
        for item in items[_has_docstring(node) if name == "body" else 0 :]:
            if isinstance(item, ast.AST):
                yield from _canonical(item)
            elif item is not None:
                yield f"{name}={item!r}"


def _has_docstring(node: ast.AST) -> bool:
    documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    return documented and ast.get_docstring(node, clean=False) is not None

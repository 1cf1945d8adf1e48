"""The source that decides what a module does: its own files and those that it imports, without importing any.

Followed: every form of `import` and `from ... import` wherever it stands in a file (absolute and relative, of modules and of
packages, aliases, stars, inside functions and conditions), the `__init__` of every package on the way, and the data files
that a module declares, by path or pattern relative to its folder:

    __bench_files__ = ["weights.json", "tables/*.csv"]

It ends at installed distributions, whose versions are recorded, and at the bench. Not followed: `importlib`, `exec`, files that
are opened but not declared.
"""

import ast
import hashlib
import importlib.util
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from pathlib import Path
from typing import cast

from bench.errors import UserError

DECLARATION = "__bench_files__"
BENCH = "bench"  # the harness: its own version is in the record


@dataclass
class Source:
    """The files that decide what a module does."""

    modules: dict[str, Path] = field(default_factory=dict)  # dotted name -> file
    data: dict[str, Path] = field(default_factory=dict)  # "package/weights.json" -> file
    foreign: set[str] = field(default_factory=set)  # top-level names of installed packages that are imported

    def digest(self) -> str:
        """sha256 over syntax trees and data files. Comments, docstrings and layout do not count."""
        lines = [f"{name} {said}" for name, path in self.modules.items() if (said := _meaning(path)) != "Module"]
        lines += [f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}" for name, path in self.data.items()]
        return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()

    @property
    def files(self) -> dict[str, Path]:
        """Every file by where it belongs below a folder on the import path."""
        places = {
            f"{name.replace('.', '/')}/__init__.py" if path.stem == "__init__" else _place(name, path): path
            for name, path in self.modules.items()
        }
        return dict(sorted((places | self.data).items()))


def of(module: str) -> Source:
    """What decides the behaviour of a module by its dotted name.

    Raises UserError when its source cannot be found or read, or a file that it declares is missing.
    """
    if locate(module) is None:
        raise UserError(
            f"module {module!r}: its source cannot be found, so that nothing could tell when it changes. "
            "Run from the folder that holds it, or install its package."
        )
    source, own = Source(), module.partition(".")[0]
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in source.modules:
            continue
        top = name.partition(".")[0]
        if top != own and not _is_loose(top):
            source.foreign |= {top} if _find(top) else set()
            continue
        path = locate(name)
        if path is not None:
            source.modules[name] = path
            if path.suffix == ".py":
                tree = parse(path)
                source.data |= _declared(tree, name, path)
                waiting += _imports(tree, name, is_package=path.stem == "__init__")
        waiting += [name.rpartition(".")[0]] if "." in name else []
    source.foreign -= {BENCH} | sys.stdlib_module_names
    return source


def locate(module: str) -> Path | None:
    """The file of a module: found below its top-level package, of which nothing is imported."""
    top, *rest = module.split(".")
    spec = _find(top)
    if spec is None:
        return None
    if not rest:
        return _file(spec.origin)
    for folder in spec.submodule_search_locations or ():
        place = Path(folder, *rest)
        endings = (".py", *EXTENSION_SUFFIXES)
        for path in (place / "__init__.py", *(place.with_name(place.name + ending) for ending in endings)):
            if path.is_file():
                return path
    return None


def parse(path: Path) -> ast.Module:
    """The syntax tree of a file. Raises UserError when it cannot be read as Python."""
    try:
        return ast.parse(path.read_bytes(), filename=str(path))
    except (SyntaxError, ValueError) as error:
        where = f"line {error.lineno}: {error.msg}" if isinstance(error, SyntaxError) else str(error)
        raise UserError(f"{path}: is not valid Python: {where}. Fix the file.") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}.") from None


def _find(top: str) -> ModuleSpec | None:
    if top in sys.builtin_module_names:
        return None
    try:
        return importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return None


def _file(origin: str | None) -> Path | None:
    path = Path(origin) if origin else None
    return path if path and path.suffix in (".py", *EXTENSION_SUFFIXES[-1:]) and path.is_file() else None


def _is_loose(top: str) -> bool:
    """Whether a top-level module belongs to no installed distribution: a file of the user's own, an editable install."""
    if top == BENCH or top in sys.stdlib_module_names:
        return False
    spec = _find(top)
    if spec is None:
        return False
    places = [spec.origin] if spec.origin else list(spec.submodule_search_locations or ())
    return bool(places) and not any(Path(place).resolve().is_relative_to(root) for place in places for root in _roots())


@cache
def _roots() -> tuple[Path, ...]:
    """Folders of installed packages."""
    names = ("purelib", "platlib", "stdlib", "platstdlib")
    paths = {Path(sysconfig.get_path(name)).resolve() for name in names}
    paths |= {Path(entry).resolve() for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")}
    return tuple(paths)


def _imports(tree: ast.Module, module: str, *, is_package: bool) -> Iterator[str]:
    """Every name that could be a module; what is an attribute is not found and costs nothing."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, module, is_package)
            if base:
                yield base
                yield from (f"{base}.{alias.name}" for alias in node.names if alias.name != "*")


def _base(node: ast.ImportFrom, module: str, is_package: bool) -> str:
    """The absolute name after `from`; "" for a relative import that leaves its package."""
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    kept = parts[: len(parts) - node.level + is_package]
    return ".".join([*kept, *([node.module] if node.module else [])]) if kept else ""


def _declared(tree: ast.Module, module: str, path: Path) -> dict[str, Path]:
    """The data files that a module says it reads."""
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        if any(isinstance(target, ast.Name) and target.id == DECLARATION for target in targets):
            return _files(_literal(cast("ast.Assign", node).value, path), module, path)
    return {}


def _literal(value: ast.expr, path: Path) -> list[str]:
    try:
        patterns: object = ast.literal_eval(value)
    except ValueError:
        patterns = None
    if not isinstance(patterns, list | tuple) or not all(isinstance(item, str) and item for item in patterns):
        raise UserError(f'{path}: {DECLARATION} must be a list of file names, e.g. ["weights.json"]. Fix the file.')
    return cast("list[str]", list(patterns))


def _files(patterns: list[str], module: str, path: Path) -> dict[str, Path]:
    place = module.split(".") if path.stem == "__init__" else module.split(".")[:-1]
    found: dict[str, Path] = {}
    for pattern in patterns:
        if Path(pattern).is_absolute():
            raise UserError(
                f"{path}: {DECLARATION}: {pattern!r} must be relative to the module's folder. Fix the file."
            )
        files = sorted(file for file in path.parent.glob(pattern) if file.is_file())
        if not files:
            raise UserError(f"{path}: {DECLARATION}: there is no file {pattern!r} beside it. Add it, or fix the list.")
        found |= {"/".join([*place, file.relative_to(path.parent).as_posix()]): file for file in files}
    return found


def _place(module: str, path: Path) -> str:
    return "/".join([*module.split(".")[:-1], path.name])


def _meaning(path: Path) -> str:
    if path.suffix != ".py":
        return hashlib.sha256(path.read_bytes()).hexdigest()
    return " ".join(_canonical(parse(path)))


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

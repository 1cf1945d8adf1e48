"""Files of one subject, short functions: the limits of CONTRIBUTING, over the syntax trees."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted(path for folder in ("bench", "zoo", "tools") for path in (ROOT / folder).rglob("*.py"))
LINES, BODY, PARAMETERS = 300, 40, 8


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef, path: Path) -> int:
    """Of a function; in the zoo without its keywords, which are a member's parameters, each with a line in `bench show`."""
    keywords = [] if path.is_relative_to(ROOT / "zoo") else function.args.kwonlyargs
    names = [item.arg for item in (*function.args.posonlyargs, *function.args.args, *keywords)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def length(function: ast.FunctionDef | ast.AsyncFunctionDef, path: Path) -> int:
    """Lines of a function; those of its body where it is a verb, whose signature is a list of options with their help."""
    first = function.body[0] if "cli" in path.parts else function
    return (function.end_lineno or 0) - first.lineno + 1


def test_there_are_files_to_look_at():
    assert len(FILES) > 200


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_has_one_subject_and_functions_are_short(path: Path):
    lines = path.read_text(encoding="utf-8").count("\n")
    lengths = {function.name: length(function, path) for function in functions(path)}
    assert lines <= LINES
    assert {name: count for name, count in lengths.items() if count > BODY} == {}


@pytest.mark.parametrize(
    "path", [p for p in FILES if "cli" not in p.parts], ids=lambda path: str(path.relative_to(ROOT))
)
def test_a_function_takes_few_parameters(path: Path):
    """A verb of the command line has an option per parameter; nothing else has more than eight."""
    assert [f"{f.name}: {parameters(f, path)}" for f in functions(path) if parameters(f, path) > PARAMETERS] == []

"""What the pages say is true: paths and names exist, tables have every field (tests/cli/test_tree.py: commands exist)."""

import ast
import importlib
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel

from bench.boards.verdicts import gate
from bench.cli import guard
from bench.cli.app import tree
from bench.records import record
from bench.suites import suite

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "tools/README.md"]
SOURCES = [path for folder in ("bench", "zoo", "tools") for path in sorted((ROOT / folder).rglob("*.py"))]
FOLDERS = "bench|zoo|docs|tests|tools"
MADE_UP = {"zoo/my_gan.py", "tests/zoo/test_my_gan.py"}  # files that a page tells the reader to write


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_paths_and_links_exist(page: Path):
    text = page.read_text(encoding="utf-8")
    links = [page.parent / target for target in re.findall(r"\]\(([^)#:\s]+)[^):]*\)", text)]
    sources = [page.parent / target for target in re.findall(r'<img src="([^":]+)"', text)]
    paths = [ROOT / target for target in re.findall(rf"(?<![\w./-])((?:{FOLDERS})/[\w./-]*\w)", text)]
    missing = [str(path) for path in links + sources + paths if not path.exists() and named(path) not in MADE_UP]
    assert missing == []


def words(path: Path) -> Iterator[str]:
    """What a file says: the whole of a page; docstrings and comments of a module."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield text
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def resolves(name: str) -> bool:
    """Whether a dotted name is a module, or an attribute of one."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[length:]:
            if not hasattr(found, attribute):
                return False
            found = getattr(found, attribute)
        return True
    return False


@pytest.mark.parametrize("path", PAGES + SOURCES, ids=named)
def test_dotted_names_resolve(path: Path):
    groups = {"bench.members", "bench.extractors"}  # of entry points; `bench.metrics` is a module too
    names = {name for text in words(path) for name in re.findall(r"(?<![\w/.-])(?:bench|zoo)(?:\.[A-Za-z_]\w*)+", text)}
    assert [name for name in sorted(names - groups) if not resolves(name)] == []


def fields(page: str, heading: str) -> set[str]:
    """The names in the first column of the tables under a heading."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    (section,) = re.findall(rf"^(#+) {re.escape(heading)}\n(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
    cells = re.findall(r"^\| (`.*?) \|", section[1], re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


@pytest.mark.parametrize(
    ("page", "heading", "model"),
    [
        ("suites.md", "`[data]`", suite.Data),
        ("suites.md", "`[training]`", suite.Budget),
        ("suites.md", "`[evaluation]`", suite.Evaluation),
        ("records.md", "A record", record.Record),
        ("records.md", "`scores`", record.Score),
        ("records.md", "`curve`", record.Point),
        ("records.md", "`member`", record.Member),
        ("records.md", "`failure`", record.Failure),
        ("records.md", "`artifacts`", record.Artifact),
        ("records.md", "`environment`", record.Environment),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_table_has_every_field(page: str, heading: str, model: type[BaseModel]):
    assert fields(page, heading) == set(model.model_fields)


def test_the_table_of_suites_has_every_key():
    tables = {"data", "training", "recipes", "evaluation"}
    assert fields("suites.md", "The suite itself") | tables == set(suite.Suite.model_fields)


def test_the_suite_on_the_page_is_valid():
    (text,) = re.findall(r"```toml\n(name.*?)```", (ROOT / "docs/suites.md").read_text(encoding="utf-8"), re.DOTALL)
    assert suite.parse(text, "docs/suites.md").seeds == (0, 1, 2)


def test_records_are_read_as_the_page_says(make_record: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/records.md").read_text(encoding="utf-8"), re.DOTALL)
    for seed in (0, 1):
        record.write(make_record("dcgan", seed=seed, scores={"fid@digits-cnn": 10.0 + seed}), tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["last"].value.mean() == 10.5


def test_no_program_lies_in_docs():
    listed = subprocess.run(["git", "ls-files", "docs/*.py"], capture_output=True, text=True, cwd=ROOT, check=True)
    assert [line for line in listed.stdout.split() if not line.startswith("docs/examples/")] == []


def test_the_exit_codes_of_every_verb_are_on_the_page():
    verbs = set(tree().list_commands(typer.Context(tree())))
    assert fields("command_line.md", "Exit codes") >= verbs
    text = (ROOT / "docs/command_line.md").read_text(encoding="utf-8")
    (row,) = re.findall(r"^\| `gate` .*$", text, re.MULTILINE)
    assert {int(code) for code in re.findall(r"\b\d+\b", row)} == {
        *(code.value for code in gate.Exit if code.value > 2),
        guard.GATE_FAULT,
    }

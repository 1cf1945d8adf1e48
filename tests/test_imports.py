"""Who may import whom: docs/architecture.md as a test over the syntax trees."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NO_TORCH = (
    "errors",
    "members",
    "paths",
    "suites.suite",
    "records.record",
    "records.merge",
    "boards.board",
    "boards.explain",
    "boards.rows",
    "boards.statistics",
    "boards.text",
    "boards.verdicts.compare",
    "boards.verdicts.gate",
)
CONTRACT = {"bench.gan", "bench.errors"}  # all that a member needs of the bench
PARTS = {path.stem for path in (ROOT / "zoo").glob("*.py")}


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where a thing comes from"
            yield node.module or ""


def loaded_by(module: str) -> set[str]:
    """The top-level packages that importing a module loads, in a fresh interpreter."""
    code = f"import sys, {module}; print(' '.join({{name.split('.')[0] for name in sys.modules}}))"
    return set(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
        ).stdout.split()
    )


def test_the_bench_never_imports_the_zoo():
    guilty = [str(path) for path in modules("bench") if any(name.split(".")[0] == "zoo" for name in imports(path))]
    assert guilty == []


def test_the_bench_names_no_member():
    """The harness knows no GAN by name; words in a docstring or a comment are free."""
    import tomllib

    table = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["bench.members"]
    names = set(table) - {"gan"}
    for path in modules("bench"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        strings = [
            n.value
            for n in ast.walk(tree)
            if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in docs
        ]
        assert not names.intersection(strings), path


@pytest.mark.parametrize("path", modules("zoo"), ids=lambda path: path.stem)
def test_the_zoo_stands_on_the_contract_alone(path: Path):
    wrong = [name for name in imports(path) if name.split(".")[0] == "bench" and name not in CONTRACT]
    assert wrong == []


@pytest.mark.parametrize("name", NO_TORCH)
def test_what_reads_records_needs_no_torch(name: str):
    assert "torch" not in loaded_by(f"bench.{name}")


def test_the_report_needs_no_torch():
    assert "torch" not in loaded_by("bench.report")


def test_help_is_quick_because_nothing_heavy_is_loaded():
    loaded = loaded_by("bench.cli")
    assert loaded.isdisjoint({"torch", "pandas", "scipy", "sklearn", "matplotlib", "seaborn", "pydantic", "numpy"})


def test_no_path_of_one_machine_is_committed():
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=ROOT)
    if listed.returncode:
        pytest.skip("not a git checkout")
    pattern = re.compile(r"(?<![\w.])/(?:home|root|Users)/\w")
    texts = {".py", ".md", ".toml", ".json", ".html", ".csv", ".yml"}
    paths = [ROOT / line for line in listed.stdout.splitlines() if Path(line).suffix in texts]
    guilty = [str(path) for path in paths if path.exists() and pattern.search(path.read_text(errors="ignore"))]
    assert guilty == []

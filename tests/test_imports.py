"""Who may import whom: docs/architecture.md as a test over the syntax trees."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
_, *TABLE = re.findall(r"^\| (\w+) \| [^|]+ \| ([\w, ]*)\|$", PAGE.partition("## Packages")[2], re.MULTILINE)
ROOMS = {name: tuple(re.findall(r"\w+", allowed)) for name, allowed in TABLE}  # room -> the rooms that it may import
NO_TORCH = re.findall(r"\w+", re.findall(r"need no torch.*: ([\w, ]+)\.", PAGE)[0])
CONTRACT = {"bench.gan", "bench.errors"}  # all that a member needs of the bench


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where a thing comes from"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def dotted(path: Path) -> str:
    """The name by which a file is imported."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def nearest(imported: str, known: Mapping[str, Path]) -> str | None:
    """The module that an imported name is or stands in; a package's own file counts only where the package is meant."""
    while imported and imported not in known:
        imported = imported.rpartition(".")[0]
    return imported or None


def loaded_by(*names: str) -> set[str]:
    """The top-level packages that importing some modules loads, in a fresh interpreter."""
    code = f"import sys, {', '.join(names)}; print(' '.join({{name.split('.')[0] for name in sys.modules}}))"
    return set(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
        ).stdout.split()
    )


def test_the_bench_never_imports_the_zoo():
    guilty = [str(path) for path in modules("bench") if any(name.split(".")[0] == "zoo" for name in imports(path))]
    assert guilty == []


def members() -> dict[str, set[str]]:
    """Files that hold a registered member -> the names of the builders in them."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["bench.members"]
    files: dict[str, set[str]] = {}
    for target in table.values():
        module, _, builder = target.partition(":")
        files.setdefault(module, set()).add(builder)
    return files


@pytest.mark.parametrize("path", modules("zoo"), ids=lambda path: path.stem)
def test_a_member_never_imports_a_member(path: Path):
    """Networks and parts may be shared; a builder may not call another file's builder."""
    builders = {f"{module}.{name}" for module, names in members().items() for name in names if module != dotted(path)}
    assert builders.isdisjoint(imports(path))


def test_papers_stand_in_the_zoo_and_shared_parts_in_its_folders():
    registered = {f"{module.replace('.', '/')}.py" for module in members()}
    papers = {path.relative_to(ROOT).as_posix() for path in modules("zoo") if builds(path)}
    assert registered <= papers
    assert papers == {f"zoo/{path.name}" for path in (ROOT / "zoo").glob("*.py")} - {"zoo/__init__.py"}


def builds(path: Path) -> bool:
    """Whether a file holds a builder: a function of an ImageSpec alone, keywords apart, that returns a GAN."""
    functions = [node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)]
    return any([arg.arg for arg in f.args.args] == ["spec"] and ast.unparse(f.returns or f) == "GAN" for f in functions)


def test_the_bench_names_no_member():
    """The harness knows no GAN by name; words in a docstring or a comment are free."""
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
    wrong = [name for name in imports(path) if name.startswith("bench.") and name.rpartition(".")[0] not in CONTRACT]
    assert wrong == []


def room(module: str) -> str:
    """The room of a dotted name: bench.data.store.writer -> data."""
    part = [*module.split("."), ""][1]
    return part if part in ROOMS else "top"


def listed(name: str) -> list[str]:
    """The modules that the page lists for a room, as paths below it."""
    (section,) = re.findall(rf"^### {name}$(.*?)(?=^##)", PAGE, re.MULTILINE | re.DOTALL)
    return re.findall(r"^- `([\w/]+\.py)`: \S", section, re.MULTILINE)


def test_the_page_lists_the_rooms():
    folders = {path.name for path in (ROOT / "bench").iterdir() if (path / "__init__.py").exists()}
    assert folders | {"top"} == ROOMS.keys()
    assert len(list((ROOT / "bench").glob("*.py"))) <= 12


@pytest.mark.parametrize("name", ROOMS)
def test_the_page_lists_every_module_with_a_line(name: str):
    """A new module gets its line under its room in docs/architecture.md; a module that goes takes its line with it."""
    folder = ROOT / "bench" / ("" if name == "top" else name)
    paths = folder.glob("*.py") if name == "top" else folder.rglob("*.py")
    assert sorted(listed(name)) == sorted(str(path.relative_to(folder)) for path in paths if path.stem != "__init__")


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_imports_what_it_may(name: str):
    """Deferred and type-only imports count too."""
    entrances = {ROOT / "bench" / "__main__.py", ROOT / "bench" / "__init__.py"}  # of the command line and of the api
    files = [path for path in modules("bench") if room(dotted(path)) == name and path not in entrances]
    wrong = [
        f"{path.relative_to(ROOT)} imports {imported}"
        for path in files
        for imported in imports(path)
        if imported.startswith("bench.") and room(imported) not in (name, *ROOMS[name])
    ]
    assert wrong == []


def test_no_file_imports_itself_by_a_circle():
    """Over all imports, deferred and type-only ones included."""
    known = {dotted(path): path for path in modules("bench")}
    graph = {
        name: {target for item in imports(path) if (target := nearest(item, known))} for name, path in known.items()
    }
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


@pytest.mark.parametrize("name", NO_TORCH)
def test_tables_and_pages_need_no_torch(name: str):
    names = [dotted(path) for path in modules("bench") if room(dotted(path)) == name]
    assert "torch" not in loaded_by(*names)


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

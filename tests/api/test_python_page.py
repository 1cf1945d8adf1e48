"""docs/python.md and the tutorial run as they are printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import pytest

import bench

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with the committed results, as in a checkout."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    (tmp_path / "results").symlink_to(ROOT / "results")
    return tmp_path


@pytest.mark.slow
def test_every_block_of_the_page_runs(place, capsys):
    mpl.use("Agg")
    (suite,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (place / "small.toml").write_text(suite)
    names: dict[str, object] = {}
    for block in re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        exec(compile(block, "docs/python.md", "exec"), names)
    said = capsys.readouterr().out
    assert "ok fid@digits-cnn" in said
    assert {path.name for path in place.iterdir()} >= {"cells.png", "made.png", "mine"}


def test_the_page_names_every_public_function():
    assert [name for name in bench.__all__ if not re.search(rf"\b{name}\b", PAGE)] == ["Training"]


def test_every_public_name_is_there_and_documented():
    for name in bench.__all__:
        assert getattr(bench, name).__doc__, name
    assert set(bench.__all__) <= set(dir(bench))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = bench.nothing


@pytest.mark.slow
def test_the_tutorial_runs_and_what_is_committed_was_run(tmp_path):
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("nbclient")
    subprocess.run(
        [sys.executable, ROOT / "tools" / "run_tutorial.py", "--out", tmp_path / "run.ipynb"],
        check=True, capture_output=True, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    committed, run = (nbformat.read(path, 4) for path in (ROOT / "docs" / "tutorial.ipynb", tmp_path / "run.ipynb"))
    assert [kinds(cell) for cell in run.cells] == [kinds(cell) for cell in committed.cells]
    pictures = [kind for cell in run.cells for kind in kinds(cell) if kind == "image/png"]
    assert len(pictures) == 3


def kinds(cell):
    """What a cell's outputs are."""
    return [kind for output in cell.get("outputs", []) for kind in output.get("data", {"text": ""})]

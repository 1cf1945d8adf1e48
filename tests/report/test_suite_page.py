"""The page of a suite from synthetic records: what it says, that it is safe, that it is the same each time."""

import importlib.util
from pathlib import Path

import pytest

from bench import report

_spec = importlib.util.spec_from_file_location("synthetic", Path(__file__).with_name("synthetic.py"))
assert _spec
assert _spec.loader
synthetic = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(synthetic)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    synthetic.write_results(folder, ["dcgan", "sngan"], seeds=(0, 1))
    return folder


def test_same_records_same_bytes(results: Path, tmp_path: Path) -> None:
    once = report.files(results, tmp_path)
    assert report.files(results, tmp_path) == once
    assert {path.name for path in once} >= {"toy.html", "toy.md", "toy.csv", "toy.json"}


def test_check_finds_stale_and_missing_pages(results: Path, tmp_path: Path) -> None:
    written = report.build(results, tmp_path)
    assert report.check(results, tmp_path) == []
    written[0].write_text("old")
    written[-1].unlink()
    assert len(report.check(results, tmp_path)) == 2

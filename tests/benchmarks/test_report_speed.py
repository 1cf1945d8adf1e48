"""How long a report takes: 30 members x 5 seeds, every page, from records and pictures on disk."""

import importlib.util
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench import report

SYNTHETIC = Path(__file__).parent.parent / "report" / "synthetic.py"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = importlib.util.spec_from_file_location("synthetic", SYNTHETIC)
    assert spec
    assert spec.loader
    synthetic = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(synthetic)
    folder = tmp_path_factory.mktemp("results")
    synthetic.write_results(folder, [f"member-{index:02d}" for index in range(30)], seeds=range(5))
    return folder


def test_report_of_30_members_with_5_seeds(benchmark: BenchmarkFixture, results: Path, tmp_path: Path) -> None:
    made = benchmark.pedantic(report.files, args=(results, tmp_path), rounds=1)
    assert len(made) == 36
    assert max(len(content) for content in made.values()) < 10_000_000

"""The page of findings is what the committed records give, and its rank correlation is that of an independent library."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy import stats  # pyright: ignore[reportMissingTypeStubs]

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    sys.path.append(str(ROOT / "tools"))  # where the program finds families.py when it is run
    spec = importlib.util.spec_from_file_location("make_findings", ROOT / "tools" / "make_findings.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_findings"] = module
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_records_give(maker: ModuleType):
    page = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
    assert page == maker.page(), "stale: python tools/make_findings.py"


def test_the_rank_correlation_is_scipys(maker: ModuleType):
    random = np.random.default_rng(0)
    a = random.normal(size=40)
    for b in (a + random.normal(size=40), random.integers(5, size=40).astype(float)):
        expected, _ = stats.spearmanr(a, b)
        value, low, high = maker._spearman(a, b)
        assert value == pytest.approx(expected)
        assert low <= value <= high

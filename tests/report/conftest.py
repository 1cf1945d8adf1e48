"""Synthetic results for the tests of the report, and the page as a parser sees it."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def synthetic() -> ModuleType:
    return _module("synthetic")


@pytest.fixture(scope="session")
def results(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four members and a calibration row, three seeds; one diverged, one failed, one missing."""
    folder = tmp_path_factory.mktemp("results")
    synthetic.write_results(
        folder,
        ["dcgan", "sngan", "wgan-gp", "gan", "real-train"],
        statuses={("gan", 1): "diverged", ("wgan-gp", 2): "failed"},
        skip=[("real-train", 2)],
    )
    return folder


@dataclass
class Page(HTMLParser):
    """The elements of a page: (tag, attributes)."""

    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(scope="session")
def parse() -> Callable[[str], Page]:
    def parsed(html: str) -> Page:
        page = Page()
        page.feed(html)
        return page

    return parsed

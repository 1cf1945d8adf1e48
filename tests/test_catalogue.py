"""The zoo's catalogue, and the page that is made from it."""

import importlib.util
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from bench import catalogue, members
from bench.catalogue import passes
from bench.errors import UserError
from bench.gan import ImageSpec

ROOT = Path(__file__).parents[1]
ZOO = [found for found in members.listings().values() if found.entry_point.startswith("zoo.")]
COUNTS = tomllib.loads((ROOT / "zoo" / "reference_counts.toml").read_text(encoding="utf-8"))["network"]
CONDITIONING = {
    "unconditional": "none",
    "conditional": "class",
    "paired": "paired image",
    "unpaired": "unpaired image",
    "reconstruction": "reconstruction",
}


@pytest.mark.parametrize("listing", ZOO, ids=lambda listing: listing.name)
def test_every_member_has_an_entry_that_agrees_with_its_file(listing: members.Listing):
    entry = catalogue.entry(listing)
    assert entry is not None, f"add [{listing.name}] to zoo/catalogue.toml"
    citation = (ROOT / "zoo" / f"{listing.entry_point.split(':')[0].split('.')[1]}.py").read_text()
    assert entry.arxiv in citation
    gan = members.builder(listing)(ImageSpec(3, 64, classes=4, source_channels=3))
    assert entry.conditioning == CONDITIONING[gan.task]


def test_no_entry_is_left_over():
    entries = catalogue.parse(ROOT / "zoo" / "catalogue.toml")
    assert set(entries) <= {listing.name for listing in ZOO}


@pytest.mark.parametrize(
    "network", COUNTS, ids=lambda found: f"{found['builder'].split(':')[1]}-{found['images']['resolution']}"
)
def test_networks_have_the_parameters_of_their_references(network: dict[str, Any]):
    function = members.builder(members.Listing("", network["builder"], ""))
    with torch.device("meta"):
        players = function(ImageSpec(**network["images"])).players
    counts = {name: sum(p.numel() for p in players[name].net.parameters()) for name in network["parameters"]}
    assert counts == network["parameters"]


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    sys.path.append(str(ROOT / "tools"))  # where the program finds families.py when it is run
    spec = importlib.util.spec_from_file_location("make_zoo", ROOT / "tools" / "make_zoo.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_page_is_fresh(maker: ModuleType):
    assert (ROOT / "docs" / "zoo.md").read_text(encoding="utf-8") == maker.page(), "stale: python tools/make_zoo.py"


@pytest.mark.slow
def test_the_page_has_every_member_and_counts_its_parameters(maker: ModuleType):
    page = maker.page()
    assert [listing.name for listing in ZOO if f"`{listing.name}`" not in page] == []
    assert "generator 4,276,739, critic 1,053,825" in page  # sngan: kwotsin/mimicry's counts at 32 px


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[gan", "not valid TOML"),
        ('[gan]\ntitle = "GAN"\n', "year: Field required"),
        ('[gan]\ntitle = "G"\nyear = 1\nfamily = "f"\nobjective = "o"\ncolour = 1\n', "colour: Extra inputs"),
    ],
)
def test_a_catalogue_with_a_fault(tmp_path: Path, text: str, words: str):
    path = tmp_path / "catalogue.toml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        catalogue.parse(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_member_of_a_package_without_a_catalogue():
    assert catalogue.entry(members.Listing("mine", "bench.gan:gan", "")) is None


def test_passes_that_are_no_sum_are_a_fault_of_the_entry(tmp_path: Path):
    path = tmp_path / "catalogue.toml"
    path.write_text('[a]\ntitle = "A"\nyear = 2020\nfamily = "f"\nobjective = "o"\npasses = "steps ** 2"\n')
    with pytest.raises(UserError, match=r"passes: .*not understood.*Fix the entry"):
        catalogue.parse(path)


VALUES = {"steps": 18, "solver": "heun", "guidance": 1.0, "resolution": 32}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("1", 1),
        ("steps", 18),
        ("2 * steps - 1", 35),
        ("steps * (1 + (solver == 'heun'))", 36),
        ("steps * (1 + (solver == 'euler'))", 18),
        ("steps * (1 + (guidance != 1))", 18),
        ("min(resolution // 4, 16) * min(resolution // 4, 16) + 1", 65),
        ("width + 1", None),
    ],
)
def test_by_hand(said: str, expected: int | None):
    assert passes(said, VALUES) == expected


@pytest.mark.parametrize(
    "said", ["", "steps +", "steps ** 2", "steps / 2", "max(1, 2)", "steps.real", "solver", "'x' * 3", "1.5"]
)
def test_what_is_no_such_sum_is_refused(said: str):
    with pytest.raises(ValueError, match="passes"):
        passes(said, VALUES)

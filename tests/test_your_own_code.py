"""The code in docs/your_own_code.md works: three networks, foreign networks with weights, a package of one's own."""

import importlib
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from bench import members
from bench.errors import UserError
from bench.gan import ImageSpec
from bench.training import trial
from bench.training.conformance import check

PAGE = (Path(__file__).parents[1] / "docs" / "your_own_code.md").read_text(encoding="utf-8")
BIGAN, THEIRS, IMPORT = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
PYPROJECT, CATALOGUE = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
FILES = {"my_bigan": BIGAN, "their_models": THEIRS, "my_import": IMPORT}
SPEC = ImageSpec(1, 16)
Remake = Callable[[int], None]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Remake]:
    """The files of the page in the working directory; makes the trained weights from a seed."""
    for name, code in FILES.items():
        (tmp_path / f"{name}.py").write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()

    def train(seed: int) -> None:
        torch.manual_seed(seed)
        save_file(importlib.import_module("their_models").NetG().state_dict(), tmp_path / "netG.safetensors")

    train(0)
    yield train
    for name in FILES:
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", ["my_bigan", "my_import"])
def test_it_conforms(files: Remake, name: str):
    findings = check(members.builder(members.find(f"{name}:{name}")), [SPEC])
    assert [str(found) for found in findings if not found.ok] == []


def test_each_of_three_networks_learns_from_its_own_update(files: Remake):
    losses = trial.trace(members.builder(members.find("my_bigan:my_bigan")), SPEC, iterations=2)
    assert set().union(*losses) == {f"{player}/adversarial" for player in ("generator", "encoder", "critic")}


def test_their_generator_gives_the_same_images_on_our_scale(files: Remake):
    gan = members.build(members.find("my_import:my_import"), SPEC)
    torch.manual_seed(0)
    theirs = importlib.import_module("their_models").NetG()  # the seed that the weights were made from
    latents = torch.randn(3, 16)
    assert torch.equal(gan.players["generator"].net(latents), theirs(latents) * 2 - 1)
    with pytest.raises(UserError, match="16 px"):
        members.build(members.find("my_import:my_import"), ImageSpec(3, 16))


def test_other_weights_are_another_member(files: Remake):
    listing = members.find("my_import:my_import")
    before = members.source_digest(listing)
    files(1)
    assert members.source_digest(listing) != before


@pytest.mark.slow
def test_the_package_is_found_by_name_once_it_is_installed(tmp_path: Path):
    package = tmp_path / "package" / "my_gans"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "my_bigan.py").write_text(BIGAN)
    (package / "catalogue.toml").write_text(CATALOGUE)
    (package.parent / "pyproject.toml").write_text(PYPROJECT)
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    if subprocess.run([*pip[:3], "--version"], capture_output=True).returncode:
        pytest.skip("pip is not installed here")
    subprocess.run([*pip, "--target", site, package.parent], check=True, capture_output=True)
    listed = subprocess.run(
        [sys.executable, "-m", "bench", "show", "my-bigan"],
        check=True, capture_output=True, text=True, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(site)},
    ).stdout  # fmt: skip
    assert "Adversarial Feature Learning" in listed
    assert "my-gans" in listed

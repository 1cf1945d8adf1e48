"""The code in docs/add_a_gan.md works, and is as short as the page promises."""

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import members
from bench.gan import Builder, ImageSpec
from bench.training import trial
from bench.training.conformance import check

PAGE = (Path(__file__).parents[1] / "docs" / "add_a_gan.md").read_text(encoding="utf-8")
CODE, GAME = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def builder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Builder]:
    """The member as a user gets it: a file in the working directory, named module:function."""
    (tmp_path / "my_gan.py").write_text(CODE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    (name,) = re.findall(r"bench check (\S+)", PAGE)
    yield members.builder(members.find(name))
    sys.modules.pop("my_gan", None)


def test_it_takes_at_most_80_lines():
    assert len(CODE.splitlines()) <= 80


def test_it_conforms(builder: Builder):
    findings = check(builder, [ImageSpec(1, 16), ImageSpec(3, 8), ImageSpec(1, 32)])
    assert [str(found) for found in findings if not found.ok or found.skipped] == []


def test_a_game_of_its_own_conforms(builder: Builder, tmp_path: Path):
    (tmp_path / "my_game.py").write_text(GAME, encoding="utf-8")
    findings = check(members.builder(members.find("my_game:my_game")), [ImageSpec(1, 16)])
    assert [str(found) for found in findings if not found.ok] == []
    sys.modules.pop("my_game")


def test_its_own_loss_reaches_the_generator(builder: Builder):
    first = trial.trace(builder, ImageSpec(1, 8), iterations=1)
    assert set(first[1]) == {"generator/adversarial", "generator/mode_seeking"}
    assert first[1]["generator/mode_seeking"] > 0


def test_the_parts_that_the_page_names_exist():
    root = Path(__file__).parents[1]
    for path in re.findall(r"`((?:zoo|bench|docs)/[a-z_]+\.(?:py|md|toml))`", PAGE):
        if path != "zoo/my_gan.py":
            assert (root / path).is_file(), path

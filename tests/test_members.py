"""Finding members, and telling whether their code has changed."""

import sys

import pytest

from bench import members
from bench.errors import UserError


def test_the_zoo_is_found_by_entry_point():
    found = members.listings()
    assert {"gan", "dcgan", "wgan-gp", "sngan"} <= set(found)
    assert list(found) == sorted(found)
    assert found["dcgan"].distribution.startswith("gan-bench ")


def test_a_name_that_nobody_knows_gets_a_suggestion():
    with pytest.raises(UserError, match=r"unknown member 'wgangp'\. Did you mean 'wgan-gp'"):
        members.find("wgangp")


def test_a_module_and_a_function_need_no_package(toys):
    listing = members.find("toys:wrong_shape")
    assert listing.name == "wrong-shape"
    assert members.builder(listing) is toys.wrong_shape


@pytest.mark.parametrize(
    ("entry_point", "words"),
    [
        ("nowhere.at_all:gan", "there is no module 'nowhere'"),
        ("toys:tyo", "Did you mean 'toy'"),
    ],
)
def test_what_cannot_be_imported_is_said(toys, entry_point, words):
    with pytest.raises(UserError, match=words):
        members.builder(members.find(entry_point))


def test_a_summary_is_read_without_importing_anything():
    sys.modules.pop("zoo.dcgan", None)
    assert members.summary(members.find("dcgan")).startswith("DCGAN. Radford")
    assert "zoo.dcgan" not in sys.modules


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "variants"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "parts.py").write_text("WIDTH = 3\n")
    (folder / "mine.py").write_text(
        '"""Mine."""\nimport torch\nfrom variants.parts import WIDTH\n\ndef mine(spec):\n    return WIDTH\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.startswith("variants")]:
        del sys.modules[name]


def test_the_digest_sees_code_and_parts_but_not_words(package):
    def digest() -> str:
        return members.source_digest(members.find("variants.mine:mine"))

    before = digest()
    (package / "mine.py").write_text(
        '"""Other words."""\n\nimport torch  # a comment\nfrom variants.parts import WIDTH\n\n\n'
        'def mine(spec):\n    "Doc."\n    return WIDTH\n'
    )
    assert digest() == before
    (package / "parts.py").write_text("WIDTH = 4\n")
    assert digest() != before

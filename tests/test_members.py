"""Finding members, and telling whether their code has changed."""

import subprocess
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


@pytest.mark.parametrize(
    "text", [":", "os:", ":f", ".rel:x", "a b:c", "x=:", "=a:b", "../a=a:b", "a.b.:c", "a:b:c", "a=b", "ü x=a:b"]
)
def test_text_that_names_no_builder_is_refused(text):
    with pytest.raises(UserError, match=r"is neither a registered name nor MODULE:FUNCTION|is not a name"):
        members.find(text)


@pytest.mark.parametrize("entry_point", ["os:system", "os:sep", "os:getcwd", "json:JSONDecoder", "toys:SPEC_FREE"])
def test_what_is_not_a_builder_is_never_called(toys, entry_point, monkeypatch):
    monkeypatch.setattr(toys, "SPEC_FREE", lambda: pytest.fail("was called"), raising=False)
    with pytest.raises(UserError, match=r"is not a builder: a function that takes an ImageSpec"):
        members.builder(members.find(entry_point))


def test_what_a_builder_returns_must_be_a_gan(toys, monkeypatch):
    from bench.gan import ImageSpec

    spec = ImageSpec(1, 16)
    monkeypatch.setattr(toys, "nothing", lambda spec: None, raising=False)
    with pytest.raises(UserError, match=r"toys:nothing returned NoneType: a function that takes an ImageSpec"):
        members.build(members.find("toys:nothing"), spec)
    with pytest.raises(UserError, match=r"building it failed: TypeError: the JSON object must be str"):
        members.build(members.find("json:loads"), spec)

    def leave(spec: ImageSpec) -> None:
        raise SystemExit(0)

    monkeypatch.setattr(toys, "leave", leave, raising=False)
    with pytest.raises(UserError, match=r"building it failed: SystemExit: 0 \(test_members.py line"):
        members.build(members.find("toys:leave"), spec)
    assert members.build(members.find("toys:toy"), spec).task == "unconditional"


def test_a_loose_member_may_have_a_name_of_its_own(toys):
    listing = members.find("wide=toys:toy")
    assert (listing.name, listing.entry_point, listing.argument) == ("wide", "toys:toy", "wide=toys:toy")
    assert members.find("toys:wrong_shape").argument == "toys:wrong_shape"
    assert members.find("dcgan").argument == "dcgan"
    assert members.renamed(members.find("toys:toy"), "mine") == members.find("mine=toys:toy")
    with pytest.raises(UserError, match="'dcgan' is a registered member"):
        members.find("dcgan=toys:toy")
    with pytest.raises(UserError, match="is registered under its name"):
        members.renamed(members.find("dcgan"), "mine")


def test_two_packages_with_one_name_are_told_apart(monkeypatch):
    twice = [members.Listing("twin", "a:b", "one 1.0"), members.Listing("twin", "c:d", "two 2.0")]
    monkeypatch.setattr(members, "_registered", lambda: twice)
    with pytest.raises(UserError, match=r"'twin' is registered by one 1\.0, two 2\.0"):
        members.find("twin")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder; what is imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_loose_file_has_a_source_before_anything_is_imported(folder):
    (folder / "loose_gan.py").write_text("def gan(spec):\n    return 1\n")
    listing = members.find("loose_gan:gan")
    first = members.source_digest(listing)
    assert "loose_gan" not in sys.modules
    (folder / "loose_gan.py").write_text("def gan(spec):\n    return 2\n")
    assert members.source_digest(listing) != first
    assert members.builder(listing)(None) == 2


@pytest.mark.parametrize("name", ["nowhere_at_all:gan", "nowhere.at_all:gan", "sys:gan"])
def test_a_source_that_cannot_be_found_is_refused(folder, name):
    with pytest.raises(UserError, match="its source cannot be found"):
        members.source_digest(members.find(name))


def test_files_of_the_current_folder_shadow_nothing(folder):
    for name in ("zoo", "bench"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("raise RuntimeError('shadowed')")
    (folder / "jinja2.py").write_text("raise RuntimeError('shadowed')")
    (folder / "lone_gan.py").write_text("import jinja2\n\ndef gan(spec):\n    return jinja2.__version__\n")
    code = (
        "from bench import members; assert members.builder(members.find('lone_gan:gan'))(None); "
        "members.builder(members.find('dcgan'))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr


def test_files_of_the_current_folder_are_for_loose_members_alone(folder):
    (folder / "lonely.py").write_text("")
    code = "from bench import members; members.builder(members.find('dcgan')); import lonely"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, cwd=folder)
    assert "No module named 'lonely'" in done.stderr


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


def test_a_broken_package_hides_no_other_member(tmp_path, monkeypatch):
    from bench.api import listings

    (tmp_path / "broken_pack").mkdir()
    (tmp_path / "broken_pack" / "__init__.py").write_text("def broken(:\n")
    (tmp_path / "faulty_pack").mkdir()
    (tmp_path / "faulty_pack" / "__init__.py").write_text("")
    (tmp_path / "faulty_pack" / "catalogue.toml").write_text("[faulty]\n")
    monkeypatch.syspath_prepend(tmp_path)
    guests = [
        members.Listing("broken", "broken_pack:gan", "broken 1.0"),
        members.Listing("faulty", "faulty_pack:gan", "faulty 1.0"),
    ]
    registered = [*members._registered(), *guests]
    monkeypatch.setattr(members, "_registered", lambda: registered)
    rows = {str(row["name"]): str(row["broken"] or row["paper"]) for row in listings.member_rows()}
    assert rows["broken"].startswith("broken: ")
    assert "is not valid Python: line 1" in rows["broken"]
    assert rows["faulty"].startswith("broken: catalogue ")
    assert rows["dcgan"].startswith("DCGAN. Radford")

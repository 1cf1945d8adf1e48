"""The source of a member: every form of import is followed, nothing is imported, and what is installed is left out."""

import sys
from pathlib import Path

import pytest

from bench import sources
from bench.errors import UserError

FORMS = {
    "from-relative": "from .nets import Net",
    "relative-package": "from . import nets",
    "relative-alias": "from . import nets as n",
    "parent": "from ..shared import layer",
    "parent-package": "from .. import shared",
    "absolute": "from pack.inner.nets import Net",
    "absolute-module": "from pack.inner import nets",
    "import": "import pack.inner.nets",
    "import-alias": "import pack.inner.nets as n, torch",
    "star": "from .nets import *",
    "star-of-package": "from .deep import *",
    "package": "from .deep import thing",
    "conditional": "if True:\n    from .nets import Net\nelse:\n    import pack.shared",
    "tried": "try:\n    from .nets import Net\nexcept ImportError:\n    Net = None",
    "in-function": "def f():\n    from .nets import Net",
    "loose-neighbour": "import beside",
    "two-steps": "from .step import anything",
    "type-only": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from . import nets",
}
TOUCHED = {  # the file whose change must be seen
    "parent": "pack/shared.py",
    "parent-package": "pack/shared.py",
    "star-of-package": "pack/inner/deep/part.py",
    "package": "pack/inner/deep/__init__.py",
    "loose-neighbour": "beside.py",
}


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A package with a package in it, and a loose module beside it."""
    files = {
        "beside.py": "X = 1",
        "unused.py": "X = 1",
        "pack/__init__.py": '"""Says nothing."""',
        "pack/shared.py": "X = 1",
        "pack/inner/__init__.py": "Y = 1",
        "pack/inner/nets.py": "class Net: pass",
        "pack/inner/step.py": "from .nets import Net",
        "pack/inner/deep/__init__.py": "from .part import *",
        "pack/inner/deep/part.py": "thing = 1",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def write(tree: Path, text: str) -> sources.Source:
    (tree / "pack/inner/mine.py").write_text(text + "\n\ndef mine(spec):\n    return 1\n")
    return sources.of("pack.inner.mine")


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_import_is_followed(tree, form):
    before = write(tree, FORMS[form]).digest()
    touched = tree / TOUCHED.get(form, "pack/inner/nets.py")
    touched.write_text(touched.read_text() + "CHANGED = 1\n")
    assert sources.of("pack.inner.mine").digest() != before
    assert not {"pack", "beside"}.intersection(sys.modules), "nothing is imported"


def test_packages_on_the_way_count_and_empty_ones_do_not(tree):
    source = write(tree, "import torch")
    assert set(source.modules) == {"pack.inner.mine", "pack.inner", "pack"}
    before = source.digest()
    (tree / "pack/__init__.py").write_text("")
    assert sources.of("pack.inner.mine").digest() == before
    (tree / "pack/inner/__init__.py").write_text("Y = 2\n")
    assert sources.of("pack.inner.mine").digest() != before


def test_what_is_installed_is_named_and_not_followed(tree):
    source = write(
        tree, "import torch.nn as nn\nfrom numpy import array\nfrom bench.gan import GAN\nimport os, nowhere"
    )
    assert source.foreign == {"torch", "numpy"}
    assert not any(name.startswith(("torch", "numpy", "bench", "os")) for name in source.modules)


def test_unrelated_files_do_not_count(tree):
    before = write(tree, "from .nets import Net").digest()
    (tree / "unused.py").write_text("X = 2\n")
    (tree / "pack/shared.py").write_text("X = 2\n")
    assert sources.of("pack.inner.mine").digest() == before


def test_imports_that_go_round_in_a_circle_end(tree):
    (tree / "pack/inner/nets.py").write_text("from . import mine\n")
    assert "pack.inner.nets" in write(tree, "from . import nets").modules


def test_a_relative_import_that_leaves_its_package_is_left_to_python(tree):
    assert "pack.inner.mine" in write(tree, "from .....far import away").modules


def test_data_files_that_a_module_declares_count(tree):
    (tree / "pack/inner/weights.json").write_text("[1]")
    (tree / "pack/inner/tables").mkdir()
    (tree / "pack/inner/tables/a.csv").write_text("1")
    source = write(tree, '__bench_files__ = ["weights.json", "tables/*.csv"]')
    assert set(source.data) == {"pack/inner/weights.json", "pack/inner/tables/a.csv"}
    before = source.digest()
    (tree / "pack/inner/tables/a.csv").write_text("2")
    changed = sources.of("pack.inner.mine").digest()
    assert changed != before
    (tree / "pack/inner/tables/b.csv").write_text("3")
    assert sources.of("pack.inner.mine").digest() != changed
    assert source.files["pack/inner/mine.py"] == tree / "pack/inner/mine.py"
    assert source.files["pack/inner/__init__.py"] == tree / "pack/inner/__init__.py"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('__bench_files__ = ["lost.json"]', "there is no file 'lost.json' beside it"),
        ('__bench_files__ = ["/etc/passwd"]', "must be relative"),
        ("__bench_files__ = 3", "must be a list of file names"),
        ("__bench_files__ = [name]", "must be a list of file names"),
        ("__bench_files__: list[str]", "must be a list of file names"),
        ("def broken(:", "is not valid Python: line 1"),
    ],
)
def test_a_declaration_that_cannot_be_kept_is_said(tree, text, words):
    with pytest.raises(UserError, match=words):
        write(tree, text)


def test_the_same_code_installed_or_not_has_the_same_digest(tree, monkeypatch):
    before = write(tree, "from .nets import Net").digest()
    monkeypatch.setattr(sources, "_roots", lambda: (tree.resolve(),))
    assert sources.of("pack.inner.mine").digest() == before

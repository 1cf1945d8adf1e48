"""Whatever runs is pinned: packages by version and hash in requirements.lock, actions of a workflow by commit."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
BLOCKS = [block for block in re.split(r"\n(?=\S)", LOCK) if not block.startswith("#")]
PINNED = {canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)==(\S+)", LOCK, re.MULTILINE)}


@pytest.mark.parametrize("line", PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"])
def test_every_dependency_is_pinned_within_its_range(line: str):
    wanted = Requirement(line)
    version = PINNED.get(canonicalize_name(wanted.name))
    assert version is not None, "run: make lock"
    assert wanted.specifier.contains(version)


def test_every_pin_has_hashes():
    assert [block for block in BLOCKS if not re.search(r"^\S+==\S+ .*\n +--hash=sha256:[0-9a-f]{64}", block)] == []


@pytest.mark.parametrize("path", [".github/workflows/tests.yml", "docs/ci_gate.md"])
def test_actions_are_pinned_by_commit(path: str):
    used = re.findall(r"uses: (.*)", (ROOT / path).read_text(encoding="utf-8"))
    assert len(used) >= 3
    assert [line for line in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}  # v\d+(\.\d+)*", line)] == []

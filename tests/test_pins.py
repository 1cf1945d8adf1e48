"""Whatever runs is pinned: packages by version and hash in requirements.lock, actions of a workflow by commit."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCKS = {
    "requirements.lock": PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"],
    "requirements-integrations.lock": PROJECT["optional-dependencies"]["integrations"],
}


def read(lock: str) -> str:
    return (ROOT / lock).read_text(encoding="utf-8")


def pinned(lock: str) -> dict[str, str]:
    return {
        canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)==(\S+)", read(lock), re.MULTILINE)
    }


@pytest.mark.parametrize(("lock", "line"), [(lock, line) for lock, lines in LOCKS.items() for line in lines])
def test_every_dependency_is_pinned_within_its_range(lock: str, line: str):
    wanted = Requirement(line)
    version = pinned(lock).get(canonicalize_name(wanted.name))
    assert version is not None, "run: make lock"
    assert wanted.specifier.contains(version)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes(lock: str):
    blocks = [block for block in re.split(r"\n(?=\S)", read(lock)) if not block.startswith("#")]
    assert [block for block in blocks if not re.search(r"^\S+==\S+ .*\n +--hash=sha256:[0-9a-f]{64}", block)] == []


def test_the_two_locks_agree():
    first, second = (pinned(lock) for lock in LOCKS)
    assert {
        name: (first[name], second[name]) for name in first.keys() & second.keys() if first[name] != second[name]
    } == {}


@pytest.mark.parametrize("path", [".github/workflows/tests.yml", ".github/workflows/publish.yml", "docs/ci_gate.md"])
def test_actions_are_pinned_by_commit(path: str):
    used = re.findall(r"uses: (.*)", (ROOT / path).read_text(encoding="utf-8"))
    assert len(used) >= 3
    assert [line for line in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}  # v\d+(\.\d+)*", line)] == []

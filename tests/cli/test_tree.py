"""The tree of verbs: help, examples, and every command that README and docs show."""

import importlib.metadata
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.cli.app import VERBS, tree

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "Makefile", *ROOT.glob("docs/*.md")])
TREE = tree()


def leaves(command: Any = TREE, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every verb with its command."""
    children = getattr(command, "commands", None)
    if children is None:
        yield path, command
    for name, child in (children or {}).items():
        yield from leaves(child, (*path, name))


def problem(words: list[str]) -> str | None:
    """Why a command line could not be one of ours; values are not looked at."""
    command, words = TREE, list(words)
    while getattr(command, "commands", None) is not None:
        options = {text for param in command.params for text in param.opts}
        while words and words[0] in options | {"--help", "-h"}:
            words.pop(0)
        if not words:
            return None
        name = words.pop(0)
        if name not in command.commands:
            return f"no verb {name}"
        command = command.commands[name]
    known = {text for param in command.params for text in (*param.opts, *param.secondary_opts)}
    used = {word.partition("=")[0] for word in words if word.startswith("-") and len(word) > 1}
    missing = used - known - {"--help", "-h", "--debug"}
    return f"{command.name} has no {', '.join(sorted(missing))}" if missing else None


def commands(text: str) -> Iterator[str]:
    """Lines of code that call `bench`, and code in a sentence that does; continued lines are joined."""
    text = re.sub(r"\\\n\s*", " ", text)
    for line in text.splitlines():
        code = re.match(r"^\s*(?:\$ |@)?(?:\S*/)?(?:python -m )?bench ([a-z-].*)$", line)
        if code and code[1].split()[0] in {*TREE.commands} | {"--version"}:
            yield re.split(r"\s{3,}|\s+#|[|>;&]|'$", code[1])[0]
        yield from (found for found in re.findall(r"`bench ([a-z-][^`]*)`", line) if not found.startswith("..."))


def shown() -> list[tuple[str, str]]:
    return [(path.name, line) for path in PAGES for line in commands(path.read_text(encoding="utf-8"))]


def test_there_are_commands_on_the_pages():
    assert len(shown()) > 40


@pytest.mark.parametrize(("page", "line"), shown(), ids=lambda value: str(value)[:60])
def test_a_command_on_a_page_exists(page: str, line: str):
    words = [word for word in shlex.split(line.replace("...", ""), comments=True) if word]
    assert problem(words) is None, f"{page}: bench {line}"


@pytest.mark.parametrize(
    ("path", "command"), list(leaves()), ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_every_verb_explains_itself_and_its_examples_are_commands(bench, path, command):
    code, out, _ = bench(*path, "--help")
    assert code == 0
    assert f"Usage: bench {' '.join(path)}" in out
    examples = re.findall(r"^ +bench (.*)$", command.epilog or "", re.M)
    assert [text for line in examples if (text := problem(shlex.split(line)))] == []
    assert all(line.startswith(" ".join(path)) for line in examples)


@pytest.mark.parametrize(
    ("path", "command"), list(leaves()), ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_every_option_says_what_it_is_without_the_name_of_a_type(path, command):
    for param in command.params:
        assert param.name == "help" or param.help, (path, param.name)
    assert not re.search(r"<(int|str|bool|float|path|list)", command.get_help(command.context_class(command)))


def test_one_option_name_means_one_thing():
    """Options of one name have one metavar everywhere."""
    metavars: dict[str, set[str]] = {}
    for _, command in leaves():
        for param in command.params:
            for name in param.opts:
                if name.startswith("--") and param.metavar:
                    metavars.setdefault(name, set()).add(param.metavar)
    assert {name: found for name, found in metavars.items() if len(found) > 1} == {
        "--format": {"text|md|json", "text|md|csv|json|latex", "pdf|png|svg"},
        "--suite": {"NAME|FILE", "NAME"},
        "--out": {"PATH", "DIR"},
        "--against": {"NAME|MODULE:FUNCTION", "MEMBER|REV"},
        "--member": {"NAME|MODULE:FUNCTION", "NAME"},
    }


def test_help_groups_the_verbs(bench):
    for arguments in ([], ["--help"], ["-h"]):
        code, out, _ = bench(*arguments)
        assert code == 0
        assert [panel for panel in (*VERBS, "Data") if f"\n{panel}:\n" in out] == [*VERBS, "Data"]
    for path, _ in leaves():
        assert f"\n  {path[0]} " in out


def test_the_version_is_the_distributions(bench):
    assert bench("--version")[:2] == (0, f"bench {importlib.metadata.version('gan-bench')}\n")


@pytest.mark.parametrize(
    ("line", "expected"), [("bench ru", "run"), ("bench run --suite dem", "demo"), ("bench perf dcgan-r", "dcgan-r1")]
)
def test_the_shell_completes_verbs_and_names(monkeypatch, capsys, line, expected):
    from bench.cli import main

    monkeypatch.setenv("_BENCH_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - 1))
    with pytest.raises(SystemExit):
        main([])
    assert expected in capsys.readouterr().out.split()

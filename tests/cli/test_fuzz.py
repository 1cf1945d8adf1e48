"""Bad values for every argument and option of every verb: exit code 0 or 2 (or the verb's own), one line, never a traceback.

What takes long or writes outside of its folder is replaced by something light; what reads and checks input is not.
"""

import os
import shutil
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bench.metrics.selftest
import bench.perf.versus
import bench.runs.estimate
import bench.runs.run
import bench.search.search
import bench.training.conformance
from bench.cli.app import tree
from bench.errors import UserError

pytestmark = pytest.mark.slow

WORDS = [
    "", " ", "-", "--", "\x1b[31mred", "a\nb", "\ud800", "\udce9", "x" * 300, "x" * 5000, "\0", "nan", "inf", "-inf",
    "1e309", "-1", "0", str(10**30), "9" * 5000, "1.5", ":", "a:b", "os:system", ".rel:x", "fid=1e9%", "fid=nan%", "=",
    "1,,2", "git:HEAD~99999", "git:--output=x", "--output=x", "folder:nowhere", "folder:", "pairs:dir", "unpaired:a",
    "cuda:99999999999999999999", "nowhere/x/y", "tiny.toml/x", "<b>|`x`",
]  # fmt: skip
FILES = [
    "dir",
    "fifo",
    "fifo.toml",
    "latin.toml",
    "binary.toml",
    "binary.json",
    "binary.npz",
    "binary.pt",
    "empty.json",
]
LIGHT = (
    (bench.runs.run, "run"),
    (bench.runs.estimate, "plan"),
    (bench.search.search.Search, "run"),
    (bench.training.conformance, "findings"),
    (bench.perf.versus, "rows"),
    (bench.metrics.selftest, "embedded"),
    (bench.metrics.selftest, "official"),
)  # what trains, measures or takes minutes
OWN_CODES = {"validate": {1}, "gate": {1, 3, 4, 5}, "data verify": {1}}  # answers of verbs that judge
BASE: dict[str, list[str]] = {  # a command that works, whose values are replaced one by one
    "run": ["--suite", "tiny.toml", "--device", "cpu"],
    "status": ["--suite", "tiny.toml", "--device", "cpu"],
    "plan": ["--suite", "tiny.toml", "--device", "cpu"],
    "tune": ["toys:tunable", "--suite", "tiny.toml", "--space", "space.toml", "--trials", "2", "--device", "cpu"],
    "check": ["toys:toy"],
    "perf": ["toys:toy"],
    "plot": ["--suite", "tiny", "--out", "figures"],
    "validate": ["results"],
    "merge": ["results", "--out", "merged"],
    "compare": ["toys:toy", "--against", "toys:other", "--suite", "tiny.toml", "--no-run"],
    "gate": ["--baseline", "results", "--suite", "tiny"],
    "explain": ["results", "results"],
    "sample": ["binary.pt", "--out", "new"],
    "filter": ["binary.pt", "--device", "cpu"],
    "score": ["--real", "digits", "--fake", "binary.npz", "--device", "cpu"],
    "audit balance": ["binary.npz", "--real", "digits", "--device", "cpu"],
    "audit drift": ["binary.npz", "--real", "digits", "--device", "cpu"],
    "human page": ["a=binary.npz", "b=binary.npz", "--out", "new.html"],
    "human collect": ["binary.pt", "binary.npz"],
    "adopt": ["binary.npz", "--suite", "tiny.toml", "--as", "theirs", "--budget", "a day", "--device", "cpu"],
    "compress": ["binary.pt", "--recipe", "half"],
    "serve": ["binary.pt", "--device", "cpu"],
    "export": ["binary.pt", "--to", "onnx", "--out", "new.onnx"],
    "list": ["members"],
    "show": ["fid"],
    "data info": ["folder:dir"],
    "data prepare": ["folder:dir"],
    "data import": ["my-set", "dir"],
    "data verify": ["folder:dir"],
    "extractors import": ["inception-v3", "binary.pt"],
}


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, child in command.commands.items():
        if getattr(child, "commands", None) is None:
            yield " ".join((*path, name)), child
        else:
            yield from leaves(child, (*path, name))


TREE = dict(leaves(tree()))


def command(verb: str, param: Any, value: str) -> list[str]:
    """The verb's command with one value replaced."""
    base = BASE.get(verb, [])
    if param.param_type_name == "option":
        return [*verb.split(), *base, param.opts[0], value]
    arguments = [one.name for one in TREE[verb].params if one.param_type_name == "argument"]
    place = arguments.index(param.name)  # arguments stand first
    return [*verb.split(), *base[:place], value, *base[place + 1 :]]


class HangError(BaseException):
    """A verb waits for ever."""


def stop(*_: object) -> None:
    raise UserError("nothing is measured here.")


@pytest.fixture
def watchdog():
    def bark(*_: object) -> None:
        raise HangError

    before = signal.signal(signal.SIGALRM, bark)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def hostile(bench, trained, toys, monkeypatch):
    """The command line in a folder of bad files, with nothing behind it that takes long."""
    folder = bench.folder
    monkeypatch.setenv("BENCH_HOME", str(folder / "home"))
    shutil.copytree(trained / "results", folder / "results")
    (folder / "space.toml").write_text("[lr]\nlow = 1e-5\nhigh = 1.0\nlog = true\n")
    for name in FILES:
        path = folder / name
        if name == "dir":
            path.mkdir()
        elif name.startswith("fifo"):
            os.mkfifo(path)
        else:
            path.write_bytes({"latin": "name = 'é'".encode("latin-1"), "empty": b""}.get(path.stem, bytes(range(256))))
    for module, name in LIGHT:
        monkeypatch.setattr(module, name, lambda *_, **__: [])
    monkeypatch.setattr("bench.perf.member.measure", stop)
    return bench


@pytest.mark.parametrize(
    "verb", [pytest.param(verb, marks=[pytest.mark.slow] * (verb in ("plot", "report", "perf"))) for verb in TREE]
)
@settings(
    max_examples=int(os.environ.get("FUZZ", "8")),
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_a_bad_value_is_answered_in_one_line(hostile, watchdog, verb, data):
    params = [param for param in TREE[verb].params if param.name != "help" and not getattr(param, "is_flag", False)]
    if not params:
        return
    param = data.draw(st.sampled_from(params), label="parameter")
    value = data.draw(st.sampled_from([*WORDS, *FILES]) | st.text(max_size=20), label="value")
    signal.alarm(60)
    code, _, err = hostile(*command(verb, param, value))
    signal.alarm(0)
    assert code in {0, 2} | OWN_CODES.get(verb, set()), err
    assert "Traceback" not in err
    if code == 2:
        assert err.startswith("bench: error: ")
        assert len(err.splitlines()) == 1
        assert err[:-1].isprintable()

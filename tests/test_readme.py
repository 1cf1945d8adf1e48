"""The README's commands run, in the order of the page, on a demo that is cut short."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.cli import main
from bench.perf import verdict
from bench.suites import suite

ROOT = Path(__file__).parents[1]
SHORT = {  # of the demo suite's file
    r"members = \[.*?\]": 'members = ["dcgan", "lsgan"]',
    r"images = \d\S*": "images = 640",
    r"samples = 1_000\nsample_seeds = .*": "samples = 200",
    r"every = \S+": "every = 320",
    r"curve_samples = \S+": "curve_samples = 100",
}
SHORTER = {"bench run --dataset": " --images 40 --seed 0", "bench perf": " --resolution 16 --batch 1 --threads 1"}


def commands() -> Iterator[str]:
    """The lines of the README's shell blocks that call `bench`."""
    for block in re.findall(
        r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    ):
        yield from (line.partition(" #")[0].strip() for line in block.splitlines() if line.startswith("bench "))


def git(*arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=A", "-c", "user.email=a@b.c", *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's repository: a member of their own, pictures of their own, and a cache."""
    text = (suite.SUITES / "demo.toml").read_text(encoding="utf-8")
    for pattern, short in SHORT.items():
        text, count = re.subn(pattern, short, text, count=1, flags=re.DOTALL if "[" in pattern else 0)
        assert count == 1, pattern
    suites, folder = tmp_path / "suites", tmp_path / "repository"
    suites.mkdir()
    (suites / "demo.toml").write_text(text)
    (folder / "photos").mkdir(parents=True)
    random = np.random.default_rng(0)
    for index in range(44):
        Image.fromarray(random.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(folder / f"photos/{index}.png")
    (code,) = re.findall(
        r"```python\n(\"\"\"MyGAN.*?)```", (ROOT / "docs/add_a_gan.md").read_text(encoding="utf-8"), re.DOTALL
    )
    (folder / "my_gan.py").write_text(code)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(suite, "SUITES", suites)
    monkeypatch.setattr(verdict, "BLOCKS", (2, 1, 3))
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    git("init", "--initial-branch", "main")
    return folder


def run(line: str) -> int:
    """The exit code of a line, with the shell's wildcards."""
    words = [
        path
        for word in shlex.split(line)[1:]
        for path in (sorted(map(str, Path().glob(word))) if "*" in word else [word])
    ]
    with pytest.raises(SystemExit) as stop:
        main(words)
    return int(stop.value.code or 0)


@pytest.mark.slow
@pytest.mark.usefixtures("no_shape_checks")  # one of them exports
def test_the_commands_run(repository: Path, capfd: pytest.CaptureFixture[str]):
    asked = list(commands())
    assert len(asked) >= 15
    for line in asked:
        if line.startswith("bench gate"):  # a revision in which the records of this project are committed
            shutil.copytree(ROOT / "results" / "mnist", Path("results") / "mnist")
            git("add", "results")
            git("commit", "--message", "Records")
        code = run(line + next((more for start, more in SHORTER.items() if line.startswith(start)), ""))
        out, err = capfd.readouterr()
        assert code == 0, f"{line}\n{out}\n{err}"
    assert {path.name for path in repository.iterdir()} >= {
        "results",
        "reports",
        "grid.png",
        "samples.npz",
        "generator.onnx",
    }


def test_the_table_of_suites_names_all_with_their_members():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text[text.index("| suite | images |") :].partition("\n\n")[0]
    listed: dict[str, int] = {}
    for names, _, counts, _ in (line.strip("| ").split(" | ") for line in table.splitlines()[2:]):
        found = [int(count) for count in counts.split(", ")]
        listed |= zip(re.findall(r"`(.*?)`", names), found, strict=True)
    assert listed == {name: len(suite.load(name).members) for name in suite.names()}

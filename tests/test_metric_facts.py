"""The facts of every metric, and a metric of another package as docs/metrics.md shows it."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bench import metric_facts, metrics
from bench.boards.metric_names import metric_name
from bench.boards.scales import scale_of
from bench.errors import UserError
from bench.metric_facts import BUILT_IN, MetricFacts
from bench.metrics import inputs, table
from bench.metrics.score import score

ROOT = Path(__file__).resolve().parent.parent
SOUND = dict(title="A", version=1, better="lower", scale="identity", summary="s", needs=["fake"])


def forget() -> None:
    for cached in (metric_facts.plugins, metric_facts._tables, metrics.find):
        cached.cache_clear()


def install(folder: Path, files: dict[str, str], points: dict[str, str]) -> None:
    """What pip would leave behind: the files, and a distribution with its entry points."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    info = folder / "sharpness-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sharpness\nVersion: 0.1.0\n")
    lines = "\n".join(f"{name} = {value}" for name, value in points.items())
    (info / "entry_points.txt").write_text(f"[bench.metrics]\n{lines}\n")


def documented() -> dict[str, str]:
    """The files that the page shows, by the name in their first line."""
    text = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    section = text.partition("## A metric of your own")[2].partition("\n## ")[0]
    blocks = re.findall(r"```(?:toml|python)\n# (\S+)\n(.*?)```", section, re.DOTALL)
    return dict(blocks)


@pytest.fixture
def site(tmp_path, monkeypatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    forget()
    yield tmp_path
    forget()
    sys.modules.pop("sharpness", None)


def test_every_metric_has_facts_and_a_function_that_takes_what_they_name():
    assert BUILT_IN.keys() == table.FUNCTIONS.keys()
    for name, facts in BUILT_IN.items():
        taken = set(metrics.find(name).function.__annotations__) - {"return"}
        assert taken == set(facts.needs), name
        assert all(inputs.parse(need) for need in facts.needs)


def test_every_metric_has_a_title_of_its_own_and_a_summary_of_one_line():
    titles = [facts.title for facts in BUILT_IN.values()]
    assert len(set(titles)) == len(titles)
    assert all(len(facts.summary) <= 120 for facts in BUILT_IN.values())
    assert metric_name("fid@digits-cnn:held-out").title == "FID (digits-cnn, held-out)"


def test_sides_that_need_labels_are_sides_that_are_used():
    for name, facts in BUILT_IN.items():
        assert set(facts.labels) <= {inputs.parse(need)[0] for need in facts.needs}, name


def test_a_value_in_the_range_is_held():
    assert BUILT_IN["precision"].holds(1.0)
    assert not BUILT_IN["precision"].holds(1.01)
    assert BUILT_IN["kid"].holds(-0.1)
    assert not BUILT_IN["fid"].holds(-0.1)
    assert (BUILT_IN["precision"].range, BUILT_IN["fid"].range, BUILT_IN["c-t"].range) == (
        "[0, 1]",
        "[0, ∞)",
        "(-∞, ∞)",
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(scale="log"), "cannot be negative"),
        (dict(scale="logit", low=0), "for shares"),
        (dict(low=1, high=0), "is empty"),
        (dict(low=float("nan")), "finite number"),
        (dict(title="two\nlines"), "pattern"),
        (dict(better="more"), "lower"),
        (dict(colour="red"), "not permitted"),
        (dict(needs=[]), "at least 1"),
    ],
)
def test_facts_that_contradict_themselves_are_refused(change, message, tmp_path):
    lines = [f"{key} = {json.dumps(value).replace('NaN', 'nan')}" for key, value in (SOUND | change).items()]
    (tmp_path / "metrics.toml").write_text("[mine]\n" + "\n".join(lines))
    with pytest.raises(UserError, match=message):
        metric_facts.parse(tmp_path / "metrics.toml")


def test_an_unknown_metric_gets_a_hint():
    with pytest.raises(UserError, match="Did you mean 'coverage'"):
        metric_facts.find("covrage")
    assert metric_facts.known("covrage@digits-cnn") is None


@pytest.mark.slow
def test_the_metric_of_the_page_is_measured_and_needs_no_torch_to_be_known(site, monkeypatch):
    monkeypatch.setenv("BENCH_HOME", str(site / "home"))
    files = documented()
    install(site, files, {"sharpness": "sharpness:sharpness"})
    assert 'sharpness = "sharpness:sharpness"' in files["pyproject.toml"]
    images = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 1), dtype=np.uint8)
    np.savez(site / "fake.npz", images)
    (found,) = score("digits", site / "fake.npz", ["sharpness"])
    grey = images[..., 0].astype(float)
    around = grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1] + grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:]
    assert found.value == pytest.approx(np.abs(around - 4 * grey[:, 1:-1, 1:-1]).mean(), rel=1e-9)
    assert found.baseline is not None
    assert scale_of("sharpness").kind == "log"
    code = (
        "import sys; from bench.boards.metric_names import metric_name; from bench.boards.scales import scale_of;"
        "assert metric_name('sharpness').title == 'Sharpness' and scale_of('sharpness').kind == 'log';"
        "assert 'torch' not in sys.modules and 'sharpness' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_a_board_knows_a_plug_in_that_is_not_installed_from_its_record():
    facts = MetricFacts.model_validate(SOUND | dict(scale="log", low=0))
    again = MetricFacts.model_validate(json.loads(json.dumps(facts.model_dump(mode="json"), allow_nan=False)))
    assert again == facts
    assert scale_of("elsewhere@x", recorded={"elsewhere": facts}).kind == "log"
    assert scale_of("elsewhere@x").kind == "identity"
    assert scale_of("fid@x", recorded={"fid": MetricFacts.model_validate(SOUND)}).kind == "log"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"sharpness/__init__.py": ""}, "has no facts"),
        ({"sharpness/__init__.py": "", "sharpness/metrics.toml": "[sharpness"}, "not valid TOML"),
        ({"sharpness/__init__.py": "", "sharpness/metrics.toml": "[sharpness]\ntitle = 3"}, "title"),
        ({}, "has no facts"),
    ],
)
def test_a_broken_plug_in_is_named_and_harms_no_other(site, files, message):
    install(site, files, {"sharpness": "sharpness:sharpness", "fid": "sharpness:fid"})
    with pytest.raises(UserError, match=message):
        metric_facts.find("sharpness")
    assert set(metric_facts.plugins().broken) == {"fid", "sharpness"}
    assert metric_facts.find("fid") == BUILT_IN["fid"]
    assert metric_facts.everything() == BUILT_IN
    assert metric_facts.known("sharpness") is None


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise SystemExit(0)", "cannot be loaded: SystemExit"),
        ("import nowhere_at_all", "nowhere_at_all"),
        ("", "has no attribute"),
        ("sharpness = 3", "is not a function"),
    ],
)
def test_a_plug_in_whose_code_fails_is_named(site, code, message):
    files = documented() | {"sharpness/__init__.py": code}
    install(site, files, {"sharpness": "sharpness:sharpness"})
    with pytest.raises(UserError, match=message):
        metrics.find("sharpness")
    assert "sharpness" in metric_facts.everything()


def test_a_plug_in_that_asks_for_an_input_that_does_not_exist_is_named(site):
    files = documented()
    files["sharpness/metrics.toml"] = files["sharpness/metrics.toml"].replace("fake_images", "fake_pictures")
    install(site, files, {"sharpness": "sharpness:sharpness"})
    with pytest.raises(UserError, match="fake_pictures"):
        metrics.find("sharpness")
    shutil.rmtree(site / "sharpness")

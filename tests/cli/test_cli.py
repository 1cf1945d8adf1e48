"""The command line as people use it: every verb on a small suite, and every mistake that a user can mend."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.cli import main
from bench.records import record as records

SUITE = """
name = "tiny"
version = "1.0.0"
members = ["toys:toy"]
seeds = [0, 1]
ranking = "fid@digits-cnn"
[data]
name = "digits"
resolution = 16
[training]
images = 960
batch_size = 16
[evaluation]
metrics = ["fid@digits-cnn", "fid@digits-cnn:held-out", "precision@digits-cnn"]
samples = 120
sample_seeds = [0, 1]
every = 480
curve_samples = 120
selection = "fid@digits-cnn:held-out"
"""


class Bench:
    """The command line in this process."""

    def __init__(self, folder: Path, capsys: Any, monkeypatch: Any):
        self.folder, self.capsys, self.monkeypatch = folder, capsys, monkeypatch

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        self.monkeypatch.setattr(sys, "argv", ["bench", *(str(a) for a in arguments)])
        self.monkeypatch.chdir(self.folder)
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = self.capsys.readouterr()
        return code, out, err

    def refuses(self, *arguments: object) -> str:
        """Exit code 2, one message on stderr, no traceback."""
        code, _, err = self(*arguments)
        assert code == 2, err
        assert "Traceback" not in err
        return err


@pytest.fixture
def bench(tmp_path, capsys, monkeypatch):
    (tmp_path / "tiny.toml").write_text(SUITE)
    return Bench(tmp_path, capsys, monkeypatch)


@pytest.fixture(scope="session")
def trained(tmp_path_factory, toys):
    """A folder in which the tiny suite has run once, and its cache."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "tiny.toml").write_text(SUITE)
    environment = os.environ | {
        "BENCH_HOME": str(folder / "home"), "PYTHONPATH": str(Path(__file__).parents[1]), "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    command = [
        sys.executable,
        "-m",
        "bench",
        "run",
        "--suite",
        "tiny.toml",
        "--device",
        "cpu",
    ]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def after(trained, capsys, monkeypatch):
    monkeypatch.setenv("BENCH_HOME", str(trained / "home"))
    return Bench(trained, capsys, monkeypatch)


def across(images: int) -> int:
    """Pixels of so many images of 16 px in a row, with lines of 2 px between them."""
    return 16 * images + 2 * (images - 1)


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.array(picture)


def one_record(folder: Path) -> Path:
    return min(folder.glob("results/tiny/toy/*.json"))


def test_a_run_leaves_sound_records_with_their_pictures(trained):
    found = records.read_all(trained / "results")
    assert [(r.member.name, r.seed, r.status) for r in found] == [
        ("toy", 0, "ok"),
        ("toy", 1, "ok"),
    ]
    assert [records.problems(r) for r in found] == [[], []]
    first = found[0]
    assert first.images_seen == 960
    assert [point.images for point in first.curve] == [480, 960]
    keys = {(s.metric, s.checkpoint, s.sample_seed) for s in first.scores}
    assert len(keys) == len(first.scores) == 3 * 2 * 2
    assert first.command == "bench run --suite results/tiny/suite.toml --member toys:toy --seed 0"
    pictures = {"grid", "interpolation", "nearest-pixel", "nearest-feature", "best", "worst"}
    data = {"nearest-distances", "fid-by-samples"}
    assert {a.kind for a in first.artifacts} == pictures | data
    for artifact in first.artifacts:
        path = trained / "results" / "tiny" / "toy" / artifact.path
        if artifact.kind in pictures:
            with Image.open(path) as picture:
                assert picture.width in (across(8), across(10))
        else:
            assert len(path.read_text().splitlines()) > 10
    assert 0 < first.seconds["generate"] < first.seconds["evaluate"]


def test_the_same_command_runs_nothing_twice(after, toys):
    before = one_record(after.folder).stat().st_mtime_ns
    code, out, _ = after("run", "--suite", "tiny.toml", "--device", "cpu")
    assert code == 0
    assert out.count("has a record") == 2
    assert one_record(after.folder).stat().st_mtime_ns == before


def test_plan_knows_what_is_done_and_what_it_would_cost(after, toys):
    code, out, _ = after(
        "plan",
        "--suite",
        "tiny.toml",
        "--seed",
        0,
        "--seed",
        7,
        "--device",
        "cpu",
        "--json",
    )
    assert code == 0
    rows = json.loads(out)
    assert [(row["seed"], row["state"]) for row in rows] == [(0, "done"), (7, "to do")]
    assert rows[0]["seconds"] is None
    assert rows[1]["seconds"] > 0


def test_leaderboard_report_and_validate_read_records_alone(after):
    code, markdown, _ = after("leaderboard")
    assert code == 0
    assert "toy" in markdown
    assert after("leaderboard")[1] == markdown
    assert json.loads(after("leaderboard", "--format", "json")[1])["suite"] == "tiny"
    assert "fid@digits-cnn" in after("leaderboard", "--format", "csv")[1]
    assert after("validate")[:2] == (0, "2 records, all sound\n")
    code, out, _ = after("report")
    assert code == 0
    pages = {path: (after.folder / path).read_bytes() for path in out.split()}
    assert any(path.endswith("tiny.html") for path in pages)
    assert after("leaderboard", "--check")[0] == 0
    after("report")
    assert {path: (after.folder / path).read_bytes() for path in out.split()} == pages
    (after.folder / "reports" / "tiny.md").write_text("typed by hand")
    assert after("leaderboard", "--check")[0] == 1


def test_leaderboard_across_suites_is_in_ratios_to_a_baseline(after, bench):
    code, markdown, _ = after("leaderboard", "--across", "toy")
    assert code == 0
    assert markdown.startswith("# Over tiny, against toy\n")
    assert json.loads(after("leaderboard", "--across", "toy", "--json")[1])["standings"][0]["ratio"] == pytest.approx(1)
    code, _, words = after("leaderboard", "--across", "toy", "--format", "csv")
    assert code == 2
    assert "gives md or json, not csv" in words
    code, _, words = after("leaderboard", "--across", "nobody")
    assert code == 2
    assert "baseline 'nobody' has no complete row. Complete: toy" in words


def test_sample_draws_from_a_record_or_a_checkpoint(after, toys, tmp_path):
    source = one_record(after.folder)
    assert after("sample", source, "--n", 5, "--out", tmp_path / "five.npz")[0] == 0
    with np.load(tmp_path / "five.npz") as file:
        images = file["arr_0"]
    assert images.shape == (5, 16, 16, 1)
    assert images.dtype == np.uint8
    checkpoint = next((after.folder / "home").rglob(f"{source.stem}/last.pt"))
    assert after("sample", checkpoint, "--n", 5, "--out", tmp_path / "folder")[0] == 0
    files = sorted((tmp_path / "folder").iterdir())
    assert [np.array(Image.open(path)).tolist() for path in files] == images[..., 0].tolist()
    assert (
        after(
            "sample",
            source,
            "--n",
            9,
            "--seed",
            3,
            "--grid",
            "--out",
            tmp_path / "grid.png",
        )[0]
        == 0
    )
    assert pixels(tmp_path / "grid.png").shape == (across(2), across(8))
    assert after("sample", source, "--n", 20, "--interpolate", "--out", tmp_path / "path.png")[0] == 0
    assert pixels(tmp_path / "path.png").shape == (across(2), across(10))


def test_score_reads_what_sample_wrote(after, toys, tmp_path):
    after("sample", one_record(after.folder), "--n", 120, "--out", tmp_path / "fakes.npz")
    code, out, _ = after(
        "score",
        "--real",
        "digits",
        "--fake",
        tmp_path / "fakes.npz",
        "--metric",
        "fid@digits-cnn",
        "--json",
    )
    assert code == 0
    (row,) = json.loads(out)
    assert row["samples_fake"] == 120
    reported = records.read(one_record(after.folder)).scores
    scores = {s.metric: s.value for s in reported if s.sample_seed == 0 and s.checkpoint == "last"}
    assert row["value"] == pytest.approx(scores["fid@digits-cnn"], rel=1e-6)  # the same seed, the same images


@pytest.mark.parametrize("kind", ["members", "suites", "datasets", "metrics", "extractors"])
def test_lists_are_for_people_and_for_programs(bench, kind):
    rows = json.loads(bench("list", kind, "--json")[1])
    assert rows
    assert all("name" in row for row in rows)
    name = rows[0]["name"]
    code, out, _ = bench("show", name, "--json")
    assert code == 0
    assert json.loads(out)["name"] == name
    assert bench("list", kind)[0] == 0


def test_the_list_of_members_has_what_a_table_needs(bench):
    rows = {row["name"]: row for row in json.loads(bench("list", "members", "--json")[1])}
    sngan = rows["sngan"]
    assert sngan["parameters_at_32px"] == {"generator": 4_276_739, "critic": 1_053_825}  # kwotsin/mimicry's counts
    assert (sngan["family"], sngan["year"], sngan["objective"], sngan["conditioning"]) == (
        "ResNet",
        2018,
        "hinge",
        "none",
    )
    assert sngan["regularisers"] == ["spectral norm"]
    assert sngan["fid"][0]["source"]
    assert set(rows["cyclegan"]["parameters_at_32px"]) == {"generator", "critic", "source_critic"}


def test_every_verb_explains_itself(bench):
    code, out, _ = bench("--help")
    assert code == 0
    for verb in (
        "list",
        "show",
        "plan",
        "run",
        "check",
        "sample",
        "score",
        "leaderboard",
        "report",
        "validate",
    ):
        assert verb in out
        assert bench(verb, "--help")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--suite", "dmeo"], "unknown suite 'dmeo'. Did you mean 'demo'"),
        (
            ["run", "--suite", "tiny.toml", "--member", "dcgn"],
            "unknown member 'dcgn'. Did you mean 'dcgan'",
        ),
        (["run", "--suite", "tiny.toml", "--device", "cuda:99"], "--device cuda:99"),
        (["run", "--suite", "tiny.toml", "--device", "quantum"], "--device quantum"),
        (["show", "dcgn"], "Did you mean 'dcgan'"),
        (["leaderboard"], "there are no records in results"),
        (["validate", "nowhere"], "no such folder"),
        (["sample", "nowhere.pt", "--out", "x.npz"], "there is no such file"),
        (["check"], "no member given"),
    ],
)
def test_mistakes_get_one_message_and_exit_code_2(bench, arguments, words):
    assert words in bench.refuses(*arguments)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('name = "digits"', 'name = "digitz"', "Did you mean 'digits'"),
        ("fid@digits-cnn", "fidd@digits-cnn", "Did you mean 'fid'"),
        ("digits-cnn", "digit-cnn", "Did you mean 'digits-cnn'"),
        ("samples = 120\nsample_seeds", "samples = 2\nsample_seeds", "samples"),
    ],
)
def test_a_suite_that_cannot_work_is_refused_before_training(bench, toys, old, new, words):
    text = SUITE.replace(old, new, 1) if old == 'name = "digits"' else SUITE.replace(old, new)
    (bench.folder / "tiny.toml").write_text(text)
    assert words in bench.refuses("run", "--suite", "tiny.toml", "--device", "cpu")
    assert list(bench.folder.glob("results/**/*.json")) == []


@pytest.mark.parametrize(
    ("member", "words"),
    [
        (
            "wrong_shape",
            "generate returned shape (2, 1, 8, 16), expected (2, 1, 16, 16)",
        ),
        ("wrong_range", "expected [-1, 1]"),
        ("not_a_number", "generate returned NaN"),
    ],
)
def test_a_member_that_breaks_the_contract_is_named_before_training(bench, toys, member, words):
    message = bench.refuses("run", "--suite", "tiny.toml", "--member", f"toys:{member}", "--device", "cpu")
    assert words in message
    assert member.replace("_", "-") in message
    assert list(bench.folder.glob("results/**/*.json")) == []


def test_divergence_is_a_result_and_a_mistake_in_a_member_is_a_record(bench, toys):
    code, out, _ = bench(
        "run",
        "--suite",
        "tiny.toml",
        "--member",
        "toys:diverging",
        "--seed",
        0,
        "--device",
        "cpu",
    )
    assert code == 0
    assert "diverged at step 5" in out
    code, _, err = bench(
        "run",
        "--suite",
        "tiny.toml",
        "--member",
        "toys:breaking",
        "--seed",
        0,
        "--device",
        "cpu",
    )
    assert code == 1
    assert "shapes do not fit" in err
    by_member = {r.member.name: r for r in records.read_all(bench.folder / "results")}
    assert by_member["diverging"].diverged_at_step == 5
    assert by_member["breaking"].failure is not None
    assert by_member["breaking"].failure.type == "RuntimeError"
    again = [
        "run",
        "--suite",
        "tiny.toml",
        "--member",
        "toys:breaking",
        "--seed",
        0,
        "--device",
        "cpu",
    ]
    assert bench(*again)[0] == 0  # a failure is not tried again unless one asks
    assert bench(*again, "--retry", "failed")[0] == 1
    assert sorted(r.attempt for r in records.read_all(bench.folder / "results") if r.status == "failed") == [1, 2]


def test_a_results_folder_that_cannot_be_written(bench, toys):
    (bench.folder / "results").write_text("a file, not a folder")
    assert "cannot be written" in bench.refuses("run", "--suite", "tiny.toml", "--device", "cpu")


def test_records_that_are_not_sound_are_named(after, tmp_path, bench):
    text = one_record(after.folder).read_text()
    folder = bench.folder / "results" / "tiny" / "toy"
    folder.mkdir(parents=True)
    for name, content, words in [
        ("0-a.json", text[: len(text) // 2], "truncated"),
        (
            "0-a.json",
            text.replace('"schema_version": 1', '"schema_version": 99'),
            "newer",
        ),
        ("0-a.json", text.replace('"seed": 0', '"seed": 5'), "edited by hand"),
    ]:
        (folder / name).write_text(content)
        assert words in bench.refuses("leaderboard")
        code, out, _ = bench("validate")
        assert code == 1
        assert words in out.replace("\n", " ")


def test_a_checkpoint_that_belongs_elsewhere_is_refused(after, toys, tmp_path):
    from bench.errors import UserError
    from bench.training import checkpoint

    path = next((after.folder / "home").rglob("0-*/last.pt"))
    identity = checkpoint.identity_of(checkpoint.load(path))
    other = type(identity)(**{**vars(identity), "member": "dcgan"})
    with pytest.raises(UserError, match="is of member 'toy', expected 'dcgan'"):
        checkpoint.load(path, other)
    damaged = tmp_path / "last.pt"
    damaged.write_bytes(path.read_bytes()[:1000])
    assert "damaged" in after.refuses("sample", damaged, "--out", tmp_path / "x.npz")


def test_two_processes_on_one_folder_run_no_cell_twice(tmp_path, toys):
    (tmp_path / "tiny.toml").write_text(SUITE.replace("seeds = [0, 1]", "seeds = [0, 1, 2, 3]"))
    environment = os.environ | {
        "BENCH_HOME": str(tmp_path / "home"), "PYTHONPATH": str(Path(__file__).parents[1]), "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    command = [
        sys.executable,
        "-m",
        "bench",
        "run",
        "--suite",
        "tiny.toml",
        "--device",
        "cpu",
    ]
    both = [
        subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    outputs = [process.communicate(timeout=300)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    found = records.read_all(tmp_path / "results")
    assert [r.seed for r in found] == [0, 1, 2, 3]
    finished = [line for output in outputs for line in output.splitlines() if " after " in line]
    assert len(finished) == 4

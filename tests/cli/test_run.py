"""`bench run`: records, resuming, failures, two processes."""

import pytest
from PIL import Image

from bench.records import record as records
from bench.records.soundness import problems


def test_a_run_leaves_sound_records_with_their_pictures(trained):
    found = records.read_all(trained / "results")
    assert [(r.member.name, r.seed, r.status) for r in found] == [
        ("toy", 0, "ok"),
        ("toy", 1, "ok"),
    ]
    assert [problems(r) for r in found] == [[], []]
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
                assert picture.width in (8 * 16 + 7 * 2, 10 * 16 + 9 * 2)  # images of 16 px, lines of 2 px
        else:
            assert len(path.read_text().splitlines()) > 10
    assert 0 < first.seconds["generate"] < first.seconds["evaluate"]


def test_the_same_command_runs_nothing_twice(after, toys):
    before = after.record.stat().st_mtime_ns
    code, out, _ = after.run()
    assert code == 0
    assert out.count("has a record") == 2
    assert after.record.stat().st_mtime_ns == before


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
    bench.rewrite(old, new)
    assert words in bench.refuses("run", "--suite", "tiny.toml", "--device", "cpu")
    assert list(bench.folder.glob("results/**/*.json")) == []


def test_divergence_is_a_result_and_a_mistake_in_a_member_is_a_record(bench, toys):
    code, out, _ = bench.run("--member", "toys:diverging", "--seed", 0)
    assert code == 0
    assert "diverged at step 5" in out
    breaking = ("--member", "toys:breaking", "--seed", 0)
    code, _, err = bench.run(*breaking)
    assert code == 1
    assert "shapes do not fit" in err
    by_member = {r.member.name: r for r in records.read_all(bench.folder / "results")}
    assert by_member["diverging"].diverged_at_step == 5
    assert by_member["breaking"].failure is not None
    assert by_member["breaking"].failure.type == "RuntimeError"
    code, out, err = bench.run(*breaking)
    assert code == 1, "a failure is not tried again unless one asks, and stays a failure"
    assert "failed before: RuntimeError: shapes do not fit" in out
    assert "0 of 1 jobs have a result; 1 failed (--retry failed runs them again)." in err
    assert bench.run(*breaking, "--retry", "failed")[0] == 1
    assert sorted(r.attempt for r in records.read_all(bench.folder / "results") if r.status == "failed") == [1, 2]


def test_a_results_folder_that_cannot_be_written(bench, toys):
    (bench.folder / "results").write_text("a file, not a folder")
    assert "cannot be written" in bench.refuses("run", "--suite", "tiny.toml", "--device", "cpu")


@pytest.mark.slow
def test_two_processes_on_one_folder_run_no_job_twice(bench, process, toys):
    bench.rewrite("seeds = [0, 1]", "seeds = [0, 1, 2, 3]")
    both = [process("run", "--suite", "tiny.toml", "--device", "cpu") for _ in range(2)]
    outputs = [process.communicate(timeout=300)[0] for process in both]
    codes = {process.returncode for process in both}
    assert 0 in codes, "whoever ends last sees that all is done"
    assert codes <= {0, 4}, "the other may end while a job still runs"
    found = records.read_all(bench.folder / "results")
    assert [r.seed for r in found] == [0, 1, 2, 3]
    finished = [line for output in outputs for line in output.splitlines() if " after " in line]
    assert len(finished) == 4

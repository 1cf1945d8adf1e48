"""What becomes of jobs that fail, of members that misbehave, and of what can be known to fail before it is tried."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from filelock import FileLock

from bench.errors import UserError
from bench.files import NotWritten
from bench.gan import GAN, ImageSpec, Stage, Update
from bench.records import record as records
from bench.runs import job as job_module
from bench.runs import keeping
from bench.runs.experiment import Experiment, prepare
from bench.runs.keeping import Keeping
from bench.runs.progress import Progress
from bench.runs.run import Finished, Skipped, check, execute, run
from bench.runs.state import RunState
from bench.suites.suite import parse
from bench.training.loop import Execution, Training

pytestmark = pytest.mark.slow

SUITE = """
name = "brief"
version = "1.0.0"
members = ["toys:toy"]
seeds = [0]
ranking = "fid@random-cnn"
[data]
name = "digits"
resolution = 16
[training]
images = 320
batch_size = 16
[evaluation]
metrics = ["fid@random-cnn"]
samples = 100
every = 160
curve_samples = 50
selection = "fid@random-cnn:held-out"
"""
Builder = Callable[[ImageSpec], GAN]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch, toys):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))


@pytest.fixture
def member(monkeypatch, toys) -> Callable[[str, Builder], str]:
    """Adds a member to the toys."""

    def add(name: str, builder: Builder) -> str:
        monkeypatch.setattr(toys, name, builder, raising=False)
        return f"toys:{name}"

    return add


def experiment(tmp_path: Path, *members: str, **changes: str) -> Experiment:
    text = SUITE.replace('["toys:toy"]', str(list(members or ("toys:toy",))).replace("'", '"'))
    for old, new in changes.items():
        found = next(line for line in text.splitlines() if line.startswith(f"{old} ="))
        text = text.replace(found, f"{old} = {new}")
    return prepare(parse(text, "-"), tmp_path / "results", Execution())


def ended(found: Experiment, **options: Any) -> list[Finished | Skipped]:
    return [event for event in run(found, found.jobs(), **options) if isinstance(event, Finished | Skipped)]


def at_step(step: int, act: Callable[[], object]) -> Builder:
    """Toy, whose generator's loss does something at a step."""
    from toys import toy  # pyright: ignore[reportMissingImports]

    def build(spec: ImageSpec) -> GAN:
        gan = toy(spec)
        loss = gan.schedule[0].updates[-1].losses["adversarial"]

        def act_then(turn: Any) -> torch.Tensor:
            if turn.now.step == step:
                act()
            return loss(turn)

        updates = [*gan.schedule[0].updates[:-1], Update("generator", {"adversarial": act_then})]
        return replace(gan, schedule=[Stage(updates, gan.schedule[0].turn)])

    return build


def fail(error: BaseException) -> Callable[[], object]:
    def act() -> object:
        raise error

    return act


class Odd(KeyboardInterrupt):
    """What a library may raise when it means to end the process."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "error",
    [RuntimeError("no"), SystemExit(0), Odd(), KeyboardInterrupt(), UserError("no"), MemoryError("full")],
    ids=repr,
)
def test_a_member_that_fails_in_mid_run_becomes_a_record_and_the_suite_goes_on(tmp_path, member, error):
    found = experiment(tmp_path, member("failing", at_step(5, fail(error))), "toys:toy")
    first, second = ended(found)
    assert isinstance(first, Finished)
    assert first.record.status == ("out-of-memory" if isinstance(error, MemoryError) else "failed")
    assert first.record.failure is not None
    assert (first.record.failure.type, first.record.failure.phase) == (type(error).__name__, "train")
    assert isinstance(second, Finished)
    assert second.record.status == "ok"
    again = ended(found)
    assert [event.state for event in again if isinstance(event, Skipped)] == ["failed", "done"]
    assert isinstance(again[0], Skipped)
    assert f"failed before: {type(error).__name__}" in again[0].reason
    assert "--retry failed" in again[0].reason


def test_images_that_leave_their_range_in_mid_run_fail_the_job_alone(tmp_path, member):
    from toys import sample, toy  # pyright: ignore[reportMissingImports]

    def drifting(spec: ImageSpec) -> GAN:
        gan = toy(spec)
        calls = []

        def generate(nets: Any, prompt: Any) -> torch.Tensor:
            calls.append(prompt.count)
            return sample(nets, prompt) * (1 if len(calls) < 2 else 300)

        return replace(gan, generate=generate)

    found = experiment(tmp_path, member("drifting", drifting), "toys:toy")
    first, second = ended(found)
    assert isinstance(first, Finished)
    assert first.record.failure is not None
    assert "expected [-1, 1]" in first.record.failure.message
    assert isinstance(second, Finished)
    assert second.record.status == "ok"


def test_a_retry_goes_on_from_the_checkpoint_of_the_failed_run(tmp_path, member):
    broken = [True]

    def maybe() -> None:
        if broken:
            raise RuntimeError("the device went away")

    found = experiment(tmp_path, member("flaky", at_step(8, maybe)))  # after the point of the curve at step 5
    (first,) = ended(found)
    assert isinstance(first, Finished)
    assert first.record.status == "failed"
    broken.clear()
    steps: list[int] = []
    plain = Keeping.restore

    def restored(self: Keeping, training: Training, state: RunState) -> RunState:
        found = plain(self, training, state)
        steps.append(training.now.step)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Keeping, "restore", restored)
        (second,) = ended(found, retry_failed=True)
    assert steps == [5]
    assert isinstance(second, Finished)
    assert (second.record.status, second.record.attempt) == ("ok", 2)


def test_a_failed_scoring_keeps_the_trained_networks(tmp_path, monkeypatch):
    found = experiment(tmp_path)
    plain = job_module.Evaluator.scores

    def broken(*_: object) -> Any:
        raise RuntimeError("the metric has a mistake")
        yield

    monkeypatch.setattr(job_module.Evaluator, "scores", broken)
    (first,) = ended(found)
    assert isinstance(first, Finished)
    assert first.record.failure is not None
    assert first.record.failure.phase == "evaluate"
    assert (found.files.cache(first.job) / "last.pt").exists()
    monkeypatch.setattr(job_module.Evaluator, "scores", plain)
    started = []
    monkeypatch.setattr(job_module.JobRun, "_add_point", lambda self: started.append(self))
    (second,) = ended(found, retry_failed=True)
    assert isinstance(second, Finished)
    assert second.record.status == "ok"
    assert started == [], "nothing is trained again"


def test_a_picture_that_was_removed_from_the_cache_is_recorded_as_missing(tmp_path, monkeypatch):
    found = experiment(tmp_path)
    plain = job_module.Evaluator.scores

    def purged(self: Any, *arguments: Any) -> Any:
        for path in found.files.cache(found.jobs()[0]).glob("grid-*.png"):
            path.unlink()
        return plain(self, *arguments)

    monkeypatch.setattr(job_module.Evaluator, "scores", purged)
    (event,) = ended(found)
    assert isinstance(event, Finished)
    assert event.record.status == "ok"
    assert not list(event.path.parent.glob("*-grid-*"))
    (grid, _) = (item for item in event.record.artifacts if item.kind == "grid")
    assert (grid.status, grid.reason) == (
        "not kept",
        "not kept: it was removed from the cache before its run had ended",
    )
    assert records.read(event.path).artifacts == event.record.artifacts


def test_a_job_that_another_process_runs_is_not_done(tmp_path):
    found = experiment(tmp_path)
    (job,) = found.jobs()
    lock = found.files.folder(job) / f".{records.file_stem(job.seed, job.digest)}.lock"
    lock.parent.mkdir(parents=True)
    with FileLock(lock):
        (event,) = ended(found)
    assert event == Skipped(job, "another process is running it", "running")


def test_a_disk_that_is_full_is_not_the_members_fault(tmp_path, monkeypatch):
    found = experiment(tmp_path)

    def full(*_: object) -> str:
        raise NotWritten("training.pt: cannot be written: No space left on device.")

    monkeypatch.setattr(keeping.checkpoint, "save", full)
    with pytest.raises(NotWritten, match="No space left"):
        ended(found)
    assert not list((tmp_path / "results").rglob("*.json"))


def test_an_error_of_the_run_is_not_taken_for_one_of_the_lock(tmp_path, monkeypatch):
    found = experiment(tmp_path)

    def gone(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error", "somewhere")

    monkeypatch.setattr(records, "write", gone)
    with pytest.raises(OSError, match="Input/output error"):
        ended(found)


def test_parts_that_a_killed_run_left_are_swept(tmp_path):
    found = experiment(tmp_path)
    (job,) = found.jobs()
    ours = found.files.folder(job) / f".{records.file_stem(job.seed, job.digest)}.json.abc.part"
    theirs = found.files.folder(job) / ".1-0123456789.json.abc.part"
    cached = found.files.cache(job) / ".training.pt.abc.part"
    for path in (ours, theirs, cached):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("half")
    ended(found)
    assert [path.exists() for path in (ours, theirs, cached)] == [False, True, False]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"images": "8"}, "the budget of 8 images does not pay for one iteration: .* needs 32"),
        ({"batch_size": "1"}, "its batch norm needs at least 2 images at a time"),
        ({"curve_samples": "1"}, "needs at least 2 samples"),
        ({"metrics": '["fid@random-cnn", "l1"]'}, "compares pairs"),
    ],
)
def test_what_cannot_work_is_refused_before_training(tmp_path, changes, words):
    found = experiment(tmp_path, **changes)
    with pytest.raises(UserError, match=rf"member 'toy': .*{words}"):
        check(found, found.jobs())
    assert not (tmp_path / "home" / "checkpoints").exists()


@pytest.mark.parametrize(
    ("task", "words"),
    [("paired", "learns from pairs, and digits has no pictures"), ("unpaired", "translates pictures")],
)
def test_a_member_whose_task_the_data_does_not_pose_is_refused(tmp_path, member, toys, task, words):
    found = experiment(tmp_path, member("translator", lambda spec: replace(toys.toy(spec), task=task)))
    with pytest.raises(UserError, match=words):
        check(found, found.jobs())


def test_held_out_pictures_count_equally_often(tmp_path, member, toys):
    rebuild = member("rebuild", lambda spec: replace(toys.toy(spec), task="reconstruction"))
    pictures = len(experiment(tmp_path, rebuild).dataset.held_out)
    found = experiment(tmp_path, rebuild, samples=str(pictures + 5))
    with pytest.raises(UserError, match=rf"samples = {pictures + 5} would count 5 of them once more"):
        check(found, found.jobs())
    whole = experiment(tmp_path, rebuild, samples=str(2 * pictures))
    check(whole, whole.jobs())


def test_checking_leaves_no_trace_in_random_numbers(tmp_path):
    found = experiment(tmp_path)
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    check(found, found.jobs())
    assert torch.equal(torch.rand(4), expected)


def test_events_tell_what_is_done_and_how_long_it_will_take(tmp_path, monkeypatch):
    monkeypatch.setattr(job_module, "LOOK_SECONDS", 0.0)
    found = experiment(tmp_path)
    events = [event for event in execute(found, found.jobs()) if isinstance(event, Progress)]
    assert {event.phase for event in events} == {"train", "evaluate"}
    activities = [event.activity for event in events if event.activity]
    assert "sampling 50 of 50" in activities
    assert "sampling 100 of 100" in activities
    assert "fid@random-cnn" in activities
    known = [event for event in events if event.seconds_left is not None]
    assert known
    assert all(0 <= event.share <= 1 for event in events)
    assert known[-1].share > 0.4
    assert all(event.elapsed >= 0 for event in events)


def test_a_member_that_cannot_be_built_with_a_later_seed_is_a_failed_record_and_the_suite_goes_on(tmp_path, member):
    """The first seed is tried before the suite; whatever another seed's weights cannot be is that job's failure."""
    from toys import toy  # pyright: ignore[reportMissingImports]

    def picky(spec: ImageSpec) -> GAN:
        if torch.initial_seed() == 1:
            raise RuntimeError("no weights with this seed")
        return toy(spec)

    found = experiment(tmp_path, member("picky", picky), "toys:toy", seeds="[0, 1, 2]")
    events = {(event.job.member.name, event.job.seed): event for event in ended(found)}
    kinds = {key: event.record.status for key, event in events.items() if isinstance(event, Finished)}
    assert kinds == {("picky", 1): "failed"} | {
        (name, seed): "ok" for name in ("picky", "toy") for seed in (0, 1, 2) if (name, seed) != ("picky", 1)
    }
    failed = events["picky", 1]
    assert isinstance(failed, Finished)
    assert failed.record.failure is not None
    assert failed.record.failure.phase == "build"
    assert "no weights with this seed" in failed.record.failure.message
    assert failed.record.seconds == {}
    assert records.read(failed.path).failure == failed.record.failure
    again = [event for event in ended(found) if event.job.seed == 1 and event.job.member.name == "picky"]
    assert isinstance(again[0], Skipped)
    assert again[0].reason.startswith("failed before: UserError: member 'picky': building it failed")

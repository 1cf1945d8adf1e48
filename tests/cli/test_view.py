"""The live view: what a person reads at 80 x 24, and what a log keeps."""

import io
import itertools
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from bench import members
from bench.cli import view
from bench.records.record import Point
from bench.runs.job import Progress
from bench.runs.jobs import Job
from bench.runs.provenance import Snapshot
from bench.runs.run import Finished, Skipped

SOURCE = Snapshot("s")
JOBS = [Job(members.Listing("toy", "toys:toy", ""), SOURCE, seed, f"d{seed}") for seed in range(4)]


def progress(job: Job = JOBS[0], **changes: object) -> Progress:
    values = {
        "job": job,
        "phase": "train",
        "images": 12_000,
        "budget": 48_000,
        "images_per_second": 812.4,
        "terms": {"critic/adversarial": 0.6931, "generator/adversarial": 1.25, "critic/gradient_penalty": 3.0},
        "point": Point(images=12_000, step=250, train_seconds=60.0, terms={}, scores={"fid@digits-cnn": 119.24}),
        "activity": "",
        "elapsed": 60.0,
        "seconds_left": 120.0,
    }
    return Progress(**(values | changes))  # pyright: ignore[reportArgumentType]


def finished(make_record, seconds: float, job: Job = JOBS[0]) -> Finished:
    return Finished(
        job, make_record("toy", job.seed).model_copy(update={"seconds": {"train": seconds}}), Path("x.json")
    )


def shown(state: view.State, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=24, force_terminal=True, color_system=None)
    console.print(view.panel(state))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_what_is_left_includes_the_jobs_not_begun(make_record):
    state = view.State(total=4)
    assert state.seconds_left is None
    state.see(progress(seconds_left=None))
    assert state.seconds_left is None
    state.see(progress(elapsed=60, seconds_left=120))
    assert state.seconds_left == 120 + 3 * 180  # the others will take as long as this one
    state.see(finished(make_record, 100.0))
    state.see(Skipped(JOBS[1], "has a record"))
    state.see(progress(JOBS[2], elapsed=60, seconds_left=40))
    assert state.seconds_left == 40 + 1 * 100  # at the pace of the one that ended; the skipped one cost nothing
    assert state.share == pytest.approx((2 + 0.6) / 4)


@pytest.mark.parametrize("activity", ["", "sampling 2,300 of 10,000"])
def test_the_panel_is_legible_on_a_small_terminal(activity):
    state = view.State(total=120, ended=7)
    long = Job(members.Listing("dcgan-minibatch-discrimination-with-a-long-name", "a:b", ""), SOURCE, 3, "d")
    state.see(progress(long, phase="evaluate" if activity else "train", activity=activity))
    lines = shown(state)
    assert len(lines) <= 10
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    for words in ("7 of 120", "33%", "12,000 of 48,000", "so far, about", "left", "fid@digits-cnn 119.2", "0.693"):
        assert words in text
    assert (activity or "training, 12,000 of 48,000 images, 812/s") in text


def test_a_log_has_a_line_for_every_job_one_now_and_then_and_one_for_every_end(make_record, monkeypatch):
    clock = itertools.count(100.0, 1.0)
    monkeypatch.setattr(view, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    sampling = [progress(phase="evaluate", activity=f"sampling {n} of 1,000") for n in (250, 500, 750)]
    events = [
        progress(),
        progress(images=12_500),
        *sampling,
        finished(make_record, 95.0),
        Skipped(JOBS[1], "failed before"),
    ]
    console = Console(file=io.StringIO(), width=80, highlight=False, markup=False)
    assert list(view.watch(iter(events), JOBS, console)) == events
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert lines[0].split("  ")[:2] == ["[1/4] toy seed 0", "training, 12,000 of 48,000 images, 812/s"]
    assert len(lines) == 3  # the clock passed fewer than LINE_SECONDS in between
    assert lines[-2].startswith("[1/4] toy seed 0: fid@digits-cnn ")
    assert lines[-2].endswith(" after 1 min 35 s")
    assert lines[-1] == "[2/4] toy seed 1: failed before"


def test_names_cannot_steer_the_terminal():
    evil = Job(members.Listing("evil\x1b[2J\n::error::", "a:b", ""), SOURCE, 0, "d")
    assert view.name_of(evil) == "evil�[2J : :error: : seed 0"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59, "59 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 05 min"),
        (47 * 3600, "47 h 00 min"),
        (273_600, "3 d 4 h"),
    ],
)
def test_durations_are_for_people(seconds, text):
    assert view.duration(seconds) == text

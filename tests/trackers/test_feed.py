"""What trackers are told of real runs, and that none of them can touch a run."""

import threading
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bench.records.record import Record
from bench.runs.experiment import Experiment, prepare
from bench.runs.run import Finished, execute
from bench.suites.suite import parse
from bench.trackers import feed
from bench.trackers.feed import flat, tracked
from bench.trackers.tracker import TrackedRun
from bench.training.loop import Execution

pytestmark = pytest.mark.slow

SUITE = """
name = "brief"
version = "1.0.0"
members = ["toys:toy"]
seeds = [0, 1]
ranking = "fid@random-cnn"
[data]
name = "digits"
resolution = 16
[training]
images = 320
batch_size = 16
[evaluation]
metrics = ["fid@random-cnn"]
samples = 50
every = 160
curve_samples = 50
selection = "fid@random-cnn:held-out"
"""


@pytest.fixture
def experiment(tmp_path, monkeypatch, toys) -> Experiment:
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    return prepare(parse(SUITE, "-"), tmp_path / "results", Execution())


@dataclass
class Notes:
    """Keeps what it is told."""

    calls: list[tuple[Any, ...]] = field(default_factory=list)

    def start(self, run: TrackedRun) -> None:
        self.calls.append(("start", run))

    def log(self, images: int, values: Mapping[str, float]) -> None:
        self.calls.append(("log", images, dict(values)))

    def picture(self, images: int, name: str, path: Path) -> None:
        self.calls.append(("picture", images, name, path.read_bytes()[:4]))

    def finish(self, record: Record | None) -> None:
        self.calls.append(("finish", record))

    def of(self, method: str) -> list[tuple[Any, ...]]:
        return [call[1:] for call in self.calls if call[0] == method]


class Broken(Notes):
    """Fails in one of its methods."""

    def __init__(self, method: str, error: BaseException):
        super().__init__()
        self.method, self.error = method, error

    def __getattribute__(self, name: str) -> Any:
        if name in ("start", "log", "picture", "finish") and name == self.method:
            raise self.error
        return super().__getattribute__(name)


def followed(experiment: Experiment, **trackers: Any) -> list[Record]:
    events = tracked(execute(experiment, experiment.jobs()), experiment, trackers, seconds=0.0)
    return [event.record for event in events if isinstance(event, Finished)]


def scores(found: list[Record]) -> list[float]:
    return [score.value for record in found for score in record.scores]


def test_a_tracker_hears_every_run_from_its_start_to_its_record(experiment):
    notes = Notes()
    first, second = followed(experiment, notes=notes)
    (run,), (other,) = notes.of("start")
    assert (run.suite, run.member, run.seed, run.name) == ("brief", "toy", 0, "brief/toy/0")
    assert run.id != other.id
    assert run.config["training.images"] == 320
    assert run.config["evaluation.metrics"] == "fid@random-cnn"
    assert notes.of("finish") == [(first,), (second,)]
    assert [call[0] for call in notes.calls].index("finish") < [call[0] for call in notes.calls].index("start", 1)
    logged = [(images, values) for images, values in notes.of("log") if "score/fid@random-cnn" in values]
    points = [point for record in (first, second) for point in record.curve]
    expected = [
        {f"train/{name}": value for name, value in p.terms.items()}
        | {f"score/{name}": value for name, value in p.scores.items()}
        for p in points
    ]
    assert logged == [(p.images, values) for p, values in zip(points, expected, strict=True)]
    assert "train/critic/adversarial" in expected[0]
    kept = [a for record in (first, second) for a in record.artifacts if a.status == "kept" and a.path.endswith(".png")]
    assert notes.of("picture") == [(a.images, a.kind, b"\x89PNG") for a in kept]
    assert {name for _, name, _ in notes.of("picture")} >= {"grid"}


def test_a_run_that_is_broken_off_is_told_so_and_goes_on_under_its_id(experiment):
    notes = Notes()
    events = tracked(execute(experiment, experiment.jobs(), checkpoint_seconds=0.0), experiment, {"notes": notes}, 0.0)
    next(event for event in events if getattr(event, "images", 0) > 0)
    assert isinstance(events, Generator)
    events.close()
    assert [call[0] for call in notes.calls][-1] == "finish"
    assert notes.of("finish") == [(None,)]
    followed(experiment, notes=notes)
    first, again, _ = (run.id for (run,) in notes.of("start"))
    assert first == again


def test_trackers_that_raise_are_named_once_and_change_no_score(experiment, tmp_path, capsys):
    errors = {
        "start": ValueError("a line\nof words"),
        "log": SystemExit(3),
        "picture": KeyboardInterrupt(),
        "finish": OSError(28, "No space left on device"),
    }
    notes = Notes()
    broken = {f"broken-{method}": Broken(method, error) for method, error in errors.items()}
    with_them = followed(experiment, **broken, notes=notes)
    said = capsys.readouterr().err
    for method, error in errors.items():
        assert said.count(f"tracker 'broken-{method}' {method} raised {type(error).__name__}") == 1
    assert said.count("The run goes on without it.") == len(errors)
    assert "a line of words" in said
    assert len(notes.of("finish")) == 2
    alone = prepare(experiment.suite, tmp_path / "alone", experiment.execution)
    without = [event.record for event in execute(alone, alone.jobs()) if isinstance(event, Finished)]
    assert scores(with_them) == scores(without)
    assert [record.curve[-1].terms for record in with_them] == [record.curve[-1].terms for record in without]


def test_a_tracker_that_hangs_holds_nothing_up(experiment, monkeypatch, capsys):
    monkeypatch.setattr(feed, "PATIENCE", 0.2)
    freed = threading.Event()

    class Hangs(Notes):
        def start(self, run: TrackedRun) -> None:
            freed.wait(60)

    before = time.monotonic()
    assert len(followed(experiment, hangs=Hangs())) == 2
    assert time.monotonic() - before < 50
    freed.set()
    assert "tracker 'hangs' did not end in time: what it has not written is lost" in capsys.readouterr().err


def test_a_tracker_that_falls_behind_is_left_out(experiment, monkeypatch, capsys):
    monkeypatch.setattr(feed, "WAITING", 1)
    monkeypatch.setattr(feed, "PATIENCE", 0.2)
    freed = threading.Event()

    class Slow(Notes):
        def start(self, run: TrackedRun) -> None:
            freed.wait(60)

    assert len(followed(experiment, slow=Slow())) == 2
    freed.set()
    assert capsys.readouterr().err == "bench: tracker 'slow' is 1 calls behind. The run goes on without it.\n"


def test_settings_become_one_table():
    nested = {"a": {"b": 1, "c": {"d": True}}, "list": [1, "x"], "none": None, "text": "t"}
    assert dict(flat(nested)) == {"a.b": 1, "a.c.d": True, "list": "1, x", "text": "t"}

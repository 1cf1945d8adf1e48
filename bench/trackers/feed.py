"""A run's events to trackers, each in a thread of its own: none can change a score, raise into a run or hold it up."""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from queue import Full, Queue
from typing import Any

from bench.records import record as records
from bench.records.record import Point, Record
from bench.runs.experiment import Experiment, Job
from bench.runs.progress import Progress
from bench.runs.run import Event, Finished
from bench.trackers.tracker import TrackedRun, Tracker, Value

SECONDS = 10.0  # between two looks at losses
WAITING = 1_000  # calls that a tracker may be behind
PATIENCE = 30.0  # seconds that trackers have to write what is left, at the end of a command

Call = tuple[str, tuple[Any, ...]]


def tracked(
    events: Iterator[Event], experiment: Experiment, trackers: Mapping[str, Tracker], seconds: float = SECONDS
) -> Iterator[Event]:
    """The same events, told to the trackers as they pass. A tracker that fails or is too slow is named once and left out."""
    outlets = [_Outlet(name, tracker) for name, tracker in trackers.items()]
    narrator = _Narrator(experiment, seconds)
    try:
        for event in events:
            for call in narrator.calls(event):
                _tell(outlets, call)
            yield event
    finally:
        if narrator.current is not None:
            _tell(outlets, ("finish", (None,)))
        until = time.monotonic() + PATIENCE
        for outlet in outlets:
            outlet.close(until)


def run_of(experiment: Experiment, job: Job) -> TrackedRun:
    """What a tracker is told of a job."""
    suite = experiment.suite
    settings = {**experiment.rules.protocol, "parameters": dict(job.member.given), "seed": job.seed}
    stem = records.file_stem(job.seed, job.digest)
    return TrackedRun(f"{suite.name}-{stem}", suite.name, job.member.name, job.seed, dict(flat(settings)))


def flat(settings: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Value]]:
    """Nested tables as one, with dotted names; lists as text."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{before}{name}.")
        elif value is not None:
            yield f"{before}{name}", value if isinstance(value, Value) else ", ".join(map(str, value))


class _Narrator:
    """What of a run's events is told: losses every few seconds, losses and scores once for each point of the curve, pictures at the end."""

    def __init__(self, experiment: Experiment, seconds: float):
        self.experiment, self.seconds = experiment, seconds
        self.current: Job | None = None
        self._looked_at = 0.0
        self._images = -1  # of the last point

    def calls(self, event: Event) -> Iterator[Call]:
        if isinstance(event, Progress):
            if event.job != self.current:
                yield from self._begin(event.job)
            yield from self._go_on(event)
        elif isinstance(event, Finished) and event.job.trains:
            if event.job != self.current:
                yield from self._begin(event.job)
            yield from self._end(event.record, event.path)

    def _begin(self, job: Job) -> Iterator[Call]:
        self.current, self._looked_at, self._images = job, 0.0, -1
        yield "start", (run_of(self.experiment, job),)

    def _go_on(self, event: Progress) -> Iterator[Call]:
        point = event.point
        if point is not None and point.images != self._images:
            self._images = point.images
            yield "log", (point.images, _of_point(point))
        if event.phase == "train" and event.terms and time.monotonic() - self._looked_at > self.seconds:
            self._looked_at = time.monotonic()
            values = _named("train", event.terms) | {"images_per_second": event.images_per_second}
            yield "log", (event.images, values)

    def _end(self, record: Record, path: Path) -> Iterator[Call]:
        for point in record.curve:
            if point.images > self._images:
                yield "log", (point.images, _of_point(point))
        for artifact in record.artifacts:
            if artifact.status == "kept" and artifact.path.endswith(".png"):
                yield "picture", (artifact.images, artifact.kind, path.parent / artifact.path)
        self.current = None
        yield "finish", (record,)


def _of_point(point: Point) -> dict[str, float]:
    return _named("train", point.terms) | _named("score", point.scores)


def _named(before: str, values: Mapping[str, float]) -> dict[str, float]:
    return {f"{before}/{name}": value for name, value in values.items()}


def _tell(outlets: Sequence["_Outlet"], call: Call) -> None:
    for outlet in outlets:
        outlet.put(call)


class _Outlet:
    """A tracker behind a queue. The thread does not keep the process alive."""

    def __init__(self, name: str, tracker: Tracker):
        self.name, self.tracker = name, tracker
        self.given_up = threading.Event()
        self._calls: Queue[Call | None] = Queue(WAITING)
        self._thread = threading.Thread(target=self._work, name=f"tracker-{name}", daemon=True)
        self._thread.start()

    def put(self, call: Call | None) -> None:
        """Never waits."""
        if self.given_up.is_set():
            return
        try:
            self._calls.put_nowait(call)
        except Full:
            self._give_up(f"is {WAITING} calls behind")

    def close(self, until: float) -> None:
        """Let it write what is left, at most until then."""
        self.put(None)
        if not self.given_up.is_set():
            self._thread.join(max(until - time.monotonic(), 0))
            if self._thread.is_alive():
                self._give_up("did not end in time: what it has not written is lost")

    def _work(self) -> None:
        while (call := self._calls.get()) is not None and not self.given_up.is_set():
            method, arguments = call
            try:
                action: Callable[..., None] = getattr(self.tracker, method)
                action(*arguments)
            except BaseException as error:  # a tracker's sys.exit is no reason to end a run
                self._give_up(f"{method} raised {type(error).__name__}: {error}")

    def _give_up(self, why: str) -> None:
        if not self.given_up.is_set():
            self.given_up.set()
            print(
                f"bench: tracker {self.name!r} {' '.join(why.split())[:300]}. The run goes on without it.",
                file=sys.stderr,
            )

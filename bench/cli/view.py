"""The live view of a run: what goes on, how far it is and how long it will take; plain lines where there is no terminal."""

import os
import time
from collections.abc import Iterator, Sized
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bench.cli.output import as_text
from bench.cli.several import LINE_SECONDS
from bench.formats import number
from bench.records.record import Record
from bench.runs.job import Progress
from bench.runs.jobs import Job
from bench.runs.run import Event, Finished, Skipped

BAR = 30  # letters: with its label and figures a line fits into 80


def watch(events: Iterator[Event], jobs: Sized, console: Console | None = None) -> Iterator[Event]:
    """The same events, shown as they pass."""
    console = console or Console(highlight=False, markup=False)
    live = console.is_terminal and not os.environ.get("CI")
    return (_live if live else _plain)(events, State(len(jobs)), console)


@dataclass
class State:
    """What has been seen of a run."""

    total: int
    ended: int = 0
    seconds: list[float] = field(default_factory=list)  # of the jobs that ended here
    started: float = field(default_factory=time.monotonic)
    current: Progress | None = None

    def see(self, event: Event) -> None:
        """Take an event into account."""
        if isinstance(event, Progress):
            self.current = event
            return
        if isinstance(event, Finished):
            self.seconds.append(sum(event.record.seconds.values()))
        self.ended += 1
        self.current = None

    @property
    def share(self) -> float:
        """The part of all jobs that is done, in [0, 1]."""
        return (self.ended + (self.current.share if self.current else 0.0)) / max(self.total, 1)

    @property
    def seconds_left(self) -> float | None:
        """The rest of the current job, and the jobs not begun at the pace of those that ended here; None: not yet known."""
        current = self.current
        if current is None or current.seconds_left is None:
            return None
        pace = self.seconds or [current.elapsed + current.seconds_left]
        return current.seconds_left + (self.total - self.ended - 1) * sum(pace) / len(pace)

    def times(self) -> str:
        """How long it has taken and will take."""
        so_far = f"{duration(time.monotonic() - self.started)} so far"
        return so_far if self.seconds_left is None else f"{so_far}, about {duration(self.seconds_left)} left"


def _plain(events: Iterator[Event], state: State, console: Console) -> Iterator[Event]:
    last, shown = 0.0, None
    for event in events:
        state.see(event)
        if not isinstance(event, Progress):
            console.print(_ended(event, state), soft_wrap=True)
        elif time.monotonic() - last > LINE_SECONDS or event.job != shown:
            last, shown = time.monotonic(), event.job
            line = [f"[{state.ended + 1}/{state.total}] {name_of(event.job)}", doing(event), *figures(event)]
            console.print("  ".join((*line, f"{state.share:.0%}", state.times())), soft_wrap=True)
        yield event


def _live(events: Iterator[Event], state: State, console: Console) -> Iterator[Event]:
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        for event in events:
            state.see(event)
            if not isinstance(event, Progress):
                live.console.print(_ended(event, state), soft_wrap=True)
            live.update(panel(state))
            yield event


def panel(state: State) -> Group:
    """At most eight lines, each as wide as the terminal at most."""
    bars = Table.grid(padding=(0, 1))
    bars.add_row(
        "all jobs", ProgressBar(1.0, state.share, width=BAR), f"{state.ended} of {state.total}, {state.share:.0%}"
    )
    progress = state.current
    if progress is None:
        return Group(bars, _line(state.times()))
    bars.add_row("this job", ProgressBar(1.0, progress.share, width=BAR), f"{progress.share:.0%}")
    seen = f"{progress.images:,} of {progress.budget:,}"
    bars.add_row("images", ProgressBar(progress.budget, progress.images, width=BAR), seen)
    lines = [name_of(progress.job), doing(progress), *figures(progress), state.times()]
    return Group(bars, *map(_line, lines))


def _line(text: str) -> Text:
    return Text(text, no_wrap=True, overflow="ellipsis")


def name_of(job: Job) -> str:
    """A job for people."""
    return f"{as_text(job.member.name)} seed {job.seed}"


def doing(progress: Progress) -> str:
    """What goes on just now."""
    if progress.phase == "train":
        pace = f", {number(progress.images_per_second, 3)}/s" if progress.images_per_second else ""
        return f"training, {progress.images:,} of {progress.budget:,} images{pace}"
    return f"evaluating at {progress.images:,} images" + (f": {progress.activity}" if progress.activity else "")


def figures(progress: Progress) -> list[str]:
    """The latest scores, and the losses by which a collapse is seen."""
    scores = [f"{as_text(name)} {number(value)}" for name, value in list(progress.scores.items())[:2]]
    losses = [f"{as_text(name)} {value:.3g}" for name, value in progress.terms.items() if name.endswith("/adversarial")]
    return [text for text in ("  ".join(scores), "  ".join(losses[:3])) if text]


def _ended(event: Finished | Skipped, state: State) -> str:
    words = as_text(event.reason) if isinstance(event, Skipped) else outcome(event.record)
    return f"[{state.ended}/{state.total}] {name_of(event.job)}: {words}"


def outcome(record: Record) -> str:
    """How a run ended, in a few words."""
    seconds = duration(sum(record.seconds.values()))
    if record.status == "diverged":
        return f"diverged at step {record.diverged_at_step} after {seconds}"
    if record.failure:
        return f"{record.status}: {record.failure.type}: {as_text(record.failure.message)[:200]}"
    values = [s.value for s in record.scores if s.metric == record.ranking and s.checkpoint == "last"]
    return f"{record.ranking} {number(sum(values) / len(values))} after {seconds}"


def duration(seconds: float) -> str:
    """Seconds for people: 45 s, 3 min 20 s, 2 h 05 min, 3 d 4 h."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 48 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"

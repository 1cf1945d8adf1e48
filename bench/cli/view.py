"""The live view of a run: a table of what goes on in a terminal, plain lines anywhere else."""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bench.records.record import Record
from bench.runs.experiment import Job
from bench.runs.job import Progress
from bench.runs.run import Event, Finished, Skipped

LINE_SECONDS = 10.0  # between two plain lines of the same job


def watch(events: Iterator[Event], jobs: Sequence[Job], console: Console | None = None) -> Iterator[Event]:
    """The same events, shown as they pass."""
    console = console or Console(highlight=False, markup=False)
    live = console.is_terminal and not os.environ.get("CI")
    return _live(events, _State(len(jobs)), console) if live else _plain(events, _State(len(jobs)), console)


@dataclass
class _State:
    """What has been seen of a run."""

    total: int
    ended: int = 0
    here: int = 0  # jobs that this process finished
    started: float = field(default_factory=time.monotonic)
    current: Progress | None = None

    def see(self, event: Event) -> None:
        if isinstance(event, Progress):
            self.current = event
        else:
            self.ended += 1
            self.here += isinstance(event, Finished)
            self.current = None

    @property
    def seconds_left(self) -> float | None:
        """From the pace of the jobs that ended here and the part of the current one."""
        part = self.current.images / self.current.budget if self.current else 0.0
        done = self.here + part
        if done < 0.02:
            return None
        return (time.monotonic() - self.started) / done * (self.total - self.ended - part)


def _plain(events: Iterator[Event], state: _State, console: Console) -> Iterator[Event]:
    last = 0.0
    for event in events:
        state.see(event)
        if not isinstance(event, Progress):
            console.print(f"[{state.ended}/{state.total}] {_ended(event)}", soft_wrap=True)
        elif time.monotonic() - last > LINE_SECONDS:
            last = time.monotonic()
            console.print(f"[{state.ended + 1}/{state.total}] {_doing(event, state)}", soft_wrap=True)
        yield event


def _live(events: Iterator[Event], state: _State, console: Console) -> Iterator[Event]:
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        for event in events:
            state.see(event)
            if not isinstance(event, Progress):
                live.console.print(f"[{state.ended}/{state.total}] {_ended(event)}", soft_wrap=True)
            live.update(_panel(state))
            yield event


def _panel(state: _State) -> Group:
    bars = Table.grid(padding=(0, 1))
    bars.add_row("jobs", ProgressBar(state.total, state.ended, width=40), f"{state.ended}/{state.total}")
    progress = state.current
    if progress is None:
        return Group(bars)
    bars.add_row("images", ProgressBar(progress.budget, progress.images, width=40), f"{progress.images:,}")
    return Group(bars, Text(_doing(progress, state)))


def _doing(progress: Progress, state: _State) -> str:
    job = progress.job
    parts = [f"{job.member.name} seed {job.seed}"]
    if progress.phase == "train":
        parts.append(f"{progress.images:,} of {progress.budget:,} images, {progress.images_per_second:,.0f}/s")
    else:
        parts.append("scoring")
    parts += [f"{name} {value:.4g}" for name, value in progress.scores.items()]
    parts += [f"{name} {value:.3g}" for name, value in progress.terms.items() if name.endswith("/adversarial")]
    if state.seconds_left is not None:
        parts.append(f"{duration(state.seconds_left)} left")
    return "  ".join(parts)


def _ended(event: Finished | Skipped) -> str:
    job = event.job
    name = f"{job.member.name} seed {job.seed}"
    if isinstance(event, Skipped):
        return f"{name}: {event.reason}"
    return f"{name}: {outcome(event.record)}"


def outcome(record: Record) -> str:
    """How a run ended, in a few words."""
    seconds = duration(sum(record.seconds.values()))
    if record.status == "diverged":
        return f"diverged at step {record.diverged_at_step} after {seconds}"
    if record.failure:
        return f"{record.status}: {record.failure.type}: {record.failure.message}"
    values = [s.value for s in record.scores if s.metric == record.ranking and s.checkpoint == "last"]
    return f"{record.ranking} {sum(values) / len(values):.4g} after {seconds}"


def duration(seconds: float) -> str:
    """Seconds for people: 45 s, 3 min 20 s, 2 h 05 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"

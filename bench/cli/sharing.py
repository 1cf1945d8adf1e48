"""What one of several children says to the parent that shows them all (bench.cli.several)."""

import time
from collections.abc import Iterator

from bench.cli.view import doing, figures, name_of, outcome
from bench.runs.experiment import Experiment
from bench.runs.lifeline import lifeline
from bench.runs.progress import Progress
from bench.runs.run import FAILURES, Event, Finished, status

SECONDS = 0.5  # between two words of one job


def share(experiment: Experiment, total: int, events: Iterator[Event]) -> None:
    """Run the events to their end and pass them on. The parent concludes: it alone knows what the others did."""
    for event in lines(events, total):
        if not isinstance(event, Progress):
            lifeline.say(_ending(experiment, event) | {"total": total})


def lines(events: Iterator[Event], total: int) -> Iterator[Event]:
    """The same events; the parent is told now and then what goes on."""
    last = 0.0
    for event in events:
        if isinstance(event, Progress) and time.monotonic() - last > SECONDS:
            last = time.monotonic()
            percent = f"{event.share:.0%}"
            lifeline.say(
                {"line": "  ".join([name_of(event.job), doing(event), *figures(event), percent]), "total": total}
            )
        yield event


def _ending(experiment: Experiment, event: Event) -> dict[str, object]:
    """The job, how it stands now, and the line for people: nothing of jobs that another child runs, once of those done before."""
    now = status(experiment, event.job)
    state = "running" if now is None else "failed" if now in FAILURES else "done"
    words = outcome(event.record) if isinstance(event, Finished) else getattr(event, "reason", "")
    said = isinstance(event, Finished) or (lifeline.worker == 0 and state != "running")
    return {"job": event.job.digest, "state": state, "line": f"{name_of(event.job)}: {words}" if said else ""}

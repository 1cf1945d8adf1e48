"""How far a job is: for whoever watches."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.gan import Now
from bench.records.record import Point
from bench.runs.evaluation import evaluated_at_the_end
from bench.runs.jobs import Job
from bench.runs.state import RunState
from bench.suites.suite import Suite


@dataclass(frozen=True)
class Progress:
    """A job at one instant."""

    job: Job
    phase: str  # "train", "evaluate"
    images: int  # real images drawn so far
    budget: int  # real images that may be drawn
    images_per_second: float
    terms: Mapping[str, float]  # means of losses and diagnostics since the last point of the curve
    point: Point | None  # the latest of the curve
    activity: str = ""  # inside an evaluation, e.g. "sampling 2,300 of 10,000"
    elapsed: float = 0.0  # seconds of this job so far, over all interruptions
    seconds_left: float | None = None  # of this job, evaluation included; None: not yet known

    @property
    def scores(self) -> Mapping[str, float]:
        """Of the latest point of the curve."""
        return self.point.scores if self.point else {}

    @property
    def share(self) -> float:
        """The part of the job that is done, in time where that is known, else in images; in [0, 1]."""
        if self.seconds_left is None:
            return self.images / self.budget
        return self.elapsed / max(self.elapsed + self.seconds_left, 1e-9)


def progress_of(job: Job, suite: Suite, phase: str, now: Now, state: RunState, activity: str = "") -> Progress:
    """What a run's state says of how far it is."""
    seconds = state.seconds.get("train", 0.0)
    return Progress(
        job=job,
        phase="evaluate" if activity else phase,
        images=now.images,
        budget=now.budget,
        images_per_second=now.images / seconds if seconds else 0.0,
        terms=state.meter.means(),
        point=state.curve[-1] if state.curve else None,
        activity=activity,
        elapsed=seconds + state.seconds.get("evaluate", 0.0),
        seconds_left=_seconds_left(suite, now, state),
    )


def _seconds_left(suite: Suite, now: Now, state: RunState) -> float | None:
    """From the pace so far of training and, per image measured, of evaluation."""
    if not (now.images and state.evaluated):
        return None
    rules = suite.evaluation
    points = max(rules.curve_points(now.budget) - len(state.curve), 0)
    again = state.best is None or state.best.images != now.images  # the best networks may be the last ones
    of_the_curve = len(state.curve) * rules.curve_samples
    reported = evaluated_at_the_end(suite) // (2 - again) - max(state.evaluated - of_the_curve, 0)
    train = state.seconds.get("train", 0.0) / now.images
    evaluate = state.seconds.get("evaluate", 0.0) / state.evaluated
    return train * (now.budget - now.images) + evaluate * (points * rules.curve_samples + max(reported, 0))

"""One job from its first image to its record. It can be killed at any instant and continued to the same record."""

import time
import traceback
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

from bench.errors import Interrupted, UserError
from bench.files import NotWritten
from bench.records.record import Failure, Point, Record, Score, Status, now_in_utc
from bench.runs.crew import Crew
from bench.runs.evaluation import Activity, Evaluator, Nets, Which
from bench.runs.experiment import Experiment, Job
from bench.runs.gallery.exhibit import ArtifactFile
from bench.runs.interrupts import Interrupts
from bench.runs.keeping import Keeping
from bench.runs.outcome import about, plugin_metrics, rounded, sign, untrained
from bench.runs.progress import Progress, progress_of
from bench.runs.starting import parameters, start_training
from bench.runs.state import Best, RunningMeans, RunState, Stopwatch, weights_of
from bench.training.environment import reset_peak_memory

GRIDS = 5  # pictures kept over a training
LOOK_SECONDS = 0.5  # between two looks up from the loop

Result = TypeVar("Result")


class _Stop(BaseException):
    """A signal asks for an end, and the state of the run is whole."""


class NotStartedError(Exception):
    """A member that could not be built: with another seed it may be, so it is this job that failed."""

    def __init__(self, cause: BaseException):
        super().__init__(str(cause))
        self.cause = cause


def unstarted(experiment: Experiment, job: Job, attempt: int, error: BaseException, phase: str = "build") -> Record:
    """The record of a job of which nothing is left: its member could not be built, or its process ended."""
    return Record(
        **about(experiment, job, "unconditional"),
        attempt=attempt,
        status=_status_of(error),
        failure=_failure(phase, error),
        **untrained(),
        seconds={},
        scores=(),
        artifacts=(),
        started=now_in_utc(),
    )


def _status_of(error: BaseException) -> Status:
    return "out-of-memory" if isinstance(error, torch.OutOfMemoryError | MemoryError) else "failed"


def _failure(phase: str, error: BaseException) -> Failure:
    tail = tuple(traceback.format_exception(error)[-3:])
    return Failure(phase=phase, type=type(error).__name__, message=str(error), traceback_tail=tail)


class JobRun:
    """A job while it runs. Raises NotStartedError when its member cannot be built."""

    def __init__(
        self, experiment: Experiment, job: Job, attempt: int, checkpoint_seconds: float, crew: Crew | None = None
    ):
        self.crew = crew or Crew(experiment.execution)
        self.experiment, self.job, self.attempt = experiment, job, attempt
        self.checkpoint_seconds = checkpoint_seconds
        self.keeping = Keeping(experiment, job)  # before the start: feature networks that are loaded draw weights too
        try:
            self.training = start_training(experiment, job, team=self.crew.begin(job))
        except (UserError, MemoryError, torch.OutOfMemoryError) as error:
            raise NotStartedError(error) from error
        self.parameters = parameters(self.training)
        self.payable = self.training.payable
        self.evaluator = Evaluator(experiment, self.training.gan, job.member.name)
        self.interrupts = Interrupts()
        self.state = RunState(now_in_utc())
        self.saved_at = self.looked_at = time.monotonic()
        self.phase = "train"

    def run(self) -> Iterator[Progress | Record]:
        """Train, evaluate, and end with the record. Whatever goes wrong in the member becomes a record too.

        Raises Interrupted after a signal, with the checkpoint saved, and NotWritten where the disk is at fault.
        """
        self.state = self.keeping.restore(self.training, self.state)
        with self.interrupts:
            try:
                yield from self._train_and_score()
            except (NotWritten, Interrupted, GeneratorExit):
                raise
            except _Stop:
                self._save_for_later()
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt) and not self.interrupts.listening:
                    raise  # Ctrl-C: what we do not defer
                yield self._failed(error)

    def _train_and_score(self) -> Iterator[Progress | Record]:
        reset_peak_memory(self.experiment.execution.device)
        yield from self._train()
        step = self.training.diverged_at_step
        if step is not None:
            yield self._record("diverged", diverged_at_step=step)
            return
        self._save()
        self.phase = "evaluate"
        yield self._progress()
        scores = yield from self._scores()
        yield self._record("ok", scores)

    def _train(self) -> Iterator[Progress]:
        """Train to the end of the budget. The clock runs only while nothing else is done."""
        watch = self._watch("train")
        if self._point_is_due:  # the run was interrupted while it was measured
            yield from self._look_up()
        watch.start()
        for step in self.training.steps():
            self.state.meter.add(step.terms)
            if self._point_is_due or self.interrupts.requested or time.monotonic() - self.looked_at > LOOK_SECONDS:
                watch.stop()
                if self.training.diverged_at_step is not None:
                    return
                self._stop_if_asked()
                yield from self._look_up()
                watch.start()
        watch.stop()

    def _stop_if_asked(self) -> None:
        if self.interrupts.requested:
            raise _Stop

    def _save_for_later(self) -> None:
        """The end of an interrupted process. The state is between two steps: in an evaluation it is that before it."""
        if self.phase == "train":
            self.training.resume_training_mode()
            self._save()
        now, signum = self.training.now, self.interrupts.requested
        assert signum is not None
        raise Interrupted(
            signum,
            f"interrupted: {self.job.member.name} seed {self.job.seed} is saved at {now.images:,} of {now.budget:,} images. "
            "The same command goes on from there.",
        ) from None

    @property
    def _point_is_due(self) -> bool:
        curve, evaluation, images = self.state.curve, self.experiment.suite.evaluation, self.training.now.images
        if len(curve) == evaluation.curve_points(self.payable) or (curve and curve[-1].images == images):
            return False
        return images >= evaluation.curve_point(len(curve), self.payable)

    def _look_up(self) -> Iterator[Progress]:
        """What is done between two steps: a point of the curve where it is due, a checkpoint now and then."""
        point_is_due = self._point_is_due
        if point_is_due:
            yield from self._add_point()
        if point_is_due or time.monotonic() - self.saved_at > self.checkpoint_seconds:
            self._save()
        yield self._progress()
        self.looked_at = time.monotonic()

    def _add_point(self) -> Iterator[Progress]:
        """A point of the curve, and the best checkpoint so far."""
        state, now = self.state, self.training.now
        with self._evaluating() as nets:
            scores = yield from self._follow(self.evaluator.curve(nets))
            self._keep_best(scores[self.experiment.suite.evaluation.selection], nets)
            self._keep_grid(nets)
            self.training.resume_training_mode()
        point = Point(
            images=now.images,
            step=now.step,
            train_seconds=state.seconds["train"],
            terms=state.meter.means(),
            scores=scores,
        )
        state.curve.append(point)
        state.meter = RunningMeans()
        state.evaluated += self.experiment.suite.evaluation.curve_samples

    def _keep_best(self, value: float, nets: Nets) -> None:
        way, best = sign(self.experiment.suite.evaluation.selection), self.state.best
        if best is None or way * value < way * best.value:
            self.state.best = Best(self.training.now.images, value, weights_of(nets))

    def _keep_grid(self, nets: Nets) -> None:
        """Keep a grid from the same latents at a few points of training."""
        points = max(self.experiment.suite.evaluation.curve_points(self.payable), 1)
        index = len(self.state.curve) + 1
        if index == 1 or index * GRIDS // points > (index - 1) * GRIDS // points:
            self._keep_file(self.evaluator.grid(nets))

    def _keep_file(self, made: ArtifactFile) -> None:
        self.keeping.file(self.state, made, self.training.now.images)

    def _scores(self) -> Generator[Progress, None, list[Score]]:
        """The reported scores of the last and the best checkpoint, one per metric and sample seed."""
        best = self.state.best
        with self._evaluating() as nets:
            self.keeping.networks(nets, "last")
            scores = yield from self._scores_of(nets, "last")
            if best is not None:
                for name, net in nets.items():
                    net.load_state_dict(best.nets[name])
                self.keeping.networks(nets, "best")
                if best.images == self.training.now.images:  # the same networks, so the same scores
                    scores += [score.model_copy(update={"checkpoint": "best"}) for score in scores]
                else:
                    scores += yield from self._scores_of(nets, "best")
        return scores

    def _scores_of(self, nets: Nets, which: Which) -> Generator[Progress, None, list[Score]]:
        evaluation = self.experiment.suite.evaluation
        scores: list[Score] = []
        for seed in evaluation.sample_seeds:
            with self._watch("generate"):  # part of "evaluate"
                fake = yield from self._follow(self.evaluator.sample(nets, seed))
            scores += yield from self._follow(self.evaluator.scores(nets, fake, which, seed))
            self.state.evaluated += len(fake)
            if which == "last" and seed == evaluation.sample_seeds[0]:
                with torch.random.fork_rng():
                    for made in self.evaluator.exhibits(nets, fake):
                        self._keep_file(made)
        return scores

    @contextmanager
    def _evaluating(self) -> Iterator[dict[str, torch.nn.Module]]:
        """The networks to sample from, while the clock of the evaluation runs and training's random state is kept."""
        with self._watch("evaluate"), torch.random.fork_rng():
            yield self.training.sampling_nets()

    def _follow(self, work: Generator[Activity, None, Result]) -> Generator[Progress, None, Result]:
        """Tell what is done now and then, and give the result."""
        while True:
            try:
                activity = next(work)
            except StopIteration as end:
                return end.value
            self._stop_if_asked()
            if time.monotonic() - self.looked_at > LOOK_SECONDS:
                yield self._progress(str(activity))
                self.looked_at = time.monotonic()

    def _save(self) -> None:
        self.keeping.save(self.training, self.state)
        self.saved_at = time.monotonic()

    def _progress(self, activity: str = "") -> Progress:
        return progress_of(self.job, self.experiment.suite, self.phase, self.training.now, self.state, activity)

    def _record(self, status: Status, scores: Sequence[Score] = (), **ending: Any) -> Record:
        """The record, with what only this run knows; `ending` are further fields of it."""
        now, state = self.training.now, self.state
        fields = about(self.experiment, self.job, self.training.gan.task) | {
            "attempt": self.attempt,
            "status": status,
            "images_seen": now.images,
            "steps": now.step,
            "updates": self.training.updates,
            "parameters": self.parameters,
            "seconds": rounded(state.seconds),
            "peak_memory_bytes": state.peak_memory_bytes or None,
            "curve": tuple(state.curve),
            "best_images": state.best.images if state.best else None,
            "scores": tuple(scores),
            "plugin_metrics": plugin_metrics(scores),
            "artifacts": self.keeping.published(self.state, self.attempt),
            "started": state.started,
        }
        return Record(**fields | ending)

    def _failed(self, error: BaseException) -> Record:
        """The record of a member's mistake, or of a device that was too small. Its checkpoint stays, for another try."""
        return self._record(_status_of(error), failure=_failure(self.phase, self.crew.reason(error)))

    def _watch(self, phase: str) -> Stopwatch:
        return Stopwatch(self.experiment.execution.device, self.state.seconds, phase)

"""One job from its first image to its record. It can be killed at any instant and continued to the same record."""

import time
import traceback
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

from bench.errors import Interrupted
from bench.files import NotWritten
from bench.records import record as records
from bench.records.record import Artifact, Failure, Point, Record, Score, now_in_utc
from bench.runs import provenance
from bench.runs.evaluation import Activity, Evaluator, Nets, Which, evaluated_at_the_end
from bench.runs.experiment import Experiment, Job
from bench.runs.gallery import image_files
from bench.runs.gallery.exhibit import ArtifactFile
from bench.runs.gallery.image_files import KeptFile
from bench.runs.interrupts import Interrupts
from bench.runs.outcome import about, better, plugin_metrics, rounded
from bench.runs.starting import parameters, start_training
from bench.runs.state import Best, RunningMeans, RunState, Stopwatch
from bench.training import checkpoint
from bench.training.environment import peak_memory_bytes, reset_peak_memory

GRIDS = 5  # pictures kept over a training
LOOK_SECONDS = 0.5  # between two looks up from the loop

Result = TypeVar("Result")


@dataclass(frozen=True)
class Progress:
    """How far a job is: for whoever watches."""

    job: Job
    phase: str  # "train", "evaluate"
    images: int
    budget: int
    images_per_second: float
    terms: Mapping[str, float]
    scores: Mapping[str, float]  # of the latest point of the curve
    activity: str = ""  # inside an evaluation, e.g. "sampling 2,300 of 10,000"
    elapsed: float = 0.0  # seconds of this job so far, over all interruptions
    seconds_left: float | None = None  # of this job, evaluation included; None: not yet known

    @property
    def share(self) -> float:
        """The part of the job that is done, in time where that is known, else in images; in [0, 1]."""
        if self.seconds_left is None:
            return self.images / self.budget
        return self.elapsed / max(self.elapsed + self.seconds_left, 1e-9)


class _Stop(BaseException):
    """A signal asks for an end, and the state of the run is whole."""


class JobRun:
    """A job while it runs."""

    def __init__(self, experiment: Experiment, job: Job, attempt: int, checkpoint_seconds: float):
        self.experiment, self.job, self.attempt = experiment, job, attempt
        self.checkpoint_seconds = checkpoint_seconds
        self.identity = experiment.identity(job)  # before the start: feature networks that are loaded draw weights too
        self.training = start_training(experiment, job)
        self.parameters = parameters(self.training)
        self.evaluator = Evaluator(experiment, self.training.gan, job.member.name)
        self.interrupts = Interrupts()
        self.state = RunState(now_in_utc())
        self.path = experiment.files.cache(job) / "training.pt"
        self.saved_at = self.looked_at = time.monotonic()
        self.phase = "train"
        self.measured = 0  # generated images behind the reported scores so far

    def run(self) -> Iterator[Progress | Record]:
        """Train, evaluate, and end with the record. Whatever goes wrong in the member becomes a record too.

        Raises Interrupted after a signal, with the checkpoint saved, and NotWritten where the disk is at fault.
        """
        self._restore()
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
        return self.training.now.images >= (len(self.state.curve) + 1) * self.experiment.suite.evaluation.every

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
        sign = 1 if better(self.experiment.suite.evaluation.selection) == "lower" else -1
        best = self.state.best
        if best is None or sign * value < sign * best.value:
            self.state.best = Best(self.training.now.images, value, _weights(nets))

    def _keep_grid(self, nets: Nets) -> None:
        """Keep a grid from the same latents at a few points of training."""
        points = max(self.training.budget // self.experiment.suite.evaluation.every, 1)
        index = len(self.state.curve) + 1
        if index == 1 or index * GRIDS // points > (index - 1) * GRIDS // points:
            self._keep_file(self.evaluator.grid(nets))

    def _keep_file(self, made: ArtifactFile) -> None:
        images = self.training.now.images
        if made.status != "kept":
            kept = KeptFile(made.kind, "", "", images, status=made.status, reason=made.reason)
            self.state.pictures.append(kept)
            return
        path = self.path.parent / f"{made.kind}-{images}{made.suffix}"
        sha256 = image_files.write(path, made.content)
        self.state.pictures.append(KeptFile(made.kind, path.name, sha256, images, made.note))

    def _scores(self) -> Generator[Progress, None, list[Score]]:
        """The reported scores of the last and the best checkpoint, one per metric and sample seed."""
        best = self.state.best
        with self._evaluating() as nets:
            self._keep_networks(nets, "last")
            scores = yield from self._scores_of(nets, "last")
            if best is not None:
                for name, net in nets.items():
                    net.load_state_dict(best.nets[name])
                self._keep_networks(nets, "best")
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
            self.measured += len(fake)
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
                yield self._progress(activity)
                self.looked_at = time.monotonic()

    def _keep_networks(self, nets: Nets, which: Which) -> None:
        """Keep the networks to sample from, for `bench sample`."""
        content = {"spec": asdict(self.experiment.spec), "nets": _weights(nets)}
        checkpoint.save(self.path.parent / f"{which}.pt", self.identity, content)

    def _save(self) -> None:
        peak = peak_memory_bytes(self.experiment.execution.device) or 0
        self.state.peak_memory_bytes = max(self.state.peak_memory_bytes, peak)
        content = {"training": self.training.state_dict(), "journal": self.state.saved()}
        checkpoint.save(self.path, self.identity, content)
        self.saved_at = time.monotonic()

    def _keep_source(self) -> None:
        """Keep the member's files where nobody could get them from a commit or a distribution."""
        if not self.job.source.can_be_fetched:
            self._keep_file(ArtifactFile(provenance.KIND, ".zip", self.job.source.archive(), provenance.NOTE))

    def _restore(self) -> None:
        if self.path.exists():
            content = checkpoint.load(self.path, self.identity)
            with checkpoint.fitting(self.path):
                self.training.load_state_dict(content["training"])
                self.state = RunState.restored(content["journal"])
        else:
            self._keep_source()

    def _progress(self, activity: Activity | None = None) -> Progress:
        state, now = self.state, self.training.now
        seconds = state.seconds.get("train", 0.0)
        return Progress(
            job=self.job,
            phase=self.phase if activity is None else "evaluate",
            images=now.images,
            budget=now.budget,
            images_per_second=now.images / seconds if seconds else 0.0,
            terms=state.meter.means(),
            scores=state.curve[-1].scores if state.curve else {},
            activity="" if activity is None else str(activity),
            elapsed=seconds + state.seconds.get("evaluate", 0.0),
            seconds_left=self._seconds_left(),
        )

    def _seconds_left(self) -> float | None:
        """From the pace so far of training and, per image measured, of evaluation."""
        state, now, rules = self.state, self.training.now, self.experiment.suite.evaluation
        train = state.seconds.get("train", 0.0)
        if not (now.images and state.evaluated):
            return None
        left = now.budget - now.images
        points = now.budget // rules.every - len(state.curve)
        again = state.best is None or state.best.images != now.images  # the best networks may be the last ones
        reported = evaluated_at_the_end(self.experiment.suite) // (2 - again) - self.measured
        to_evaluate = max(points, 0) * rules.curve_samples + max(reported, 0)
        pace = state.seconds.get("evaluate", 0.0) / state.evaluated
        return train / now.images * left + pace * to_evaluate

    def _record(self, status: records.Status, scores: Sequence[Score] = (), **ending: Any) -> Record:
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
            "artifacts": self._artifacts(),
            "started": state.started,
        }
        return Record(**fields | ending)

    def _artifacts(self) -> tuple[Artifact, ...]:
        stem = records.file_stem(self.job.seed, self.job.digest, self.attempt)
        return image_files.publish(self.state.pictures, self.path.parent, self.experiment.files.folder(self.job), stem)

    def _failed(self, error: BaseException) -> Record:
        """The record of a member's mistake, or of a device that was too small. Its checkpoint stays, for another try."""
        tail = tuple(traceback.format_exception(error)[-3:])
        failure = Failure(phase=self.phase, type=type(error).__name__, message=str(error), traceback_tail=tail)
        full = isinstance(error, torch.OutOfMemoryError | MemoryError)
        return self._record("out-of-memory" if full else "failed", failure=failure)

    def _watch(self, phase: str) -> Stopwatch:
        return Stopwatch(self.experiment.execution.device, self.state.seconds, phase)


def _weights(nets: Nets) -> dict[str, dict[str, Tensor]]:
    return {
        name: {key: value.detach().cpu().clone() for key, value in net.state_dict().items()}
        for name, net in nets.items()
    }
